"""The simulator against what real clients of Xporter recorded (docs/xporter-api.md)."""

from base64 import b64decode
from typing import Any

import pytest
import requests

from tests.tools.simulator.test_changesets import ask, world_with_a_school
from tools.simulator.http import information
from tools.simulator.http.server import RunningSimulator
from tools.simulator.service.scopes import ALL
from tools.simulator.service.tokens import Claims

ESTAB = "3281102"


def _answer(name: str, **query: str) -> dict[str, Any]:
    world, school = world_with_a_school(60)
    return ask(world, school, name, ALL, **query)


def test_group_types_come_last_in_groups() -> None:
    assert list(_answer("Groups"))[:4] == ["Group", "StaffMembers", "StudentMembers", "GroupTypes"]


def test_the_academic_year_is_a_year_and_the_number_of_the_department_may_be_filled() -> None:
    (row,) = _answer("SchoolInfo")["SchoolInfo"]
    assert row["CurrentAcademicYear"] == "2026"
    numbers = set()
    with RunningSimulator() as simulator:
        for number in range(3281101, 3281111):
            school = {"estab": str(number), "students": 2, "seed": 1}
            answer = requests.post(f"{simulator.url}/_sim/schools", json=school, timeout=20)
            assert answer.ok
            truth = f"{simulator.url}/_sim/schools/{number}/truth/SchoolInfo"
            numbers |= {row["DeniNo"] for row in requests.get(truth, timeout=20).json()}
    assert None in numbers
    assert len(numbers) > 1


@pytest.mark.parametrize(
    ("resource", "table", "query"),
    [("Photos", "Photos", {}), ("Students", "Students", {"options": "includephotos"}),
     ("Staff", "Staff", {"options": "includephotos"})],
)  # fmt: skip
def test_a_photo_is_real_base64_of_a_picture(
    resource: str, table: str, query: dict[str, str]
) -> None:
    rows = _answer(resource, **query)[table]
    pictures = [b64decode(row["Photo"], validate=True) for row in rows]
    assert all(each.startswith(b"\xff\xd8\xff\xe0") for each in pictures)
    assert len(set(pictures)) == len(rows) > 1


@pytest.mark.parametrize("resource", ["Students", "Staff"])
def test_there_is_no_photo_without_the_option(resource: str) -> None:
    assert all("Photo" not in row for row in _answer(resource)[resource])


def test_the_lookups_are_those_that_were_recorded() -> None:
    kinds = {row["LookupType"] for row in _answer("ConductLookups")["ConductLookups"]}
    assert sorted(kinds) == [
        "AchActivity", "BehActivity", "BehBullMode", "BehLocation", "BehStatus", "BehStuRole",
        "StfRole",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("resource", "table", "columns"),
    [
        ("ConductPoints", "ConductPoints",
         "TotalAchievementIncidents TotalBehaviourIncidents TotalConductIncidents"),
        ("ConductPoints", "ConductPoints",
         "NumberofDetentions NumberofInterventions NumberofReportCards"),
        ("TimetableModel", "LessonInstances", "Id"),
        ("TimetableModel", "LessonStaff", "StaffId"),
        ("TimetableModel", "TimetablePeriods", "Sequence"),
        ("Contacts", "Contacts", "ChildIdaasIds ChildXids"),
    ],
)  # fmt: skip
def test_columns_have_the_recorded_names(resource: str, table: str, columns: str) -> None:
    rows = _answer(resource, options="includechildidaasids,includechildxids")[table]
    assert rows
    assert all(set(columns.split()) <= row.keys() for row in rows)


def test_the_children_of_a_contact_are_pupils_of_the_school() -> None:
    options = "includechildidaasids,includechildxids"
    pupils = {row["IdaasId"]: row["XID"] for row in _answer("Students")["Students"]}
    for row in _answer("Contacts", options=options)["Contacts"]:
        children = row["ChildIdaasIds"].split(",")
        assert [pupils[child] for child in children] == row["ChildXids"].split(",")


def test_truths_are_sometimes_null() -> None:
    world, school = world_with_a_school(400)
    rows = ask(world, school, "Students", ALL)["Students"]
    assert {row["IsYoungCarer"] for row in rows} == {0, 1, None}


def test_the_api_describes_55_endpoints_whose_version_is_text() -> None:
    world, school = world_with_a_school()
    claims = Claims(school.estab, "live.example.app", ALL, world.now())
    endpoints = information.queries(world, claims)["Endpoints"]
    assert len(endpoints) == 55
    assert {each["Version"] for each in endpoints} == {"1"}


@pytest.fixture(scope="module")
def school() -> Any:
    with RunningSimulator() as simulator:
        made = requests.post(
            f"{simulator.url}/_sim/schools",
            json={"estab": ESTAB, "students": 4, "seed": 1},
            timeout=20,
        ).json()
        credentials = {
            "estab": ESTAB, "relyingParty": "live.example.app", "password": made["secret"],
            "thirdpartyid": "XporterOnDemand",
        }  # fmt: skip
        token = requests.post(
            f"{simulator.url}/api/oauth/GetToken", json=credentials, timeout=20
        ).json()["token"]
        yield simulator.url, {"Authorization": f"Idaas {token}"}


def test_logs_answer(school: Any) -> None:
    url, headers = school
    answer = requests.get(f"{url}/api/v1/Logs", headers=headers, timeout=20).json()
    assert (answer["Logs"], answer["ExceptionMessage"]) == ([], None)


@pytest.mark.parametrize(
    ("path", "type_"),
    [
        (f"School/{ESTAB}/Pupils", None),
        ("Pupils", None),
        (f"School/{ESTAB}", None),
        ("School/3281199/Students", "UnauthorizedAccessException"),
        (f"School/{ESTAB}/AttendanceForDate", "ArgumentException"),
    ],
)
def test_what_is_refused_is_refused_in_the_envelope_with_a_bare_type_or_none(
    school: Any, path: str, type_: str | None
) -> None:
    url, headers = school
    answer = requests.get(f"{url}/api/v1/{path}", headers=headers, timeout=20)
    assert answer.status_code == 200
    assert answer.json()["ExceptionMessage"]
    assert answer.json()["ExceptionType"] == type_
