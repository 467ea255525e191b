"""What is stored, sent and published today has the forms that the code at 60edcfd gave it.

The stories of ``tests/recorded`` are told once more. A deployment may be taken back, and then the
code before it reads what the code after it wrote; and readers of bucket and bus see no difference.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.recorded.forms import attributes_of, form_of, key_form, message_form, shape
from tests.recorded.queries import MESSAGES
from tests.recorded.stories import STORIES, Story
from tests.recorded.support import BUCKETS, HERE, Deployment, recorded
from tests.support.xporter import Xporter

FORMS: dict[str, Any] = recorded("forms.json")
EVENTS = {event["DetailType"]: shape(event) for event in recorded("events.json")}
# What messages may say beside what they said: nobody before reads it.
ADDED = {"kind"}
# What is another in each pull.
OF_ITS_OWN = {"pull_id", "as_of"}


@dataclass
class Seen:
    """The objects that a story has left at any of its moments."""

    deployment: Deployment
    story: str
    keys: dict[str, set[str]] = field(default_factory=lambda: {name: set() for name in BUCKETS})

    def keep(self, moment: str) -> None:
        for bucket in BUCKETS:
            objects = self.deployment.cloud.objects(bucket)
            self.keys[bucket] |= {key_form(key) for key in objects}
        first_manifests_are_the_same(self.deployment, f"{self.story}.{moment}")


def first_manifests_are_the_same(it: Deployment, name: str) -> None:
    """Hold a recorded moment's first manifests, digests and all, against those of today."""
    root = HERE / "worlds" / name / "data"
    for path in root.rglob("0000000001.json"):
        then = json.loads(path.read_bytes())
        now = json.loads(it.cloud.objects("DataBucket")[path.relative_to(root).as_posix()])
        assert list(now) == list(then)
        for fact in set(then) - OF_ITS_OWN:
            assert now[fact] == then[fact], fact


def states(forms: Iterable[str]) -> set[str]:
    """Return the kinds and states of which something was stored."""
    return {form.partition(":")[0] for form in forms}


def form_then(message: dict[str, Any]) -> str:
    """Return the form of a message without what has been added since."""
    if "payload" in message["body"] or message["queue"].endswith("DeadLetterQueue"):
        return message_form(message)
    body = {name: value for name, value in message["body"].items() if name not in ADDED}
    return message_form({**message, "body": body})


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_nothing_is_stored_sent_or_published_in_another_form(
    online: Deployment, xporter: Xporter, story: Story
) -> None:
    name = story.__name__
    seen, tape = Seen(online, name), online.tape
    story(online, xporter, seen.keep)
    for kind, attributes in attributes_of(tape.items).items():
        for attribute, shapes in attributes.items():
            known = set(FORMS["attributes"][kind].get(attribute, ()))
            assert shapes <= known, f"{kind}: {attribute}"
    forms = {form_of(item) for item in tape.items}
    assert forms <= set(FORMS["items"])
    assert states(forms) == states(FORMS["items"][number] for number in FORMS["by_story"][name])
    assert {bucket: sorted(keys) for bucket, keys in seen.keys.items()} == FORMS["objects"][name]
    sent = {message_form(each) for each in MESSAGES if name in each["stories"]}
    assert {form_then(message) for message in tape.messages} == sent
    for event in tape.events:
        assert shape(event) == EVENTS[event["DetailType"]]
