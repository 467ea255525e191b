"""The catalogue against what is known of Xporter: ``xporter-fields.json`` beside this file."""

import json
from pathlib import Path
from typing import Any

import pytest

from xporter_bridge.errors import RequestRejectedError
from xporter_bridge.xporter.endpoints import Endpoint, databases, endpoints, find

FACTS: dict[str, Any] = json.loads(Path(__file__).with_name("xporter-fields.json").read_text())

# xporter-api.md, appendix B, "Mandatory filters".
MANDATORY = {
    "attendancefordate": ("date",),
    "attendancefordaterange": ("DateFrom", "DateTo"),
    "conductfordaterange": ("DateFrom", "DateTo"),
    "achievementfordaterange": ("DateFrom", "DateTo"),
    "behaviourfordaterange": ("DateFrom", "DateTo"),
    "timetableforstaff": ("id",),
    "timetableforstudent": ("id",),
    "linkeddocuments": ("DocumentTypeId",),
    "studentuserdefinedfields": ("UDFName",),
}
# xporter-api.md, 5.6.
DATABASES = {
    "XodSchoolData": 1440,
    "XodAttendanceSummary": 1440,
    "XodAssessmentTables": 1440,
    "XodAttendanceForDate": 30,
    "XodConductForToday": 30,
    "XodConductPoints": 30,
    "XodConductForDateRange": 720,
    "XodAssessmentResults": 30,
    "XodEndpointInfo": 5,
}


@pytest.mark.parametrize("name", FACTS)
def test_every_documented_endpoint_is_where_it_is_documented(name: str) -> None:
    endpoint, facts = endpoints()[name], FACTS[name]
    resource = facts["path"].removeprefix("/api/v1/School/{estab}/").split("/")[0]
    assert endpoint.resource.casefold() == resource.casefold()
    assert endpoint.scope == facts["scope"]
    assert endpoint.takes_id is ("{id}" in facts["path"])


@pytest.mark.parametrize("name", FACTS)
def test_every_documented_table_and_field_is_known(name: str) -> None:
    tables = endpoints()[name].tables
    for documented, fields in FACTS[name]["tables"].items():
        for table in documented.split("/"):
            assert set(fields.split()) <= tables[table].fields


def test_the_databases_live_as_long_as_documented() -> None:
    assert {name: ttl.total_seconds() / 60 for name, ttl in databases().items()} == DATABASES


@pytest.mark.parametrize("name", endpoints())
def test_every_endpoint_is_complete(name: str) -> None:
    endpoint = endpoints()[name]
    assert name == endpoint.name == name.lower()
    assert endpoint.database in DATABASES
    assert endpoint.ttl == databases()[endpoint.database]
    assert endpoint.scope
    assert set(endpoint.mandatory) | set(endpoint.at_least_one) <= set(endpoint.parameters)
    for table in endpoint.tables.values():
        # Of tables that nobody has recorded, only the key is assumed.
        assert table.key in {"", *(table.fields or {"Id"})}


def test_the_filters_that_xporter_insists_on_are_mandatory() -> None:
    assert {name: e.mandatory for name, e in endpoints().items() if e.mandatory} == MANDATORY
    assert endpoints()["assessmentresults"].at_least_one


@pytest.mark.parametrize("name", ["students", "Students", "STUDENTS"])
def test_an_endpoint_is_found_whatever_its_case(name: str) -> None:
    assert find(name).resource == "Students"


def test_an_endpoint_that_xporter_does_not_have_is_a_404() -> None:
    with pytest.raises(RequestRejectedError) as rejected:
        find("pupils")
    assert rejected.value.status == 404


def attendance() -> Endpoint:
    return find("attendancefordate")


def test_parameters_get_their_catalogued_names_and_values() -> None:
    checked = attendance().check(["EXCLUDENOMARKS"], {"DATE": "2026-11-20", "sessiontype": "am"})
    assert checked == {"date": "2026-11-20", "sessionType": "AM"}


@pytest.mark.parametrize(
    ("options", "parameters", "named"),
    [
        ([], {}, "needs the parameter 'date'"),
        (["includeEverything"], {"date": "2026-11-20"}, "no option 'includeEverything'"),
        ([], {"date": "2026-11-20", "pupil": "1"}, "no parameter 'pupil'"),
        ([], {"date": "20261120"}, "date must be a date"),
        ([], {"date": "2026-W47-5"}, "date must be a date"),
        ([], {"date": "2026-02-30"}, "date must be a date"),
        ([], {"date": "2026-11-20\n"}, "unprintable"),
        ([], {"date": ""}, "empty"),
        ([], {"date": "2026-11-20", "id": "a" * 501}, "too long"),
        ([], {"date": "2026-11-20", "sessionType": "noon"}, "one of AM, PM"),
    ],
)
def test_what_xporter_would_not_understand_is_refused_with_the_reason(
    options: list[str], parameters: dict[str, str], named: str
) -> None:
    with pytest.raises(RequestRejectedError, match=named) as rejected:
        attendance().check(options, parameters)
    assert rejected.value.status == 400


def test_at_least_one_filter_of_several_is_enough() -> None:
    results = find("assessmentresults")
    assert results.check([], {"students": "9919"}) == {"Students": "9919"}
    with pytest.raises(RequestRejectedError, match="at least one of"):
        results.check([], {"ResultDateFrom": "2026-11-20"})


def test_our_own_parameters_cannot_be_passed_in() -> None:
    for name in ("callbackUrl", "changedRows", "page", "pageSize", "httpStatusCodes"):
        with pytest.raises(RequestRejectedError):
            find("students").check([], {name: "1"})


@pytest.mark.parametrize(
    "id_", ["..", ".", "../Students", "a/b", "a?b=c", "a#b", "a%2Fb", "a b", "é"]
)
def test_an_id_in_the_path_leads_nowhere_else(id_: str) -> None:
    with pytest.raises(RequestRejectedError, match="id may hold") as rejected:
        find("timetableforstudent").check([], {"id": id_})
    assert rejected.value.status == 400
