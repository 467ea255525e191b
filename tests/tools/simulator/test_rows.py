"""Rows are reproducible, plausible, consistent with each other, and in the recorded order."""

import time
from datetime import date
from typing import Any

import orjson
import pytest

from tests.tools.simulator.test_changesets import ask, truth_of, world_with_a_school
from tools.simulator.school.create_school import found
from tools.simulator.service.endpoints import RESOURCES
from tools.simulator.service.scopes import ALL, USUAL
from tools.simulator.service.truth import truth

RECORDED_STUDENT_KEYS = """
Id XID ExternalId IdaasId Forename Surname DisplayName AdmissionNo Gender RegGroupId RegGroup
YearGroupId YearGroup HouseGroupId HouseGroup WorkEmail IdaasEmail DateofBirth
UniqueLearnerNumber MiddleName EnrolmentStatus Boarder LegalForename LegalSurname EntryDate
LeavingDate Destination DestinationStartDate ReasonForLeaving SENProvision FSMEligible
FsmEndDate UniformAllowance PupilPremium YSSA EAL FSMEver6 Gifted ServiceChild
ServiceChildSource InLeaCare LeaCareAuthority EverInCare IsYoungCarer AsylumStatus
ReligionCode Religion EthnicityCode Ethnicity EthnicitySource HomeLanguage HomeLanguageCode
FirstLanguage FirstLanguageCode FirstLanguageSource EnglishProficiencyLevel NationalIdentity
Nationality ModeOfTravel IsTraveller TravellerSource ParentalSalutation AddressBlock HouseNo
HouseName Apartment Street District TownOrCity County PostCode Country StudentStatus QuickNote
LastUpdated RowHash
"""
MANDATORY = {
    "date": "2026-11-20", "DateFrom": "2026-11-16", "DateTo": "2026-11-20", "id": "10000",
    "UDFName": "Locker Number", "DocumentTypeId": "1",
}  # fmt: skip


def test_a_student_has_the_76_recorded_keys_in_their_order() -> None:
    world, school = world_with_a_school()
    without_upn = tuple(scope for scope in USUAL if scope != "UPN")
    row = ask(world, school, "Students", without_upn)["Students"][0]
    assert list(row) == RECORDED_STUDENT_KEYS.split()
    assert len(row) == 76


@pytest.mark.parametrize("name", sorted(RESOURCES))
def test_every_resource_answers_with_every_scope_and_option(name: str) -> None:
    world, school = world_with_a_school(24)
    resource = RESOURCES[name]
    parameters = {
        needed.split("|")[0].lower(): MANDATORY.get(needed, "10000")
        for needed in resource.mandatory
    }
    answer = ask(world, school, name, ALL, options=",".join(resource.options), **parameters)
    assert [key for key in answer if key != "meta"] == [shape.name for shape in resource.shapes]
    for shape in resource.shapes:
        for row in answer[shape.name]:
            assert list(row) == list(shape.names)
        ids = [row["Id"] for row in answer[shape.name] if "Id" in row]
        assert len(set(ids)) == len(ids)


def test_the_same_seed_gives_the_same_school_and_another_seed_another() -> None:
    def school(seed: int) -> Any:
        founded = found({"estab": "3281102", "students": 20, "seed": seed}, date(2026, 11, 24))
        return founded.secret, b"".join(truth(founded, "Students", {}, lines=False))

    assert school(1) == school(1)
    assert school(1) != school(2)


def test_links_between_tables_lead_somewhere() -> None:
    _, school = world_with_a_school(200)
    students, contacts, groups = (truth_of(school, t) for t in ("Students", "Contacts", "Group"))
    staff = truth_of(school, "Staff")
    for link in truth_of(school, "StudentContact").values():
        assert link["StudentId"] in students
        assert contacts[link["ContactId"]]["Surname"] == students[link["StudentId"]]["Surname"]
    for pair in truth_of(school, "StudentSiblings").values():
        assert students[pair["StudentId"]]["Street"] == students[pair["SiblingId"]]["Street"]
    sizes = dict.fromkeys(groups, 0)
    for member in truth_of(school, "StudentMembers").values():
        assert member["StudentId"] in students
        sizes[member["GroupId"]] += 1
    assert sizes == {identity: group["NumStudents"] for identity, group in groups.items()}
    assert all(group["PrimaryStaffId"] in staff for group in groups.values())
    assert {comms["PersonId"] for comms in truth_of(school, "PersonComms").values()} == {
        *students, *contacts, *staff,
    }  # fmt: skip


def test_a_year_group_filter_and_an_id_choose_rows_and_their_members() -> None:
    world, school = world_with_a_school(50)
    year = ask(world, school, "Students", yeargroupid="30")["Students"]
    assert year
    assert {row["YearGroupId"] for row in year} == {"30"}
    groups = ask(world, school, "Groups", options="includestudentmembers", type="YearGrp")
    assert {row["Type"] for row in groups["Group"]} == {"YearGrp"}
    assert {row["GroupId"] for row in groups["StudentMembers"]} == {
        row["Id"] for row in groups["Group"]
    }


def test_marks_follow_the_calendar() -> None:
    world, school = world_with_a_school(10)
    christmas = ask(world, school, "AttendanceForDate", date="2026-12-25")["Attendance"]
    assert {row["Mark"] for row in christmas} == {"#"}
    sunday = ask(world, school, "AttendanceForDate", date="2026-11-22")["Attendance"]
    assert sunday == []
    morning = ask(
        world, school, "AttendanceForDate", date="2026-11-17", attendancetype="S", sessiontype="AM"
    )["Attendance"]
    assert len(morning) == 10
    assert {row["Id"] for row in morning} == {f"{10000 + 3 * n}.2026-11-17.AM" for n in range(10)}


def test_a_big_page_costs_little_and_a_million_rows_no_memory() -> None:
    world, _ = world_with_a_school(10)
    school = found({"estab": "3281103", "students": 1_000_000}, world.now().date())
    began = time.process_time()
    answer = ask(world, school, "AttendanceSummary", pagesize="1000", page="900")
    assert answer["__pagination__"][0]["RowCount"] == 1_000_000
    assert len(answer["AttendanceSummary"]) == 1000
    assert time.process_time() - began < 1


def test_truth_as_lines_holds_the_same_rows() -> None:
    _, school = world_with_a_school(10)
    lines = b"".join(truth(school, "Students", {}, lines=True)).splitlines()
    assert [orjson.loads(line) for line in lines] == list(truth_of(school, "Students").values())
