from datetime import UTC, datetime, timedelta

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


def test_it_is_due_when_it_is_open_and_the_interval_has_passed() -> None:
    now = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
    for minutes, due in ((29, False), (30, True), (24 * 60, True)):
        assert timetable().is_due(now, now - timedelta(minutes=minutes)) is due
    assert timetable().is_due(now, None)
    assert not timetable().is_due(now + timedelta(hours=12), None)


@pytest.mark.parametrize(
    "wrong", [{"between": ["8h", "15:30"]}, {"days": ["monday"]}, {"terms": [["x", "y"]]}]
)
def test_a_timetable_that_is_none_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        timetable(**wrong)
