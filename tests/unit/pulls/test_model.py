"""What to do about a dataset: decisions from its item and the time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.records import record, with_facts
from xporter_bridge.datasets.config import configured
from xporter_bridge.pulls.model import (
    BASELINE_EVERY,
    CHECKPOINT_LIFE,
    SILENCE_GRACE,
    backoff,
    in_order_of_change,
    is_overdue,
    is_silent,
    needs_worker,
    next_baseline,
    next_watch_at,
    start_or_resume,
    waits_for_callback,
    with_scopes_used,
)
from xporter_bridge.pulls.record import DatasetRecord, DatasetState, PullCheckpoint
from xporter_bridge.xporter.pages import ALL_ROWS

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
TTL = timedelta(days=1)
STUDENTS = configured()["students"]
HOLD = {"expires_at": NOW + timedelta(days=7), "manifest": {"pull_id": "held"}}


def at(**passed: float) -> datetime:
    return NOW + timedelta(**passed)


def item(**facts: Any) -> DatasetRecord:
    return record("3281102", "students", **facts)


def current(**facts: Any) -> DatasetRecord:
    """Return a dataset that was pulled an hour ago and waits for nothing."""
    known: dict[str, Any] = {
        "requested": 3, "served": 3, "state": DatasetState.CURRENT, "sequence": 2,
        "fingerprint": STUDENTS.fingerprint, "next_changed_rows": "hash",
        "manifest": {"sequence": 2},
        "checked_at": at(hours=-1), "began_at": at(hours=-1), "baseline_at": at(days=6),
    }  # fmt: skip
    return item(**{**known, **facts})


def checkpoint(**facts: Any) -> PullCheckpoint:
    known = {
        "pull_id": "p0", "serving": 3, "fingerprint": STUDENTS.fingerprint,
        "requested_changed_rows": "hash", "started_at": at(minutes=-5),
    }  # fmt: skip
    return PullCheckpoint(**{**known, **facts})


# ---------------------------------------------------------------------- begin


def test_a_chain_is_followed() -> None:
    begun = start_or_resume(current(requested=5), STUDENTS, "p1", NOW)
    assert begun == PullCheckpoint("p1", 5, STUDENTS.fingerprint, "hash", NOW)


@pytest.mark.parametrize(
    "facts",
    [
        {"fingerprint": "other"},
        {"manifest": None},
        {"next_changed_rows": ""},
        {"baseline_at": at(seconds=-1)},
    ],
)
def test_a_chain_begins_anew_when_there_is_nothing_to_follow(facts: dict[str, Any]) -> None:
    assert start_or_resume(current(**facts), STUDENTS, "p1", NOW).requested_changed_rows == ALL_ROWS


def test_a_baseline_says_that_it_is_one() -> None:
    assert start_or_resume(current(baseline_at=NOW), STUDENTS, "p1", NOW).is_baseline
    assert not start_or_resume(current(), STUDENTS, "p1", NOW).is_baseline


def test_a_pull_is_as_old_as_what_was_said_when_it_began() -> None:
    said = {"reason": "deadline"}
    begun = start_or_resume(current(requested=5, staleness=said), STUDENTS, "p1", NOW)
    assert begun.staleness == said
    again = current(checkpoint=begun, staleness=None)
    assert start_or_resume(again, STUDENTS, "p2", NOW).staleness == said


def test_the_scopes_of_a_pull_join_earlier_ones_and_are_those_of_its_endpoint() -> None:
    before = current(scopes=("UPN",))
    after = with_scopes_used(before, STUDENTS, ["student", "StudentExtended", "Staff"])
    assert after.published.scopes == ("Student", "StudentExtended", "UPN")


def test_nothing_is_pulled_while_it_is_being_erased() -> None:
    erasing = current(requested=5, erasing="scope_removed")
    assert not needs_worker(erasing, NOW)
    assert next_watch_at(erasing, STUDENTS, NOW) == at(minutes=2)


@pytest.mark.parametrize("asked", ["hash", ALL_ROWS])
def test_a_pull_under_way_is_gone_on_with(asked: str) -> None:
    under_way = checkpoint(requested_changed_rows=asked)
    assert start_or_resume(current(checkpoint=under_way), STUDENTS, "p1", NOW) is under_way


@pytest.mark.parametrize(
    "under_way",
    [
        checkpoint(fingerprint="other"),
        checkpoint(started_at=NOW - CHECKPOINT_LIFE),
        checkpoint(requested_changed_rows="hash of a chain that was left"),
    ],
)
def test_a_pull_under_way_that_fits_no_longer_is_left(under_way: PullCheckpoint) -> None:
    assert start_or_resume(current(checkpoint=under_way), STUDENTS, "p1", NOW).pull_id == "p1"


# ---------------------------------------------------------------------- backing off


def test_failures_slow_a_dataset_down_to_an_hour() -> None:
    waits = [backoff(failures) for failures in range(1, 40)]
    assert waits[0] == timedelta(seconds=5)
    assert waits[1] == 2 * waits[0]
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(hours=1)


def test_baselines_are_weekly_and_spread_over_a_day() -> None:
    times = {next_baseline(record(str(estab), "students"), NOW) for estab in range(300)}
    assert len(times) > 200
    assert min(times) >= NOW + BASELINE_EVERY
    assert max(times) <= NOW + BASELINE_EVERY + timedelta(days=1)


# ---------------------------------------------------------------------- who wants a pull


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, False),
        ({"requested": 4}, True),
        ({"requested": 4, "lease_expires_at": at(seconds=1)}, False),
        ({"requested": 4, "lease_expires_at": NOW}, True),
        ({"requested": 4, "retry_at": at(seconds=1)}, False),
        ({"requested": 4, "retry_at": NOW}, True),
        ({"unpublished": {"a": "b"}, "retry_at": at(hours=1)}, True),
        ({"decision": "approve", "retry_at": at(hours=1)}, True),
    ],
)
def test_a_message_is_worth_sending_for_work_that_can_be_done(
    facts: dict[str, Any], expected: bool
) -> None:
    assert needs_worker(current(**facts), NOW) is expected


# ---------------------------------------------------------------------- when to look again


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, at(hours=-1 + 24 + 3)),
        ({"baseline_at": at(hours=2)}, at(hours=2)),
        ({"outbox": ({"id": "1"},)}, at(minutes=1)),
        ({"unpublished": {"a": "b"}}, at(minutes=1)),
        ({"lease_expires_at": at(seconds=90)}, at(seconds=90)),
        ({"lease_expires_at": at(seconds=-90)}, at(hours=26)),
        ({"requested": 4}, at(minutes=2)),
        ({"requested": 4, "retry_at": at(hours=1)}, at(hours=1)),
        ({"requested": 4, "retry_at": at(hours=-1)}, at(minutes=2)),
        ({"decision": "approve", "hold": HOLD}, at(minutes=2)),
        ({"hold": HOLD, "state": DatasetState.HELD}, at(hours=26)),
        ({"state": DatasetState.NOT_COVERED}, None),
        ({"definition": {"endpoint": "x"}}, None),
        ({"definition": {"endpoint": "x"}, "hold": HOLD}, at(days=7)),
    ],
)
def test_whatever_waits_is_looked_at_in_time(
    facts: dict[str, Any], expected: datetime | None
) -> None:
    assert next_watch_at(current(**facts), STUDENTS, NOW) == expected


def test_silence_past_the_ttl_is_made_up_for() -> None:
    silent = NOW - TTL - SILENCE_GRACE
    assert is_overdue(current(checked_at=silent, began_at=silent), TTL, NOW)
    assert not is_overdue(current(checked_at=silent, began_at=silent, requested=4), TTL, NOW)


@pytest.mark.parametrize(
    "facts",
    [
        {"baseline_at": at(minutes=-30)},
        {"state": DatasetState.FAILED, "failures": 3, "began_at": at(days=-3), "checked_at": None},
        {"checked_at": None, "began_at": None},
    ],
)
def test_a_pull_that_is_due_for_another_reason_is_no_silence(facts: dict[str, Any]) -> None:
    assert not is_silent(current(**facts), TTL, NOW)


def test_a_database_is_silent_when_its_grace_has_passed() -> None:
    last = NOW - TTL - SILENCE_GRACE
    assert is_silent(current(checked_at=last, began_at=last), TTL, NOW)
    assert not is_silent(current(checked_at=last, began_at=last), TTL, at(seconds=-1))


def test_a_baseline_that_is_due_is_asked_for_once_and_not_every_minute() -> None:
    due = current(baseline_at=at(minutes=-30))
    assert is_overdue(due, TTL, NOW)
    tried = with_facts(due, began_at=at(minutes=-1))
    assert not is_overdue(tried, TTL, NOW)
    assert next_watch_at(tried, STUDENTS, NOW) == at(minutes=-1 + 24 * 60)


@pytest.mark.parametrize(("failures", "hours"), [(1, 1), (2, 2), (3, 4), (9, 24)])
def test_what_was_refused_is_tried_again_ever_more_seldom(failures: int, hours: int) -> None:
    failed = current(state=DatasetState.FAILED, failures=failures, began_at=NOW, checked_at=None)
    assert next_watch_at(failed, STUDENTS, NOW) == at(hours=hours)


def test_a_school_that_cannot_be_asked_is_not_asked_every_minute() -> None:
    silent = NOW - TTL - SILENCE_GRACE
    assert not is_overdue(current(checked_at=silent, began_at=at(minutes=-1)), TTL, NOW)


# ---------------------------------------------------------------------- what it names


def test_an_item_names_the_staged_work_that_somebody_may_need() -> None:
    assert current().named_pulls == {""}
    busy = current(
        checkpoint=checkpoint(), hold=HOLD, unpublished={"a": "b"}, manifest={"pull_id": "p7"}
    )
    assert busy.named_pulls == {"", "p0", "held", "p7"}


# ---------------------------------------------------------------------- callbacks


@pytest.mark.parametrize(
    ("facts", "waits"),
    [
        ({}, True),
        ({"began_at": None}, True),
        ({"retry_at": at(hours=1), "failures": 1}, True),
        ({"requested": 3}, False),
        ({"heard_at": None}, False),
        ({"heard_at": at(hours=-2)}, False),
        ({"heard_at": at(hours=-1)}, False),
        ({"lease_expires_at": at(seconds=60)}, False),
        # A holder that stood still may yet end the pull that it began before the callback came.
        ({"lease_expires_at": at(minutes=-5)}, False),
        ({"checkpoint": checkpoint()}, False),
        ({"staleness": {"reason": "late"}}, False),
    ],
)
def test_a_callback_adds_nothing_to_a_pull_that_has_not_begun(
    facts: dict[str, Any], waits: bool
) -> None:
    waiting = {"requested": 4, "heard_at": at(seconds=-5)}
    assert waits_for_callback(current(**{**waiting, **facts})) is waits


def test_the_dataset_that_changed_last_comes_first_and_a_first_snapshot_is_no_change() -> None:
    def changed(name: str, sequence: int, hour: int) -> DatasetRecord:
        made = {"sequence": sequence, "completed_at": f"2026-11-23T{hour:02}:00:00.000Z"}
        return record("3281102", name, sequence=sequence, manifest=made)

    known = [record("3281102", "staff"), changed("groups", 1, 9), changed("students", 2, 3)]
    ordered = in_order_of_change([*known, changed("attendancesummary", 7, 4)])
    assert [item.dataset for item in ordered] == [
        "attendancesummary",
        "students",
        "staff",
        "groups",
    ]
