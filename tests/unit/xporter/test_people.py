"""Whom a row of Xporter is about, and what stays of a row that only mentions somebody."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from xporter_bridge.xporter.people import (
    PersonKind,
    Reference,
    is_requested_for,
    may_concern,
    people_of,
    plain_id,
    without_mentions,
)

PUPIL, CONTACT, STAFF = PersonKind.PUPIL, PersonKind.CONTACT, PersonKind.STAFF
FIELDS = json.loads(Path(__file__).with_name("xporter-fields.json").read_text(encoding="utf-8"))
LETTERS = {PUPIL: "PL", CONTACT: "PC", STAFF: "PWT"}
# Columns that look like a person's and hold no Id of a person: GUIDs, an exclusion, a type.
OTHERS = {
    "StudentExternalId", "StaffExternalId", "StudentXid", "ChildXids", "StudentExclusionId",
    "ParentGroupTypeId",
}  # fmt: skip


def about(table: str, **row: Any) -> set[Reference]:
    return set(people_of(table, row))


@pytest.mark.parametrize(
    ("table", "row", "people"),
    [
        ("Students", {"Id": "9919", "Surname": "Abbess"}, {(PUPIL, "9919")}),
        ("students", {"ID": 9919}, {(PUPIL, "9919")}),
        ("Contacts", {"Id": "10001"}, {(CONTACT, "10001")}),
        ("Staff", {"Id": "5", "IdaasId": "PWT-5"}, {(STAFF, "5")}),
        ("StudentContact", {"StudentId": "1", "ContactId": "2"}, {(PUPIL, "1"), (CONTACT, "2")}),
        ("StudentContact", {"Id": "PL-1.PC-2"}, {(PUPIL, "1"), (CONTACT, "2")}),
        ("StudentMembers", {"Id": "GC-8811.PL-9660", "StudentId": "PL-9660"}, {(PUPIL, "9660")}),
        ("StudentSiblings", {"StudentId": "1", "SiblingId": "2"}, {(PUPIL, "1"), (PUPIL, "2")}),
        ("StudentDisabilities", {"Id": "20", "StudentMis_Id": "9999"}, {(PUPIL, "9999")}),
        ("StudentEnrolmentHistory", {"Student_MisId": "7"}, {(PUPIL, "7")}),
        ("StudentMedical", {"Id": "1403"}, {(PUPIL, "1403")}),
        ("StudentMeals", {"Id": "9919"}, {(PUPIL, "9919")}),
        ("AttendanceSummary", {"Id": "3", "MIS_ID": "3", "IdaasId": "PL-3"}, {(PUPIL, "3")}),
        ("ConductPoints", {"Id": "3"}, {(PUPIL, "3")}),
        ("WeeklyStats", {"Id": "3"}, {(PUPIL, "3")}),
        ("TermlyStats", {"Id": "3"}, {(PUPIL, "3")}),
        ("PersonComms", {"PersonId": "4", "PersonType": "Contact"}, {(CONTACT, "4")}),
        ("Photos", {"Id": "1", "PersonId": 4, "PersonType": "Staff"}, {(STAFF, "4")}),
        ("Photos", {"PersonId": "4", "PersonType": "pupil"}, {(PUPIL, "4")}),
        ("LessonStaff", {"Id": "576.1", "StaffId": "1", "StaffCode": "ABA"}, {(STAFF, "1")}),
        ("LessonStaff", {"Id": "8", "Staff": 18611}, {(STAFF, "18611")}),
        ("Unheard", {"Id": "1", "studentid": " 9919 "}, {(PUPIL, "9919")}),
        ("Students", {"Id": "1", "ID": "2"}, {(PUPIL, "1"), (PUPIL, "2")}),
    ],
)
def test_a_row_names_whom_it_is_about(
    table: str, row: dict[str, Any], people: set[Reference]
) -> None:
    assert set(people_of(table, row)) == people


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("Group", {"Id": "GC-9919", "StudentIds": "9919,9925", "Staff": "JXE,RM"}),
        ("AttendCodes", {"Mark": "/", "Description": "Present"}),
        ("StudentExclusionReasons", {"Id": "9919", "StudentExclusionId": "1"}),
        ("Photos", {"Id": "9919", "PersonId": "1", "PersonType": None}),
        ("StudentContact", {"Id": None, "StudentId": None, "ContactId": None}),
        ("Calendar", {"Id": "PL"}),
        ("Calendar", {"Id": "a-b.c-d"}),
    ],
)
def test_other_rows_are_about_nobody(table: str, row: dict[str, Any]) -> None:
    assert list(people_of(table, row)) == []


def test_a_number_of_another_kind_is_another_person() -> None:
    assert about("Staff", Id="9919") != about("Students", Id="9919")
    assert plain_id(STAFF, "PL-9919") == "PL-9919"
    assert plain_id(PUPIL, " pl-9919") == plain_id(PUPIL, 9919) == "9919"


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("StudentIds", "9919,9925", "9925"),
        ("studentids", "9925,9919", "9925"),
        ("StudentIds", "9919", None),
        ("StudentIds", "9919,9919", None),
        ("StudentIdaasIds", "PL-9919,PL-9925", "PL-9925"),
        ("StudentSiblingIds", "1, 9919 ,2", "1,2"),
        ("ChildIdaasIds", ["PL-9919", "PL-1"], ["PL-1"]),
        ("StudentIds", [9919, 1], [1]),
        ("StudentIds", 9919, None),
    ],
)
def test_a_list_loses_the_erased_and_keeps_the_others(name: str, before: Any, after: Any) -> None:
    row = {"Id": "GC-9919", name: before, "Name": "9919"}
    assert without_mentions(row, lambda who: who == (PUPIL, "9919")) == {**row, name: after}


def test_lists_of_another_kind_stay() -> None:
    row = {"StudentIds": "9919", "StaffIds": "10", "PrimaryStaffId": "10"}
    found = without_mentions(row, lambda who: who == (STAFF, "10"))
    assert found == {"StudentIds": "9919", "StaffIds": None, "PrimaryStaffId": None}


def test_a_row_that_mentions_no_erased_person_is_the_same_object() -> None:
    row = {"Id": "1", "StudentIds": "1,2", "StaffIds": None, "ChildIdaasIds": ""}
    assert without_mentions(row, lambda _: False) is row


def is_known(table: str, name: str) -> bool:
    values = ["9919", *(f"{letters}-9919" for letters in LETTERS.values())]
    other = {"PersonId": "1", "PersonType": "Staff"}
    rows: list[dict[str, Any]] = [{**other, name: value} for value in values]
    is_about = any(set(people_of(table, row)) - {(STAFF, "1")} for row in rows)
    return is_about or any(without_mentions(row, lambda _: True) != row for row in rows)


def test_every_documented_column_of_a_person_is_known() -> None:
    looks_like_people = re.compile(r"(student|staff|contact|sibling|child|parent|person).*ids?")
    unknown, met = set[str](), set[str]()
    for endpoint in FIELDS.values():
        for table, fields in endpoint["tables"].items():
            names = set(fields.split()) - OTHERS
            found = {name for name in names if looks_like_people.fullmatch(name.casefold())}
            unknown |= {f"{table}.{name}" for name in found if not is_known(table, name)}
            met |= found
    assert len(met) > 10
    assert unknown == set()


def test_columns_tell_whether_a_table_may_concern_people() -> None:
    assert may_concern({"Group": ["Id", "StudentIds"]})
    assert may_concern({"Photos": ["PersonId", "PersonType"]})
    assert may_concern({"STUDENTS": ["ID"]})
    assert not may_concern({"AttendCodes": ["Mark", "Description"], "SchoolInfo": ["Id", "Head"]})


@pytest.mark.parametrize(
    ("endpoint", "parameters", "is_one"),
    [
        ("assessmentresults", {"Students": "1,9919"}, True),
        ("studentmedical", {"studentid": "PL-9919"}, True),
        ("timetableforstudent", {"id": "9919"}, True),
        ("groups", {"id": "9919"}, False),
        ("assessmentresults", {"Groups": "9919"}, False),
        ("staffcontracts", {"staffId": "9919"}, False),
        ("attendancefordate", {"date": "2026-11-27"}, False),
    ],
)
def test_a_request_names_whom_it_asks_for(
    endpoint: str, parameters: dict[str, str], is_one: bool
) -> None:
    found = is_requested_for(endpoint, parameters, lambda who: who == (PUPIL, "9919"))
    assert found is is_one
