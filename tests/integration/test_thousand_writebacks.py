"""A thousand writebacks under everything that can go wrong at once: never a second mark."""

import time
from collections import Counter
from datetime import date, timedelta
from typing import Any

import requests

from tests.support.conversation_world import ESTAB, Company
from tools.simulator.http.server import RunningSimulator
from xporter_bridge.operations.model import OperationKind, identity

_COUNT = 1000
_DEADLINE = timedelta(seconds=2.5)
_MOST_SECONDS = 60
# How often anything durable is written for one writeback that goes well, and then some.
_CRASH_POINTS = 10
_FAULTS = [
    {"kind": "dropped_connection", "rate": 0.2},
    {"kind": "lost_answer", "rate": 0.2},
    {"kind": "lost_callback", "rate": 0.1},
    {"kind": "duplicate_callback", "rate": 0.1},
    {"kind": "late_callback", "rate": 0.03, "delay_ms": 4000},
    {"kind": "reordered_callback", "rate": 0.05, "delay_ms": 300},
    {"kind": "refused_writeback", "rate": 0.03, "path": "attendance"},
    {"kind": "rate_limited", "rate": 0.02, "path": "attendanceasync"},
    {"kind": "server_error", "rate": 0.02, "path": "attendanceasync"},
]


def _school_days() -> list[str]:
    """Return days whose registers nobody has taken: a mark that is there is never written over."""
    days = (date(2026, 11, 2) + timedelta(days=n) for n in range(40))
    return [day.isoformat() for day in days if day.weekday() < 5]


def _mark(pupils: list[str], number: int) -> dict[str, Any]:
    """Return the number-th of marks that are all of different places."""
    place, session = divmod(number, 2)
    day, pupil = divmod(place, len(pupils))
    return {
        "StudentId": pupils[pupil],
        "MarkType": "S",
        "Date": _school_days()[day],
        "Session": ("AM", "PM")[session],
        # No register that the simulator invents holds this one.
        "Mark": "G",
    }


def _sim(simulator: RunningSimulator, method: str, path: str, body: Any = None) -> Any:
    answer = requests.request(method, f"{simulator.url}/_sim/{path}", json=body, timeout=20)
    assert answer.ok, answer.text
    return answer.json()


def _plan_crash(company: Company, key: str, number: int) -> None:
    """Let the process die at each durable write in turn, before it or after it."""
    at, is_after = divmod(number, 2)
    id_ = identity(OperationKind.WRITEBACK, ESTAB, key)
    if at % (_CRASH_POINTS + 4) < _CRASH_POINTS:
        company.crashes.planned[id_] = (1 + at % (_CRASH_POINTS + 4), bool(is_after))


def _run(company: Company, ids: list[str]) -> None:
    until, woken_at = time.monotonic() + _MOST_SECONDS, 0.0
    left = set(ids)
    while left and time.monotonic() < until:
        busy = company.work(most=25)
        if time.monotonic() - woken_at > 0.3:
            woken_at = time.monotonic()
            company.watch()
            held = {id_: company.written.get(ESTAB, id_) for id_ in left}
            left = {id_ for id_, it in held.items() if not (it and it.is_ended and not it.outbox)}
        if not busy:
            time.sleep(0.02)


def _hear_the_last(company: Company, simulator: RunningSimulator) -> None:
    """Take the outcomes that come late, or again, after everything has ended."""
    until = time.monotonic() + _MOST_SECONDS
    while _sim(simulator, "GET", "callbacks")["pending"]:
        assert time.monotonic() < until, "the simulator goes on calling"
        time.sleep(0.02)
    company.work()


def test_each_mark_is_in_the_mis_once_and_every_state_is_true() -> None:
    with RunningSimulator(time_scale=3600) as simulator:
        school = _sim(
            simulator, "POST", "schools",
            {"estab": ESTAB, "students": 30, "seed": 3, "today": "2026-10-30"},
        )  # fmt: skip
        pupils = [row["Id"] for row in _sim(simulator, "GET", f"schools/{ESTAB}/truth/Students")]
        _sim(simulator, "PUT", "faults", {"faults": _FAULTS, "seed": 11})
        with Company(simulator, school, outcome_deadline=_DEADLINE) as company:
            marks = {f"key-{n}": _mark(pupils, n) for n in range(_COUNT)}
            ids = {}
            for number, (key, mark) in enumerate(marks.items()):
                _plan_crash(company, key, number)
                ids[key] = company.write("attendance", {"Marks": [mark]}, key).id
            _run(company, list(ids.values()))
            _hear_the_last(company, simulator)
            verify_secret(company, simulator, marks, ids)


def verify_secret(
    company: Company,
    simulator: RunningSimulator,
    marks: dict[str, dict[str, Any]],
    ids: dict[str, str],
) -> None:
    written = _sim(simulator, "GET", f"schools/{ESTAB}/mis")["written"]
    times = {each["id"]: each["times"] for each in written}
    assert max(times.values()) == 1
    states: Counter[str] = Counter()
    for key, mark in marks.items():
        found = company.written.get(ESTAB, ids[key])
        assert found
        place = f"{mark['StudentId']}.{mark['Date']}.{mark['Session']}"
        states[found.state] += 1
        expected = {"completed": 1, "failed": 0}[found.state]
        assert times.get(place, 0) == expected, (found.state, found.parts)
        assert found.content is None
    announced = Counter(
        event.data["id"] for event in {e.id: e for e in company.bus.events}.values()
    )
    assert set(announced) == set(ids.values())
    assert max(announced.values()) == 1
    assert states["completed"] > 0.9 * _COUNT
    # The crashes happened: each was planned at a write that most writebacks reach.
    assert len(company.crashes.planned) < 0.5 * _COUNT
