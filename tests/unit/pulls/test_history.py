"""What is remembered of a dataset's attempts: bounded, merged where alike, forgotten in time."""

from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from tests.support.builders import ESTAB, NOW
from tests.support.records import record, with_facts
from xporter_bridge.pulls.attempt import Attempt, AttemptOutcome
from xporter_bridge.pulls.history import (
    KEPT,
    MOST_ATTEMPTS,
    announcements,
    outcome_of,
    with_attempt,
    with_decision,
)
from xporter_bridge.pulls.record import DatasetState
from xporter_bridge.pulls.stored_form import read, write

ITEM = record(ESTAB, "students", state="current", sequence=3)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def test_an_attempt_remembers_its_end_its_reason_and_the_callback_that_caused_it() -> None:
    heard = with_facts(ITEM, heard_at=NOW - MINUTE)
    (made,) = with_attempt(heard, AttemptOutcome.FAILED, NOW, "xporter_503").attempts
    assert made == Attempt(NOW, AttemptOutcome.FAILED, "xporter_503", 3, NOW - MINUTE)


def test_attempts_that_end_alike_are_one_entry_until_another_callback_comes() -> None:
    item = with_facts(ITEM, heard_at=NOW - MINUTE)
    for number in range(9):
        item = with_attempt(item, AttemptOutcome.FAILED, NOW + number * MINUTE, "xporter_503")
    (alike,) = item.attempts
    assert (alike.count, alike.first_at, alike.ended_at) == (9, NOW, NOW + 8 * MINUTE)
    assert alike.heard_at == NOW - MINUTE
    item = with_attempt(
        with_facts(item, heard_at=NOW + DAY), AttemptOutcome.FAILED, NOW + DAY, "xporter_503"
    )
    item = with_attempt(item, AttemptOutcome.FAILED, NOW + DAY + MINUTE, "xporter_500")
    assert [each.count for each in item.attempts] == [9, 1, 1]


def test_the_history_is_bounded_in_number_size_and_age_and_stored_without_loss() -> None:
    item = ITEM
    for number in range(100):
        item = with_facts(item, heard_at=NOW + number * DAY / 8, sequence=number)
        item = with_attempt(
            item, AttemptOutcome.FAILED, NOW + number * DAY / 8, f"{number}" + "x" * 5000
        )
    assert len(item.attempts) == MOST_ATTEMPTS
    stored = write(item)["attempts"]
    assert len(stored) < 4096
    again = read({"estab": ESTAB, "dataset": "students", "attempts": stored})
    assert again.attempts == item.attempts
    later = with_attempt(item, AttemptOutcome.UNCHANGED, NOW + 100 * DAY / 8 + KEPT)
    assert [each.outcome for each in later.attempts] == [AttemptOutcome.UNCHANGED]


def test_a_usual_month_costs_about_a_kilobyte() -> None:
    item = ITEM
    for day in range(30):
        item = with_facts(item, heard_at=NOW + day * DAY, sequence=day)
        item = with_attempt(item, AttemptOutcome.COMMITTED, NOW + day * DAY + MINUTE)
    assert len(write(item)["attempts"]) < 1500
    assert len(orjson.loads(write(item)["attempts"])) == MOST_ATTEMPTS


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({}, AttemptOutcome.UNCHANGED),
        ({"sequence": 4}, AttemptOutcome.COMMITTED),
        ({"state": DatasetState.HELD, "hold": {}}, AttemptOutcome.HELD),
        ({"state": DatasetState.NOT_COVERED}, AttemptOutcome.NOT_COVERED),
    ],
)
def test_how_a_pull_ended_is_seen_from_the_record(
    facts: dict[str, object], outcome: AttemptOutcome
) -> None:
    assert outcome_of(ITEM, with_facts(ITEM, **facts)) is outcome


@pytest.mark.parametrize(
    ("decision", "facts", "outcomes"),
    [
        ("approve", {"sequence": 4}, [AttemptOutcome.APPROVED]),
        ("approve", {}, [AttemptOutcome.REJECTED]),  # the configuration has changed
        ("reject", {}, [AttemptOutcome.REJECTED]),
        ("", {}, []),
    ],
)
def test_a_decision_on_a_hold_is_remembered(
    decision: str, facts: dict[str, object], outcomes: list[AttemptOutcome]
) -> None:
    held = with_facts(ITEM, state=DatasetState.HELD, hold={}, decision=decision)
    after = with_decision(held, with_facts(held, hold=None, **facts), NOW)
    assert [each.outcome for each in after.attempts] == outcomes
    assert with_decision(held, held, NOW) == held


def test_callbacks_are_listed_by_database_the_latest_first() -> None:
    first, second = NOW, NOW + DAY
    students = with_attempt(
        with_facts(ITEM, heard_at=first), AttemptOutcome.COMMITTED, first + MINUTE
    )
    students = with_facts(students, heard_at=second)
    groups = with_facts(replace(students, dataset="groups"), heard_at=first)
    marks = with_facts(replace(ITEM, dataset="marks"), heard_at=second)
    databases = {"students": "XodSchoolData", "groups": "XodSchoolData", "marks": "XodAttendance"}
    found = announcements([students, groups, marks, replace(ITEM, dataset="unknown")], databases)
    assert [(each.database, each.received_at, each.datasets) for each in found] == [
        ("XodSchoolData", second, ("students",)),
        ("XodAttendance", second, ("marks",)),
        ("XodSchoolData", first, ("groups", "students")),
    ]


def test_an_erased_dataset_remembers_nothing() -> None:
    from xporter_bridge.erasure.tombstone import erased_manifest, without_data

    item = with_attempt(ITEM, AttemptOutcome.COMMITTED, NOW)
    assert without_data(item, erased_manifest(item, "x", NOW), "x", NOW).attempts == ()
