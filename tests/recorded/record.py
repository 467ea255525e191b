"""Recorded, at commit 60edcfd, what that code stores, sends and publishes; need not run again.

It was run there as ``PYTHONPATH=.:layers/shared python -m tests.recorded.record``. It tells the
stories to the real handlers, on an AWS in memory, and writes beside this file:

- ``items.json``: an item of every form, with what the API and the watcher made of it then
- ``messages.json``: a message of every form by queue, and who sent it
- ``events.json``: an event of every type as it was put on the bus
- ``forms.json``: every form of items and what their attributes look like, and by story the forms
  that came about and the keys of all objects that were seen
- ``worlds/<story>.<moment>/``: all that was stored at that moment, objects as files of their own
- ``names.json``: metrics, log events, environment variables, queues, tables and indexes
- ``openapi.json``: what ``/v1/openapi.json`` answered

``tests/integration/test_recorded_forms.py`` feeds all of it to the code of today.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from moto import mock_aws

from tests.recorded.actors import outcomes_sent, urls_given
from tests.recorded.forms import (
    attributes_of,
    form_of,
    key_form,
    kind_of,
    message_form,
    state_of,
    table_of,
)
from tests.recorded.names import names_in_use
from tests.recorded.outcomes import outcome_of
from tests.recorded.stories import STORIES
from tests.recorded.support import (
    BUCKETS,
    HERE,
    TABLES,
    Deployment,
    Tape,
    deployment,
    restore,
)
from tests.support.moto_cloud import REGION, Cloud
from tests.support.xporter import Xporter
from tools.simulator.http.server import RunningSimulator
from tools.simulator.service.application import Application

# Of these moments the objects are kept too.
WITH_OBJECTS = {
    "pulling.leased_with_pages",
    "pulling.checkpoint",
    "pulling.unpublished",
    "changing.second_sequence",
    "holding.hold_approved",
    "withdrawing.scope_removed",
}
# Of these, the items.
WITH_ITEMS = WITH_OBJECTS | {
    "onboarding.authorised",
    "pausing.paused_with_another_secret",
    "erasing.being_erased",
    "requesting.waiting",
    "writing.queued",
    "writing.sent",
}


# Of a moment's datasets, those that a test reads: a school has eight.
DATASETS = ("students", "schoolinfo", "attendancefordate-", "#slot-")


@dataclass
class Recorder:
    """Collects what the stories leave behind."""

    tapes: dict[str, Tape] = field(default_factory=dict)
    objects: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    worlds: dict[str, dict[str, Any]] = field(default_factory=dict)

    def tell(self, story: Any, it: Deployment, xporter: Xporter) -> None:
        name = story.__name__

        def keep(moment: str) -> None:
            at, found = f"{name}.{moment}", it.objects()
            for bucket, kept in found.items():
                seen = self.objects.setdefault(name, {}).setdefault(bucket, set())
                seen |= {key_form(key) for key in kept}
            if at in WITH_ITEMS:
                self.worlds[at] = {
                    "now": it.clock.now.isoformat(),
                    "items": {table: list(filter(_is_kept, it.items(table))) for table in TABLES},
                    "webhooks": xporter.webhooks(),
                    "callback_urls": urls_given(xporter, "availability"),
                    "outcome_urls": outcomes_sent(xporter, 5) if at == "writing.sent" else [],
                    "objects": found if at in WITH_OBJECTS else {},
                }

        story(it, xporter, keep)
        self.tapes[name] = it.tape

    def write(self) -> None:
        items = [item for tape in self.tapes.values() for item in tape.items]
        told = {
            "items": sorted({form_of(item) for item in items}),
            "attributes": {
                kind: {name: sorted(shapes) for name, shapes in sorted(found.items())}
                for kind, found in sorted(attributes_of(items).items())
            },
            "objects": {
                story: {bucket: sorted(keys) for bucket, keys in found.items()}
                for story, found in self.objects.items()
            },
        }
        told["by_story"] = {
            story: sorted({told["items"].index(form_of(item)) for item in tape.items})
            for story, tape in self.tapes.items()
        }
        _write("forms.json", told)
        _write(
            "items.json",
            sorted(_items(self.tapes), key=lambda it: (table_of(it["item"]), it["kind"])),
        )
        _write("messages.json", _messages(self.tapes))
        events = {each["DetailType"]: each for tape in self.tapes.values() for each in tape.events}
        _write("events.json", [events[name] for name in sorted(events)])
        for name, world in self.worlds.items():
            _write_world(name, world)


def _is_kept(item: dict[str, Any]) -> bool:
    return "dataset" not in item or item["dataset"]["S"].startswith(DATASETS)


def _items(tapes: dict[str, Tape]) -> Iterator[dict[str, Any]]:
    """Yield few and small items, so that each attribute in each state is among them."""
    told = [(story, item) for story, tape in tapes.items() for item in tape.items]
    seen: set[tuple[str, str, str]] = set()
    for story, item in sorted(told, key=lambda each: (len(json.dumps(each[1])), str(each[1]))):
        news = {(kind_of(item), state_of(item), name) for name in item} - seen
        if news:
            seen |= news
            with aws() as it:
                yield {"story": story, "kind": kind_of(item), "item": item, **outcome_of(item, it)}


def _messages(tapes: dict[str, Tape]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for story, tape in tapes.items():
        for message in tape.messages:
            form = message_form(message)
            entry = found.setdefault(form, {**message, "sent_by": [], "stories": []})
            entry["sent_by"] = sorted({*entry["sent_by"], message["sent_by"]})
            entry["stories"] = sorted({*entry["stories"], story})
    return [found[form] for form in sorted(found)]


def _write_world(name: str, world: dict[str, Any]) -> None:
    folder = HERE / "worlds" / name
    folder.mkdir(parents=True)
    for bucket, kept in world.pop("objects").items():
        for key, body in kept.items():
            if any(f"/dataset={dataset}" in key for dataset in DATASETS):
                path = folder / BUCKETS[bucket] / key
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(body)
    _write(f"worlds/{name}/world.json", world)
    with aws() as it:
        restore(it, name)
        _write(f"worlds/{name}/world.json", {**world, "answers": it.answers()})


def _write(name: str, document: Any) -> None:
    (HERE / name).write_text("\n".join(_lines(document)) + "\n", encoding="utf-8")


def _lines(document: Any, depth: int = 0) -> Iterable[str]:
    """Lay a document out with an entry of its lists and inner objects on each line."""
    if isinstance(document, list) and document:
        entries = [json.dumps(entry) for entry in document]
        yield "[\n" + ",\n".join(entries) + "\n]"
    elif isinstance(document, dict) and depth < 2 and document:
        parts = []
        for key, entry in document.items():
            parts.append(f"{json.dumps(key)}: " + "\n".join(_lines(entry, depth + 1)))
        yield "{\n" + ",\n".join(parts) + "\n}"
    else:
        yield json.dumps(document)


@contextmanager
def aws(url: str = "http://127.0.0.1:9") -> Iterator[Deployment]:
    with mock_aws(), deployment(Cloud, url) as it:
        yield it


def main() -> None:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        os.environ.pop(name, None)
    os.environ |= {"AWS_DEFAULT_REGION": REGION, "POWERTOOLS_METRICS_NAMESPACE": "tests"}
    shutil.rmtree(HERE / "worlds", ignore_errors=True)
    recorder = Recorder()
    with RunningSimulator() as simulator:
        xporter = Xporter(simulator.url)
        for story in STORIES:
            xporter.control("POST", "reset")
            xporter.control("PUT", "application", Application().describe())
            with aws(simulator.url) as it:
                recorder.tell(story, it, xporter)
    recorder.write()
    with aws() as it:
        (HERE / "openapi.json").write_text(it.get("/v1/openapi.json")["body"], encoding="utf-8")
    _write("names.json", names_in_use())


if __name__ == "__main__":
    main()
