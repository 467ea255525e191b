"""What is stored, sent and published today has the forms that ``written.json`` shows.

The stories of ``tests/recorded`` are told once more. What they leave behind outlives a deployment,
and a deployment may be taken back; so a new form is a decision, which ``tests/recorded/record.py``
writes down.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.recorded.record import told
from tests.recorded.stories import STORIES, Story
from tests.recorded.support import Deployment, recorded
from tests.support.xporter import Xporter

FORMS: dict[str, Any] = recorded("written.json")


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_nothing_is_stored_sent_or_published_in_another_form(
    online: Deployment, xporter: Xporter, story: Story
) -> None:
    now = told(story, online, xporter)
    assert json.loads(json.dumps(now)) == FORMS[story.__name__]


def test_every_story_is_written_down() -> None:
    assert set(FORMS) == {story.__name__ for story in STORIES}
