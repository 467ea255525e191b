"""What happens to invented schools, so that every kind of item, message and object comes about.

Each story is told to a deployment of its own, through its handlers alone.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.recorded.actors import Keep
from tests.recorded.stories_of_data import changing, holding, pulling, withdrawing
from tests.recorded.stories_of_operations import refusing_requests, requesting, writing
from tests.recorded.stories_of_schools import erasing, onboarding, pausing
from tests.recorded.support import Deployment
from tests.xporter import Xporter

STORIES: tuple[Callable[[Deployment, Xporter, Keep], None], ...] = (
    onboarding,
    pausing,
    erasing,
    pulling,
    changing,
    holding,
    withdrawing,
    requesting,
    refusing_requests,
    writing,
)
