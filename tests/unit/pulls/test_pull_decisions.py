"""Decisions on a pull whose every word and time somebody relies on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.records import manifest, record
from xporter_bridge.datasets.config import configured
from xporter_bridge.pulls.model import (
    changed_event,
    next_baseline,
    next_look_at,
    next_unprompted_pull_at,
    next_watch_at,
    start_or_resume,
    ttl_of,
    withheld_because,
)
from xporter_bridge.pulls.record import DatasetRecord, DatasetState
from xporter_bridge.schools.model import School
from xporter_bridge.timestamps import iso

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
STUDENTS = configured()["students"]


def item(**facts: Any) -> DatasetRecord:
    return record("3281102", "students", **facts)


def test_data_of_a_dataset_that_is_not_configured_any_more_lives_for_a_day() -> None:
    short = replace(STUDENTS, endpoint=replace(STUDENTS.endpoint, ttl=2 * HOUR))
    assert (ttl_of(None), ttl_of(short)) == (timedelta(days=1), 2 * HOUR)


@pytest.mark.parametrize(
    ("scopes", "missing", "used", "why"),
    [
        (("Student",), {}, (), ""),
        ((), {}, (), "needs the scope Student,StudentLite"),
        (("Staff",), {}, (), "needs the scope Student,StudentLite"),
        (("Student",), {"UPN": None}, ("Student", "UPN"), "waits for the scope UPN"),
        (("Student",), {"upn": NOW}, ("Student", "UPN"), "waits for the scope UPN"),
        (
            ("Student",),
            {"UPN": None, "SEN": None, "Staff": None},
            ("UPN", "SEN", "Staff"),
            "waits for the scope SEN, UPN",
        ),
        (("Student",), {"UPN": None}, ("Student",), ""),
        (("StudentLite",), {"Student": None}, ("Student",), ""),
    ],
)
def test_a_pull_is_withheld_for_a_scope_that_is_missing_and_the_reason_names_it(
    scopes: tuple[str, ...], missing: dict[str, datetime | None], used: tuple[str, ...], why: str
) -> None:
    school = School("3281102", scopes=scopes, missing_scopes=missing)
    assert withheld_because(item(scopes=used), STUDENTS, school) == why


@pytest.mark.parametrize(("key", "asked"), [("Id", "hash"), ("StudentId", "*")])
def test_a_table_whose_key_has_changed_is_asked_for_as_a_whole(key: str, asked: str) -> None:
    tables = {"Students": {"key": "Id"}, "Other": {"key": key}}
    before = item(
        fingerprint=STUDENTS.fingerprint, next_changed_rows="hash", manifest={"tables": tables}
    )
    assert start_or_resume(before, STUDENTS, "p1", NOW).requested_changed_rows == asked


def test_the_comparisons_of_a_fleet_are_spread_over_a_day_and_stay_where_they_are() -> None:
    assert next_baseline(item(), NOW) == NOW + timedelta(days=7, minutes=463)
    minutes = {
        (next_baseline(record(str(3_280_000 + n), "students"), NOW) - NOW).total_seconds() // 60
        for n in range(3_000)
    }
    assert min(minutes) == 7 * 1440
    assert max(minutes) == 7 * 1440 + 1439


@pytest.mark.parametrize(
    ("facts", "at"),
    [
        ({"look_at": NOW}, NOW),
        ({}, None),
        ({"look_at": NOW, "checked_at": NOW - HOUR}, NOW),
        ({"look_at": NOW, "checked_at": NOW}, None),
        ({"look_at": NOW, "began_at": NOW + HOUR, "checked_at": NOW - HOUR}, None),
        ({"look_at": NOW, "began_at": NOW - HOUR, "checked_at": NOW + HOUR}, None),
    ],
)
def test_a_look_is_due_until_something_was_tried_after_it(
    facts: dict[str, Any], at: datetime | None
) -> None:
    assert next_look_at(item(**facts)) == at


def test_a_look_and_the_time_to_live_are_watched() -> None:
    waits = item(state=DatasetState.CURRENT, checked_at=NOW, baseline_at=NOW + timedelta(days=6))
    looked_at = replace(waits, looks=replace(waits.looks, at=NOW + HOUR))
    assert next_watch_at(looked_at, STUDENTS, NOW) == NOW + HOUR
    short = replace(STUDENTS, endpoint=replace(STUDENTS.endpoint, ttl=2 * HOUR))
    due = next_unprompted_pull_at(waits, 2 * HOUR)
    assert due
    assert next_watch_at(waits, short, NOW) == due < NOW + timedelta(days=1)


def test_a_comparison_that_was_tried_at_its_time_waits_its_full_time() -> None:
    ttl = timedelta(days=1)
    tried = item(state=DatasetState.CURRENT, checked_at=NOW, baseline_at=NOW)
    assert next_unprompted_pull_at(tried, ttl) == NOW + ttl


@pytest.mark.parametrize("failures", [1, 2, 3, 11, 12, 40])
def test_a_refused_pull_waits_twice_as_long_each_time_up_to_its_time_to_live(
    failures: int,
) -> None:
    ttl = timedelta(days=1000)
    refused = item(state=DatasetState.FAILED, failures=failures, checked_at=NOW)
    wait = HOUR * 2 ** min(failures - 1, 10)
    assert next_unprompted_pull_at(refused, ttl) == NOW + wait


def test_the_event_of_a_sequence_says_where_it_is_and_has_one_id() -> None:
    made = manifest(sequence=7, pull_id="p1", completed_at=NOW)
    event = changed_event(made, NOW)
    assert event.type == "dataset.changed"
    assert event.data == {
        "estab": "3281102",
        "dataset": "students",
        "sequence": 7,
        "manifest_key": "manifests/estab=3281102/dataset=students/0000000007.json",
    }
    assert changed_event(made, NOW + HOUR).id == event.id
    others = (
        manifest(sequence=8, pull_id="p1", completed_at=NOW),
        manifest(sequence=7, pull_id="p2", completed_at=NOW),
        manifest(sequence=7, pull_id=None, completed_at=NOW),
        manifest(sequence=7, pull_id=None, completed_at=NOW + HOUR),
        manifest(sequence=7, pull_id="p1", completed_at=NOW, dataset="staff"),
        manifest(sequence=7, pull_id="p1", completed_at=NOW, estab="3286198"),
    )
    ids = {changed_event(each, NOW).id for each in others}
    assert len({event.id, *ids}) == 1 + len(others)
    assert iso(NOW) == event.timestamp
