"""What the API shows of one stored item, and what the watcher makes of it when its time comes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any

from tests.recorded.forms import kind_of, table_of
from tests.recorded.replaced import START
from tests.recorded.support import Deployment

# A school that is live, as the code at 60edcfd stored it, for items that need one.
SCHOOL: dict[str, Any] = {
    "estab": {"S": "3281102"},
    "state": {"S": "live"},
    "state_since": {"S": "2026-11-24T03:00:00.000Z"},
    "cause": {"S": "first_data_committed"},
    "due_at": {"S": "9999"},
    "name": {"S": "Testing School"},
    "scopes": {"L": [{"S": "School"}, {"S": "Student"}, {"S": "Attendance"}]},
    "version": {"N": "3"},
}


def outcome_of(item: Mapping[str, Any], it: Deployment) -> dict[str, Any]:
    """Store the item beside its school, let it be shown, and let the watcher look at it."""
    table, estab = table_of(item), item["estab"]["S"]
    if table != "SchoolsTable":
        it.put("SchoolsTable", SCHOOL)
    it.put(table, item)
    watch_at = item.get("watch_at", {}).get("S")
    it.clock.now = datetime.fromisoformat(watch_at) if watch_at else START
    shown = _shown(item, it, estab)
    it.tape.items.clear()
    assert it.watch()["failed"] == 0
    return {
        "at": it.clock.now.isoformat(),
        "shown": shown,
        "sent": [{"queue": each["queue"], "body": each["body"]} for each in it.tape.messages],
        "published": [each["Detail"] for each in it.tape.events],
        "written": [
            _difference(before, after) for before, after in pairwise([item, *_of(item, it)])
        ],
    }


def _of(item: Mapping[str, Any], it: Deployment) -> list[dict[str, Any]]:
    """Return every state of the item, and not of its school, that was written."""
    return [each for each in it.tape.items if table_of(each) == table_of(item)]


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    changed = {name: value for name, value in after.items() if before.get(name) != value}
    return {"set": changed, "removed": sorted(set(before) - set(after))}


def _shown(item: Mapping[str, Any], it: Deployment, estab: str) -> Any:
    kind, school = kind_of(item), f"/v1/schools/{estab}"
    if kind == "dataset":
        views = json.loads(it.get(school)["body"])["datasets"]
        return [view for view in views if view["dataset"] == item["dataset"]["S"]]
    if kind in {"writeback", "pull on request"}:
        where = "writebacks" if kind == "writeback" else "pulls"
        return _answer(it.get(f"{school}/{where}/{item['operation']['S']}"))
    return _answer(it.get(school)) if kind == "school" else None


def _answer(answer: Mapping[str, Any]) -> Any:
    document = json.loads(answer["body"])
    # Of every school the datasets that nobody has asked for yet are shown: not the item's.
    return [answer["status"], {k: v for k, v in document.items() if k not in {"datasets", "trace"}}]
