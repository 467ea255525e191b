"""What happens to invented schools, so that every kind of item, message and object comes about.

Each story is told to a deployment of its own, through its handlers alone.
"""

from __future__ import annotations

from typing import Protocol

from tests.recorded.actors import Keep
from tests.recorded.stories_of_data import changing, holding, pulling, withdrawing
from tests.recorded.stories_of_operations import refusing_requests, requesting, writing
from tests.recorded.stories_of_schools import erasing, erasing_people, onboarding, pausing
from tests.recorded.support import Deployment
from tests.support.xporter import Xporter


class Story(Protocol):
    """Tells a deployment what happens; ``keep`` is called at the moments worth keeping."""

    __name__: str

    def __call__(self, it: Deployment, xporter: Xporter, keep: Keep) -> None:
        """Tell it."""
        ...


STORIES: tuple[Story, ...] = (
    onboarding,
    pausing,
    erasing,
    erasing_people,
    pulling,
    changing,
    holding,
    withdrawing,
    requesting,
    refusing_requests,
    writing,
)
