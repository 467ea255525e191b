"""How old data are, and from when that is too old."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.records import record, with_facts
from xporter_bridge.datasets.config import configured
from xporter_bridge.pulls.freshness import AS_OF_GRACE, Freshness, of_dataset, together
from xporter_bridge.pulls.model import SILENCE_GRACE
from xporter_bridge.pulls.record import DatasetRecord, DatasetState

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
STUDENTS = configured()["students"]
LIFE = STUDENTS.endpoint.ttl + SILENCE_GRACE
PULLED = record(
    "3281102",
    "students",
    state=DatasetState.CURRENT,
    as_of=NOW - timedelta(hours=6),
    checked_at=NOW - timedelta(hours=1),
    manifest={"stale": False},
)


def shown(item: DatasetRecord) -> Freshness:
    found = of_dataset(item, STUDENTS, NOW)
    assert found
    return found


def test_the_age_is_that_of_the_data_not_of_our_last_look() -> None:
    assert shown(PULLED).age_seconds == 6 * 3600


@pytest.mark.parametrize(("since", "is_stale"), [(LIFE - timedelta(1e-5), False), (LIFE, True)])
def test_data_kept_up_to_date_grow_stale_after_the_life_of_their_database_and_some_grace(
    since: timedelta, is_stale: bool
) -> None:
    assert shown(with_facts(PULLED, checked_at=NOW - since)).is_stale is is_stale


OLD = STUDENTS.endpoint.ttl + AS_OF_GRACE


@pytest.mark.parametrize(
    ("as_of", "checked", "reason"),
    [
        (OLD - timedelta(1e-5), timedelta(0), ""),
        (OLD, timedelta(0), "as_of is old"),
        (timedelta(days=3650), timedelta(0), "as_of is old"),
        (timedelta(days=2), LIFE, "checked_at is old"),
        (OLD, LIFE, "as_of is old, checked_at is old"),
    ],
)
def test_either_clock_makes_data_stale_and_is_named(
    as_of: timedelta, checked: timedelta, reason: str
) -> None:
    found = shown(with_facts(PULLED, as_of=NOW - as_of, checked_at=NOW - checked))
    assert (found.is_stale, found.reason) == (bool(reason), reason)
    fresh = shown(PULLED)
    assert (together([fresh, found]).is_stale, together([fresh, found]).reason) == (
        bool(reason),
        reason,
    )


def test_data_of_an_unknown_time_are_judged_by_the_other_clock() -> None:
    assert not shown(with_facts(PULLED, as_of=None)).is_stale
    assert shown(with_facts(PULLED, as_of=None, checked_at=NOW - LIFE)).is_stale


def test_data_of_fixed_dates_are_as_fresh_as_when_they_were_asked_for() -> None:
    old = with_facts(PULLED, definition={"endpoint": "x"}, checked_at=NOW - 100 * LIFE)
    assert not shown(old).is_stale
    assert shown(with_facts(old, manifest={"stale": True})).is_stale


def test_data_that_were_never_pulled_have_no_age_and_are_stale() -> None:
    assert shown(record("3281102", "students")) == Freshness(None, None, None, True)


@pytest.mark.parametrize("state", [DatasetState.NOT_COVERED, DatasetState.ERASED])
def test_what_has_no_data_is_neither_fresh_nor_stale(state: DatasetState) -> None:
    assert of_dataset(with_facts(PULLED, state=state), STUDENTS, NOW) is None
    assert of_dataset(PULLED, None, NOW) is None


def test_a_clock_that_runs_behind_xporters_makes_no_negative_age() -> None:
    assert shown(with_facts(PULLED, as_of=NOW + timedelta(minutes=5))).age_seconds == 0


def test_a_database_is_as_fresh_as_its_oldest_dataset() -> None:
    january, february, march = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2, 3))
    old, new = Freshness(january, february, 90, True), Freshness(march, march, 10, False)
    assert together([new, old]) == Freshness(january, february, 90, True)
    assert together([new, replace(old, as_of=None)]).as_of is None
    assert together([new, Freshness(None, None, None, True)]).age_seconds is None
