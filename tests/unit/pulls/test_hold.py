"""When a change set must wait for a person."""

from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.builders import ESTAB, NOW
from xporter_bridge.datasets.config import configured
from xporter_bridge.datasets.hold_limits import HoldLimits
from xporter_bridge.errors import ConflictError, RequestRejectedError
from xporter_bridge.pulls.hold import TableChange, decide, limit_violations, make_hold
from xporter_bridge.pulls.record import DatasetRecord
from xporter_bridge.schools.model import School
from xporter_bridge.schools.refusal import why_refused
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.snapshots.manifest import Manifest


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


def test_without_an_entry_the_defaults_are_the_limits() -> None:
    assert HoldLimits.read({}) == HoldLimits()


def test_a_window_has_limits_of_its_own() -> None:
    window = {"from": "07-15", "to": "09-30"}
    limits = HoldLimits.read({"roll_over": window})
    assert limits == HoldLimits(roll_over=("07-15", "09-30"))
    assert limits.on(date(2026, 8, 1)) == replace(
        limits, max_deleted_percent=40, max_updated_percent=100
    )
    own = {**window, "max_deleted_percent": 30, "max_updated_percent": 50}
    limits = HoldLimits.read({"max_updated_percent": 20, "roll_over": own})
    inside = limits.on(date(2026, 8, 1))
    assert (inside.max_deleted_percent, inside.max_updated_percent) == (30, 50)
    outside = limits.on(date(2026, 12, 1))
    assert (outside.max_deleted_percent, outside.max_updated_percent) == (10, 20)


@pytest.mark.parametrize(
    ("window", "days"),
    [
        (("12-20", "01-05"), {"12-19": 0, "12-20": 1, "01-05": 1, "01-06": 0}),
        (("07-15", "07-15"), {"07-14": 0, "07-15": 1, "07-16": 0}),
    ],
)
def test_the_first_and_the_last_day_belong_to_the_window(
    window: tuple[str, str], days: dict[str, int]
) -> None:
    limits = HoldLimits(roll_over=window)
    for day, is_inside in days.items():
        on = limits.on(date.fromisoformat(f"2026-{day}"))
        assert (on.max_deleted_percent == 40) is bool(is_inside)


def test_a_hold_may_last_thirteen_days() -> None:
    assert HoldLimits.read({"expires_days": 13}).expires == timedelta(days=13)
    with pytest.raises(ValueError, match="expires_days must be at most 13"):
        HoldLimits.read({"expires_days": 13.01})


@pytest.mark.parametrize(
    "window", [{"from": "07-15"}, {"to": "07-15"}, {"from": "13-01", "to": "02-01"}]
)
def test_half_a_window_is_refused(window: dict[str, str]) -> None:
    with pytest.raises((ValueError, KeyError)):
        HoldLimits.read({"roll_over": window})


def test_a_window_may_begin_on_a_leap_day() -> None:
    window = {"from": "02-29", "to": "02-29"}
    assert HoldLimits.read({"roll_over": window}).roll_over == ("02-29", "02-29")


def test_limits_are_read_over_the_defaults() -> None:
    limits = HoldLimits.read({"max_deleted_percent": 5, "floor_rows": 3, "expires_days": 2})
    assert limits == HoldLimits(5, 75, 3, timedelta(days=2))


@pytest.mark.parametrize(
    ("changed", "reasons"),
    [
        (TableChange("T", 1, 0, 0, 1), ["T: 1 of 1 rows deleted"]),
        (TableChange("T", 3, 2, 0, 5), ["T: 5 of 3 rows deleted"]),
        (TableChange("T", 3, 0, 0, 2), []),
        (TableChange("T", 0, 0, 0, 0), []),
        (TableChange("T", 0, 2, 0, 2), []),
        (TableChange("T", 3, 0, 0, 3, is_left_out=True), []),
        # With limits of its own, a table left out that was large is still one that loses rows.
        (TableChange("T", 300, 0, 0, 300, is_left_out=True), ["T: 300 of 300 rows deleted"]),
    ],
)
def test_a_table_that_would_become_empty_is_held_unless_it_was_left_out(
    changed: TableChange, reasons: list[str]
) -> None:
    assert limit_violations([changed], HoldLimits()) == reasons


@pytest.mark.parametrize(("percent", "is_held"), [(99, True), (100, False), (101, False)])
def test_a_table_may_become_empty_where_all_of_it_may_be_deleted(
    percent: int, is_held: bool
) -> None:
    emptied = TableChange("T", 3, 0, 0, 3)
    assert bool(limit_violations([emptied], HoldLimits(max_deleted_percent=percent))) is is_held


def test_one_suspicious_table_hides_no_other() -> None:
    absent = TableChange("A", 1, 0, 0, 1, is_absent=True)
    emptied = TableChange("B", 1, 0, 0, 1)
    assert limit_violations([absent, emptied, change(deleted=300)], HoldLimits()) == [
        "A: absent from the answer",
        "B: 1 of 1 rows deleted",
        "Students: 300 of 1000 rows deleted",
    ]


def test_rows_of_which_only_bookkeeping_differs_are_not_updated() -> None:
    slight = TableChange("T", 1000, 0, updated=1000, deleted=0, slight=250)
    assert limit_violations([slight], HoldLimits()) == []
    assert limit_violations([replace(slight, slight=249)], HoldLimits()) == [
        "T: 751 of 1000 rows updated"
    ]


# -- a hold and its end

STUDENTS = configured()["students"]
MADE = Manifest(
    ESTAB,
    "students",
    2,
    pull_id="p1",
    as_of=NOW,
    completed_at=NOW,
    stale=False,
    requested_changed_rows="one",
    next_changed_rows="two",
)
WHY = ["T: 1 of 1 rows deleted"]
UNHELD = DatasetRecord(ESTAB, "students")


def test_a_hold_has_what_a_person_decides_on_and_an_end() -> None:
    hold, is_new = make_hold(UNHELD, MADE, {"to": "from"}, WHY, STUDENTS, NOW)
    assert is_new
    assert (hold.since, hold.expires_at) == (NOW, NOW + STUDENTS.limits.expires)
    assert (hold.reasons, hold.fingerprint) == (tuple(WHY), STUDENTS.fingerprint)
    assert (hold.manifest, hold.copies, hold.pull_id) == (MADE, {"to": "from"}, "p1")


def test_the_same_change_set_pulled_again_does_not_wait_longer() -> None:
    first, _ = make_hold(UNHELD, MADE, {"to": "from"}, WHY, STUDENTS, NOW)
    later = NOW + timedelta(hours=1)
    made = replace(MADE, pull_id="p2")
    again, is_new = make_hold(
        replace(UNHELD, hold=first), made, {"to": "other"}, WHY, STUDENTS, later
    )
    assert not is_new
    assert (again.since, again.expires_at) == (first.since, first.expires_at)
    assert (again.pull_id, again.copies) == ("p2", {"to": "other"})


@pytest.mark.parametrize("what", ["the change set", "the reasons"])
def test_another_change_set_waits_anew_and_is_as_old_as_the_first(what: str) -> None:
    first, _ = make_hold(UNHELD, MADE, {}, WHY, STUDENTS, NOW)
    made = replace(MADE, next_changed_rows="three") if what == "the change set" else MADE
    why = [*WHY, "another"] if what == "the reasons" else WHY
    later = NOW + timedelta(hours=1)
    hold, is_new = make_hold(replace(UNHELD, hold=first), made, {}, why, STUDENTS, later)
    assert is_new
    assert (hold.since, hold.expires_at) == (first.since, later + STUDENTS.limits.expires)


def test_a_change_that_is_held_again_after_its_time_is_as_old_as_the_first() -> None:
    later = NOW + timedelta(days=8)
    hold, is_new = make_hold(replace(UNHELD, held_since=NOW), MADE, {}, WHY, STUDENTS, later)
    assert is_new
    assert (hold.since, hold.expires_at) == (NOW, later + STUDENTS.limits.expires)


class Decisions:
    """A school with one dataset, and the queue of pulls."""

    def __init__(self, school: School | None, *, is_known: bool = True, is_held: bool = True):
        self.known, self.is_held = {(ESTAB, "students")} if is_known else set(), is_held
        self.done: list[Any] = []
        self._school = school

    def decide(self, *asked: Any) -> None:
        if not self.is_held:
            raise ConflictError("dataset_changed")
        self.done.append(asked)

    def carry_out(self) -> None:
        datasets: Any = SimpleNamespace(
            get=lambda *key: "a record" if key in self.known else None, decide=self.decide
        )
        schools: Any = SimpleNamespace(get={ESTAB: self._school}.get)
        pulls: Any = SimpleNamespace(send=self.done.append)
        decide(ESTAB, "students", "approve", schools, datasets, pulls, NOW)


LIVE = School(ESTAB, state=SchoolState.LIVE)
GONE = School(ESTAB, state=SchoolState.ERASED)


def test_a_decision_is_stored_before_the_pull_that_carries_it_out_is_requested() -> None:
    made = Decisions(LIVE)
    made.carry_out()
    assert made.done == [
        (ESTAB, "students", "approve", NOW),
        {"estab": ESTAB, "dataset": "students"},
    ]


@pytest.mark.parametrize(
    ("made", "status", "words"),
    [
        (Decisions(None), 404, "there is no such school"),
        (Decisions(GONE), 409, why_refused(GONE)),
        (Decisions(LIVE, is_known=False), 404, "there is no such dataset"),
        (
            Decisions(LIVE, is_held=False),
            409,
            "nothing is held, or the hold has changed; look again",
        ),
    ],
)
def test_a_decision_on_nothing_is_refused_and_requests_no_pull(
    made: Decisions, status: int, words: str
) -> None:
    with pytest.raises(RequestRejectedError) as rejected:
        made.carry_out()
    assert (rejected.value.status, rejected.value.detail) == (status, words)
    assert made.done == []
