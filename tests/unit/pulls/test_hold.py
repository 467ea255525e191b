"""When a change set must wait for a person."""

from datetime import date, timedelta
from typing import Any

import pytest

from xporter_bridge.datasets.config import configured
from xporter_bridge.datasets.hold_limits import HoldLimits
from xporter_bridge.pulls.hold import TableChange, limit_violations


def change(previous: int = 1000, *, updated: int = 0, deleted: int = 0) -> TableChange:
    return TableChange("Students", previous, inserted=0, updated=updated, deleted=deleted)


@pytest.mark.parametrize(
    ("changed", "is_held"),
    [
        (change(deleted=100), False),
        (change(deleted=101), True),
        (change(updated=750), False),
        (change(updated=751), True),
        (change(100, deleted=19), False),
        (change(100, deleted=20), True),
        (change(20, updated=20), True),
        (change(0), False),
    ],
)
def test_the_default_limits_are_ten_and_seventy_five_percent_above_a_floor(
    changed: TableChange, is_held: bool
) -> None:
    assert bool(limit_violations([changed], HoldLimits())) is is_held


def test_every_suspicious_table_is_named_with_its_numbers() -> None:
    assert limit_violations([change(deleted=300, updated=800), change()], HoldLimits()) == [
        "Students: 300 of 1000 rows deleted",
        "Students: 800 of 1000 rows updated",
    ]


@pytest.mark.parametrize(
    ("day", "percent"),
    [
        (date(2026, 7, 14), 10),
        (date(2026, 7, 15), 40),
        (date(2026, 9, 30), 40),
        (date(2026, 10, 1), 10),
    ],
)
def test_at_the_roll_over_whole_year_groups_may_leave(day: date, percent: float) -> None:
    assert configured()["students"].limits.on(day).max_deleted_percent == percent


@pytest.mark.parametrize(
    ("day", "percent"),
    [(date(2026, 12, 24), 40), (date(2027, 1, 2), 40), (date(2027, 1, 6), 10)],
)
def test_a_window_may_lie_across_the_turn_of_the_year(day: date, percent: float) -> None:
    limits = HoldLimits.read({"roll_over": {"from": "12-20", "to": "01-05"}})
    assert limits.on(day).max_deleted_percent == percent


def test_without_a_window_every_day_is_the_same() -> None:
    assert HoldLimits().on(date(2026, 8, 1)) == HoldLimits()


@pytest.mark.parametrize(
    "entry",
    [
        {"max_deleted_percent": "many"},
        {"roll_over": {"from": "07-15", "to": "30-09"}},
        {"expires_days": 14},
        {"expires_days": 0},
    ],
)
def test_limits_that_cannot_be_meant_are_refused(entry: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        HoldLimits.read(entry)


def test_a_table_that_was_not_named_is_held_whatever_its_size() -> None:
    lost = TableChange("StudentSiblings", 1, 0, 0, 1, is_absent=True)
    expected = ["StudentSiblings: absent from the answer"]
    assert limit_violations([lost], HoldLimits(max_deleted_percent=100)) == expected


def test_limits_are_read_over_the_defaults() -> None:
    limits = HoldLimits.read({"max_deleted_percent": 5, "floor_rows": 3, "expires_days": 2})
    assert limits == HoldLimits(5, 75, 3, timedelta(days=2))
