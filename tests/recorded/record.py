"""Writes down what the code of today stores, sends and publishes: ``written.json``.

    PYTHONPATH=.:layers/shared .venv/bin/python -m tests.recorded.record

It tells the stories to the real handlers, on an AWS in memory. A difference in ``written.json`` is
a change of something that outlives a deployment: before it is committed, the version before must
be able to read the new form, as a deployment may be taken back.

The other files beside this one were recorded at commit 60edcfd and stay as they are, so that its
forms stay readable: queues keep messages for 14 days, Xporter keeps URLs for good.

- ``items.json``: an item of every form, with what the API and the watcher made of it then
- ``messages.json``: a message of every form by queue, and who sent it
- ``events.json``: an event of every type as it was put on the bus
- ``worlds/<story>.<moment>/``: all that was stored at that moment, objects as files of their own
- ``names.json``: metrics, log events, environment variables, queues, tables and indexes
- ``openapi.json``: what ``/v1/openapi.json`` answered
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from moto import mock_aws

from tests.recorded.forms import attributes_of, form_of, key_form, message_form, shape
from tests.recorded.stories import STORIES, Story
from tests.recorded.support import BUCKETS, HERE, Deployment, deployment
from tests.support.moto_cloud import REGION, Cloud
from tests.support.xporter import Xporter
from tools.simulator.http.server import RunningSimulator
from tools.simulator.service.application import Application

WRITTEN = HERE / "written.json"


@dataclass
class Written:
    """What one story leaves behind, so that two times can be compared."""

    deployment: Deployment
    keys: dict[str, set[str]] = field(default_factory=lambda: {name: set() for name in BUCKETS})

    def keep(self, _moment: str) -> None:
        """Remember the objects of a moment, some of which are gone at the end."""
        for bucket in BUCKETS:
            self.keys[bucket] |= {key_form(key) for key in self.deployment.cloud.objects(bucket)}

    def forms(self) -> dict[str, Any]:
        """Return what items, their attributes, objects, messages and events look like."""
        tape = self.deployment.tape
        events = {each["DetailType"]: shape(each) for each in tape.events}
        return {
            "items": sorted({form_of(item) for item in tape.items}),
            "attributes": {
                kind: {name: sorted(shapes) for name, shapes in sorted(found.items())}
                for kind, found in sorted(attributes_of(tape.items).items())
            },
            "objects": {bucket: sorted(keys) for bucket, keys in self.keys.items()},
            "messages": sorted({message_form(message) for message in tape.messages}),
            "events": dict(sorted(events.items())),
        }


def told(story: Story, it: Deployment, xporter: Xporter) -> dict[str, Any]:
    """Tell the story and return the forms of what it left behind."""
    written = Written(it)
    story(it, xporter, written.keep)
    return written.forms()


def _lines(document: Any, depth: int = 0) -> Iterable[str]:
    """Lay a document out with an entry of its lists and inner objects on each line."""
    if isinstance(document, list) and document:
        yield "[\n" + ",\n".join(json.dumps(entry) for entry in document) + "\n]"
    elif isinstance(document, dict) and depth < 4 and document:
        parts = []
        for key, entry in document.items():
            parts.append(f"{json.dumps(key)}: " + "\n".join(_lines(entry, depth + 1)))
        yield "{\n" + ",\n".join(parts) + "\n}"
    else:
        yield json.dumps(document)


@contextmanager
def aws(url: str) -> Iterator[Deployment]:
    with mock_aws(), deployment(Cloud, url) as it:
        yield it


def main() -> None:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        os.environ.pop(name, None)
    os.environ |= {"AWS_DEFAULT_REGION": REGION, "POWERTOOLS_METRICS_NAMESPACE": "tests"}
    found = {}
    with RunningSimulator() as simulator:
        xporter = Xporter(simulator.url)
        for story in STORIES:
            xporter.control("POST", "reset")
            xporter.control("PUT", "application", Application().describe())
            with aws(simulator.url) as it:
                found[story.__name__] = told(story, it, xporter)
    WRITTEN.write_text("\n".join(_lines(found)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
