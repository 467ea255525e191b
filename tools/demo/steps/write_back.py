"""Writebacks of the company's software reach the school's MIS, each exactly once."""

import json
from typing import Any

from tools.demo.context import Journey
from tools.demo.errors import NotYetError
from tools.demo.schools import PRIMARY
from tools.demo.steps.request_data import school_day
from tools.demo.wait import expect, until

_PATH = f"/v1/schools/{PRIMARY.estab}/writebacks"


def write_marks_back(journey: Journey) -> str:
    """Session marks are written; the outcome is called back, and the MIS holds each mark once."""
    manifest = journey.lake.latest(PRIMARY.estab, "students")
    expect(manifest is not None, "there are no pupils to mark")
    payload = {"Marks": _marks(journey, manifest or {})}
    accepted = _ask(journey, payload)
    expect(_ask(journey, payload) == accepted, "the same key and payload got another id")
    shown = journey.wait_for_state(f"{_PATH}/{accepted}", "completed", "failed", "unknown")
    expect(shown["state"] == "completed", f"the writeback is {shown['state']}")
    written = _wait_for_mis(journey, payload["Marks"])
    once = all(entry["times"] == 1 for entry in written)
    expect(once, "a mark was written more than once")
    return f"{len(written)} marks in the MIS, each written once; asked for twice"


def _marks(journey: Journey, manifest: dict[str, Any]) -> list[dict[str, str]]:
    key = manifest["tables"]["Students"]["snapshot_key"]
    lines = journey.lake.content(key).splitlines()[:3]
    mark = {"MarkType": "S", "Date": school_day(3), "Session": "AM", "Mark": "L"}
    return [{"StudentId": json.loads(line)["Id"], **mark} for line in lines]


def _ask(journey: Journey, payload: dict[str, Any]) -> str:
    body = {"kind": "attendance", "payload": payload}
    answer = journey.api.post(_PATH, body, **{"Idempotency-Key": "demo-1"})
    return str(answer["id"])


def _wait_for_mis(journey: Journey, marks: list[dict[str, str]]) -> list[dict[str, Any]]:
    def look() -> list[dict[str, Any]]:
        written = journey.simulator.written(PRIMARY.estab)
        if len(written) < len(marks):
            raise NotYetError(f"the MIS has {len(written)} of {len(marks)} marks")
        return written

    return until(look)
