from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from xporter_bridge.datasets.timetable import Timetable

SCHOOL_DAY = {
    "every_minutes": 30,
    "between": ["08:30", "15:30"],
    "days": ["mon", "tue", "wed", "thu", "fri"],
    "terms": [["2026-09-01", "2026-10-23"], ["2026-11-02", "2026-12-18"]],
}


def timetable(**changes: object) -> Timetable:
    made = Timetable.read({**SCHOOL_DAY, **changes})
    assert made is not None
    return made


def test_a_dataset_without_an_interval_has_no_timetable() -> None:
    assert Timetable.read({"endpoint": "students"}) is None


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-24T08:29:59", False),  # a Tuesday in winter: UTC is the school's own time
        ("2026-11-24T08:30:00", True),
        ("2026-11-24T15:30:00", True),
        ("2026-11-24T15:30:01", False),
        ("2026-09-15T07:29:59", False),  # a Tuesday in summer: the school's clock is an hour on
        ("2026-09-15T07:30:00", True),
        ("2026-09-15T14:30:01", False),
        ("2026-11-28T10:00:00", False),  # a Saturday
        ("2026-10-26T10:00:00", False),  # half-term
        ("2026-10-23T10:00:00", True),  # the last day of a term
        ("2026-11-02T10:00:00", True),  # the first day of the next
        ("2026-12-21T10:00:00", False),
    ],
)
def test_school_hours_are_the_schools_own(moment: str, is_open: bool) -> None:
    assert timetable().is_open(datetime.fromisoformat(moment).replace(tzinfo=UTC)) is is_open


def test_without_hours_days_and_terms_it_is_always_open() -> None:
    always = Timetable.read({"every_minutes": 5})
    assert always is not None
    assert always.is_open(datetime(2026, 12, 25, 0, 0, tzinfo=UTC))


OPENING = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)


def due_minutes(estab: str, opening: datetime = OPENING) -> Iterator[int]:
    """Yield in which minutes after opening a school is asked that is looked at every minute."""
    times, last = timetable(), None
    for minute in range(-60, 24 * 60):
        now = opening + timedelta(minutes=minute)
        if times.is_due(now, last, estab):
            last = now
            yield minute


@pytest.mark.parametrize("opening", [OPENING, datetime(2026, 9, 15, 7, 30, tzinfo=UTC)])
def test_a_school_is_asked_once_in_each_interval_while_it_is_open(opening: datetime) -> None:
    for number in range(20):
        found = list(due_minutes(str(number), opening))
        assert 0 <= found[0] < 30
        assert {later - earlier for earlier, later in pairwise(found)} == {30}
        assert 7 * 60 - 30 < found[-1] <= 7 * 60


def test_a_fleet_is_spread_over_the_interval() -> None:
    first = Counter(next(due_minutes(str(number))) for number in range(300))
    assert max(first.values()) < 300 / 10


def test_a_run_that_comes_late_moves_no_later_one() -> None:
    first = OPENING + timedelta(minutes=next(due_minutes("1")))
    late = first + timedelta(minutes=29)
    assert timetable().is_due(late, None, "1")
    assert timetable().is_due(first + timedelta(minutes=30), late, "1")


@pytest.mark.parametrize(
    "wrong", [{"between": ["8h", "15:30"]}, {"days": ["monday"]}, {"terms": [["x", "y"]]}]
)
def test_a_timetable_that_is_none_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        timetable(**wrong)
