"""Finding in the school's data what was written back."""

from datetime import UTC, datetime
from typing import Any

import pytest

from xporter_bridge.writebacks.model import ReadBackResult, WritebackKind
from xporter_bridge.writebacks.read_back import compare, read_back_query
from xporter_bridge.xporter.pages import read_page

ATTENDANCE, LESSON, CONDUCT = (
    WritebackKind.ATTENDANCE, WritebackKind.LESSON_ATTENDANCE, WritebackKind.CONDUCT,
)  # fmt: skip
META = [{"Id": 1, "DateTime": "2016-08-24T12:00:00"}]
AS_OF = datetime(2016, 8, 24, 12, 0, tzinfo=UTC)
MARK = {"StudentId": "PL-9919", "MarkType": "S", "Date": "2016-08-24", "Session": "AM", "Mark": "L"}
ROW = {
    "Id": "9919.2016-08-24.AM", "StudentId": "9919", "Date": "2016-08-24T00:00:00",
    "Session": "AM", "Mark": "L", "Type": "S",
}  # fmt: skip


def _read(kind: WritebackKind, body: Any, **tables: Any) -> ReadBackResult:
    return compare(kind, body, read_page({**tables, "meta": META}))


def test_a_mark_is_found_by_whose_and_when_it_is() -> None:
    assert _read(ATTENDANCE, {"Marks": [MARK]}, Attendance=[ROW]) == ReadBackResult(
        1, 1, as_of=AS_OF
    )


@pytest.mark.parametrize(
    "change",
    [{"Mark": "-"}, {"Mark": None}, {"Session": "PM"}, {"StudentId": "9920"},
     {"Date": "2016-08-25"}, {"Type": "L", "InstanceId": "46297"}],
)  # fmt: skip
def test_another_mark_is_not_taken_for_it(change: dict[str, str]) -> None:
    found = _read(ATTENDANCE, {"Marks": [MARK]}, AttendMarks=[{**ROW, **change}])
    assert (found.found, found.similar) == (0, 0)


@pytest.mark.parametrize(
    "change",
    [{"Mark": "/"}, {"Mark": "l/", "Session": "am "}, {"Mark": "I", "StudentId": "pl-009919"},
     {"Mark": "I", "Date": "2016-08-23T23:00:00Z"}, {"Mark": "I", "Date": "24/08/2016"},
     {"Mark": "/", "Session": None}, {"Mark": "/", "StudentId": "x1a2b3c"}],
)  # fmt: skip
def test_another_mark_at_that_place_is_seen_however_the_place_is_spelt(
    change: dict[str, Any],
) -> None:
    found = _read(ATTENDANCE, {"Marks": [MARK]}, AttendMarks=[{**ROW, **change}])
    assert (found.found, found.similar) == (0, 1)
    assert found.seen == ((str(change["Mark"]).upper(), 1),)


@pytest.mark.parametrize(
    "change",
    [{"StudentId": 9919.0}, {"StudentId": " pl-09919"}, {"Mark": "l "},
     {"Date": "2016-08-23T23:00:00"}, {"Type": None, "MarkType": "Session"}],
)  # fmt: skip
def test_a_mark_is_found_in_any_spelling(change: dict[str, Any]) -> None:
    assert _read(ATTENDANCE, {"Marks": [MARK]}, Attendance=[{**ROW, **change}]).found == 1


def test_a_page_of_several_and_an_answer_without_tables_prove_no_absence() -> None:
    paged = {"PageSize": 1, "PageNumber": 1, "PageCount": 2, "RowCount": 2, "NextPage": "?page=2"}
    other = {**ROW, "StudentId": "1"}
    assert _read(ATTENDANCE, {"Marks": [MARK]}, Attendance=[other]).as_of == AS_OF
    several = _read(ATTENDANCE, {"Marks": [MARK]}, Attendance=[other], __pagination__=[paged])
    assert several.as_of is None
    assert _read(ATTENDANCE, {"Marks": [MARK]}).as_of is None


def test_a_lesson_mark_is_found_by_its_lesson() -> None:
    mark = {
        "StudentId": 9919,
        "MarkType": "L",
        "Date": "2016-08-24",
        "InstanceId": 46297,
        "Mark": "/",
    }
    row = {**ROW, "Type": "L", "InstanceId": "46297", "Mark": "/"}
    assert _read(LESSON, {"Marks": [mark]}, Attendance=[row]).found == 1


def test_one_pupils_marks_are_asked_for_alone() -> None:
    other = {**MARK, "StudentId": "9920"}
    assert read_back_query(ATTENDANCE, {"Marks": [MARK]}).query == {
        "date": "2016-08-24", "attendanceType": "S", "id": "9919",
    }  # fmt: skip
    assert "id" not in read_back_query(ATTENDANCE, {"Marks": [MARK, other]}).query


BODY = {
    "Conducts": [
        {"Id": 1, "IncidentType": "Beh", "EntryDate": "2016-08-24T09:00:00", "Note": "a wall"}
    ],
    "Participants": [
        {"ConductId": 1, "StudentId": "PL-9919", "Points": 3},
        {"ConductId": 1, "StudentId": 9920, "Points": 1},
    ],
}
HELD = {
    "Id": "Beh.4000", "ConductId": "4000", "Category": "Beh", "Date": "2016-08-24",
    "Description": "a wall",
}  # fmt: skip
PEOPLE = [
    {"Id": "PL-9919.Beh.4000", "StudentId": "9919", "ConductId": "Beh.4000", "Points": 3},
    {"Id": "PL-9920.Beh.4000", "StudentId": "9920", "ConductId": "Beh.4000", "Points": "1"},
]


def _conducts(conducts: list[Any], people: list[Any]) -> ReadBackResult:
    return _read(CONDUCT, BODY, Conducts=conducts, StudentConducts=people)


def test_a_conduct_is_found_with_its_id_in_the_mis() -> None:
    assert _conducts([HELD], PEOPLE) == ReadBackResult(1, 1, 1, AS_OF, (("1", "4000"),))


def test_a_school_that_does_not_share_notes_is_matched_without() -> None:
    bare = {name: value for name, value in HELD.items() if name != "Description"}
    assert _conducts([bare], PEOPLE).results == (("1", "4000"),)


@pytest.mark.parametrize(
    ("conduct", "people"),
    [
        ({**HELD, "Description": "another wall"}, PEOPLE),
        (HELD, PEOPLE[:1]),
        (HELD, []),
        (HELD, [{**PEOPLE[0], "Points": 4}, PEOPLE[1]]),
    ],
)
def test_one_that_only_resembles_it_forbids_to_call_it_absent(conduct: Any, people: Any) -> None:
    found = _conducts([conduct], people)
    assert (found.found, found.similar, found.results) == (0, 1, ())


@pytest.mark.parametrize(
    ("conduct", "people"),
    [
        ({**HELD, "Date": "2016-08-23T23:00:00Z"}, PEOPLE),
        ({**HELD, "Date": "/Date(1471993200000)/", "Description": "a\r\n wall "}, PEOPLE),
        ({**HELD, "Category": "Behaviour", "Id": " beh.4000"}, PEOPLE),
        (HELD, [{**PEOPLE[0], "Points": "3.00"}, {**PEOPLE[1], "StudentId": " pl-0009920"}]),
        (HELD, [{**PEOPLE[0], "Points": 3.0}, {**PEOPLE[1], "ConductId": "beh.4000 "}]),
    ],
)
def test_a_conduct_is_found_in_any_spelling(conduct: Any, people: Any) -> None:
    assert _conducts([conduct], people).results == (("1", "4000"),)


@pytest.mark.parametrize(
    ("conduct", "people"),
    [
        ({**HELD, "Date": "2016-08-25"}, PEOPLE),
        ({**HELD, "Date": "2016-08-23T22:00:00"}, PEOPLE),
        ({**HELD, "Date": "last Wednesday"}, PEOPLE),
        ({**HELD, "Category": "Negative"}, PEOPLE),
        (HELD, [{**PEOPLE[0], "Points": "some"}, PEOPLE[1]]),
        (HELD, [{**PEOPLE[0], "StudentId": "x1a2b3c"}]),
    ],
)
def test_what_cannot_be_compared_forbids_to_call_a_conduct_absent(
    conduct: Any, people: Any
) -> None:
    found = _conducts([conduct], people)
    assert (found.found, found.similar) == (0, 1)


@pytest.mark.parametrize(
    ("conduct", "people"),
    [
        ({**HELD, "Date": "2016-08-26"}, PEOPLE),
        ({**HELD, "Category": "Ach"}, PEOPLE),
        (HELD, [{**PEOPLE[0], "StudentId": "1"}]),
    ],
)
def test_one_of_another_day_kind_or_pupil_is_none_of_ours(conduct: Any, people: Any) -> None:
    found = _conducts([conduct], people)
    assert (found.found, found.similar) == (0, 0)


def test_two_alike_cannot_be_told_apart() -> None:
    twin = {**HELD, "Id": "Beh.4001", "ConductId": "4001"}
    theirs = [{**each, "ConductId": "Beh.4001"} for each in PEOPLE]
    found = _conducts([HELD, twin], [*PEOPLE, *theirs])
    assert (found.expected, found.found, found.results) == (1, 2, ())


def test_conducts_are_asked_for_by_their_days() -> None:
    assert read_back_query(CONDUCT, BODY).query == {
        "DateFrom": "2016-08-23", "DateTo": "2016-08-25", "options": "includeStudentIds",
    }  # fmt: skip
