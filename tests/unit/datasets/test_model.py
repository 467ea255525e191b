from collections.abc import Mapping
from datetime import date

import pytest

from tests.support.records import record
from xporter_bridge.datasets.config import configured, parse, shipped_text
from xporter_bridge.datasets.model import Dataset
from xporter_bridge.datasets.on_request import closest, on_request, redefined
from xporter_bridge.errors import ConfigurationError, RequestRejectedError
from xporter_bridge.xporter.endpoints import find

MONDAY = date(2026, 11, 23)


def one(text: str) -> Dataset:
    return parse(text)["it"]


# -- what ships


def test_the_default_covers_what_the_seed_names() -> None:
    assert set(configured()) == {
        "schoolinfo", "students", "groups", "staff", "contacts", "studentcontacts",
        "attendancesummary", "attendancecodes",
    }  # fmt: skip
    assert "includeStudentMembers" in configured()["groups"].options
    assert {each.name for each in configured().of_database("xodattendancesummary")} == {
        "attendancesummary"
    }


def test_a_change_of_a_database_makes_exactly_its_datasets_due_whatever_its_case() -> None:
    assert configured().of_database("XODSCHOOLDATA") == configured().of_database("XodSchoolData")
    assert {each.database for each in configured().of_database("XodSchoolData")} == {
        "XodSchoolData"
    }
    assert configured().of_database("XodNonsense") == []


@pytest.mark.parametrize("name", configured())
def test_a_shipped_dataset_is_one_whole_endpoint(name: str) -> None:
    dataset = configured()[name]
    assert dataset.name == name
    assert dataset.endpoint.check(dataset.options, dataset.parameters) == {}


# -- what a change of the configuration means


def test_the_order_and_case_of_options_make_no_other_chain() -> None:
    texts = (
        '["includeStaffMembers", "includeGroupTypes"]',
        '["INCLUDEGROUPTYPES", "includestaffmembers"]',
    )
    one_, other = (one(f'[datasets.it]\nendpoint = "groups"\noptions = {t}') for t in texts)
    assert one_.fingerprint == other.fingerprint


@pytest.mark.parametrize(
    "change",
    [
        'options = ["includeLeavers"]',
        'parameters = { studentStatus = "Leaver" }',
        'leave_out = { Students = ["UPN"] }',
        'allow = { Students = ["Surprise"] }',
    ],
)
def test_whatever_changes_the_rows_begins_another_chain(change: str) -> None:
    plain = one('[datasets.it]\nendpoint = "students"')
    assert one(f'[datasets.it]\nendpoint = "students"\n{change}').fingerprint != plain.fingerprint


def test_every_school_day_may_update_the_counts_of_every_pupil() -> None:
    limits = {name: each.limits.max_updated_percent for name, each in configured().items()}
    assert limits.pop("attendancesummary") == 100
    assert set(limits.values()) == {75}


def test_limits_and_drift_change_no_rows_and_no_chain() -> None:
    plain = one('[datasets.it]\nendpoint = "students"')
    other = one(
        '[datasets.it]\nendpoint = "students"\ndrift = "freeze"\nhold = {max_deleted_percent = 1}'
    )
    assert (other.drift, other.limits.max_deleted_percent) == ("freeze", 1)
    assert other.fingerprint == plain.fingerprint


def test_a_disabled_dataset_is_not_there() -> None:
    assert parse('[datasets.it]\nendpoint = "students"\nenabled = false') == {}
    assert parse("") == {}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[datasets", "datasets.toml"),
        ("[datasets.it]", "it: 'endpoint'"),
        ('[datasets.it]\nendpoint = "pupils"', "no endpoint 'pupils'"),
        ('[datasets.it]\nendpoint = "students"\noptions = ["x"]', "no option 'x'"),
        ('[datasets.it]\nendpoint = "students"\nparameters = {x = "1"}', "no parameter 'x'"),
        ('[datasets.it]\nendpoint = "attendancefordate"', "needs the parameter 'date'"),
        ('[datasets.it]\nendpoint = "students"\ndrift = "panic"', "drift must be one of"),
        ('[datasets.It]\nendpoint = "students"', "a name is lower-case"),
        ('[datasets."a/b"]\nendpoint = "students"', "a name is lower-case"),
        ('[hold]\nmax_deleted_percent = "x"\n[datasets.it]\nendpoint = "students"', "it: "),
    ],
)
def test_a_wrong_entry_is_named_with_what_is_wrong(text: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        parse(text)


def test_fields_to_leave_out_are_found_whatever_their_case() -> None:
    dataset = one('[datasets.it]\nendpoint = "students"\nleave_out = { Students = ["UPN"] }')
    assert dataset.leave_out == {"students": frozenset({"upn"})}


def test_columns_that_are_left_out_are_found_among_those_that_were_stored() -> None:
    dataset = one('[datasets.it]\nendpoint = "students"\nleave_out = { Students = ["UPN"] }')
    assert dataset.leaves_out_any({"students": ["Id", "upn"]})
    assert not dataset.leaves_out_any({"Students": ["Id"], "StudentSiblings": ["UPN"]})


def test_a_table_that_nobody_knows_is_keyed_by_id() -> None:
    assert one('[datasets.it]\nendpoint = "attendancecodes"').key_of("attendcodes") == "Mark"
    assert one('[datasets.it]\nendpoint = "students"').key_of("Surprises") == "Id"


@pytest.mark.parametrize(
    ("granted", "covered"),
    [((), False), (("Staff",), False), (("StudentLite",), True), (("student", "Staff"), True)],
)
def test_scopes_decide_what_a_school_has(granted: tuple[str, ...], covered: bool) -> None:
    assert configured()["students"].covered_by(granted) is covered


# -- what rolls on


@pytest.mark.parametrize(
    ("mark", "first", "last"),
    [
        ("{week}", "2026-11-23", "2026-11-27"),
        ("{month}", "2026-11-01", "2026-11-30"),
        ("{today}", "2026-11-24", "2026-11-24"),
    ],
)
def test_a_period_begins_and_ends_where_xporters_caches_do(
    mark: str, first: str, last: str
) -> None:
    dataset = one(
        '[datasets.it]\nendpoint = "attendancefordaterange"\n'
        f'parameters = {{ DateFrom = "{mark}", DateTo = "{mark}" }}'
    )
    today = dataset.on(date(2026, 11, 24))
    assert dataset.is_rolling
    assert not today.is_rolling
    assert today.parameters == {"DateFrom": first, "DateTo": last}
    assert today.name == f"it-{first}-{last}"


@pytest.mark.parametrize(
    ("today", "last"), [(date(2028, 2, 29), "2028-02-29"), (date(2026, 12, 31), "2026-12-31")]
)
def test_a_month_ends_on_its_own_last_day(today: date, last: str) -> None:
    dataset = one(
        '[datasets.it]\nendpoint = "attendancefordaterange"\n'
        'parameters = { DateFrom = "{month}", DateTo = "{month}" }'
    )
    assert dataset.on(today).parameters["DateTo"] == last


def test_a_dataset_that_does_not_roll_is_itself_on_any_day() -> None:
    students = configured()["students"]
    assert students.on(MONDAY) is students
    assert students.definition_on(MONDAY) is None


def test_the_dataset_of_a_day_is_recreated_from_its_definition() -> None:
    dataset = one(
        '[datasets.it]\nendpoint = "attendancefordate"\nparameters = { date = "{today}" }'
    ).on(MONDAY)
    again = redefined(dataset.name, dataset.definition(), configured().values())
    assert (again.name, again.fingerprint) == (dataset.name, dataset.fingerprint)


# -- what is asked for once


def requested(endpoint: str, parameters: Mapping[str, str], *options: str) -> Dataset:
    return on_request(find(endpoint), options, parameters, configured().values())


def test_a_name_shows_the_dates_that_were_asked_for() -> None:
    assert requested("attendancefordate", {"DATE": "2026-11-20"}).name == (
        "attendancefordate-2026-11-20"
    )


def test_a_name_never_shows_a_pupil() -> None:
    name = requested("attendancefordate", {"date": "2026-11-20", "id": "9919"}).name
    assert "9919" not in name
    assert name != requested("attendancefordate", {"date": "2026-11-20", "id": "9920"}).name


def test_the_same_question_makes_the_same_dataset() -> None:
    one_ = requested("attendancefordate", {"date": "2026-11-20", "sessionType": "am"})
    other = requested("attendancefordate", {"SESSIONTYPE": "AM", "Date": "2026-11-20"})
    assert (one_.name, one_.fingerprint) == (other.name, other.fingerprint)


def test_an_option_makes_another_dataset() -> None:
    plain = requested("attendancefordate", {"date": "2026-11-20"})
    assert (
        plain.name != requested("attendancefordate", {"date": "2026-11-20"}, "excludeClosed").name
    )


def test_the_same_date_under_another_name_makes_another_dataset() -> None:
    since, until = (
        requested("timetable", {name: "2026-11-20"}, "includeLessons")
        for name in ("DateFrom", "DateTo")
    )
    assert since.name != until.name


def test_what_needs_no_parameters_is_asked_for_by_its_name() -> None:
    with pytest.raises(RequestRejectedError, match="without parameters is a dataset"):
        requested("students", {})


def test_a_name_fits_the_bucket_and_the_table() -> None:
    longest = requested(
        "attendancefordaterange", {"DateFrom": "2026-11-23", "DateTo": "2026-11-27", "id": "1"}
    )
    assert len(longest.name) < 100
    assert "/" not in longest.name


# -- what is kept of it

TWO_OF_A_KIND = parse("""
[datasets.marks]
endpoint = "attendancefordate"
parameters = { date = "{today}" }
leave_out = { Attendance = ["MinsLate"] }
allow = { Attendance = ["HealthCode", "FaithCode"] }

[datasets.marks-minimal]
endpoint = "attendancefordate"
parameters = { date = "{today}" }
leave_out = { Attendance = ["Notes"] }
allow = { Attendance = ["HealthCode"] }
""")


def kept_like(name: str, endpoint: str = "attendancefordate") -> Dataset:
    return closest(name, find(endpoint), TWO_OF_A_KIND.values())


@pytest.mark.parametrize("name", TWO_OF_A_KIND)
def test_a_day_of_a_dataset_leaves_out_what_that_one_does_whatever_its_name(name: str) -> None:
    dataset = TWO_OF_A_KIND[name]
    assert kept_like(dataset.on(MONDAY).name).leave_out == dataset.leave_out


def test_what_no_dataset_is_like_keeps_only_what_all_of_its_endpoint_keep() -> None:
    kept = kept_like("attendancefordate-2026-11-20")
    assert kept.leave_out == {"attendance": frozenset({"minslate", "notes"})}
    assert kept.allow == {"attendance": frozenset({"healthcode"})}
    assert kept_like("students-1a2b3c4d", "students").leave_out == {}


# -- how Xporter is asked


def test_the_options_and_parameters_are_the_query() -> None:
    assert requested("attendancefordate", {"date": "2026-11-20", "id": "7"}).request() == (
        "AttendanceForDate",
        {"date": "2026-11-20", "id": "7"},
    )
    path, query = configured()["groups"].request()
    assert (path, query["options"]) == ("Groups", ",".join(configured()["groups"].options))


def test_an_id_that_an_endpoint_cannot_do_without_stands_in_the_path() -> None:
    assert requested("timetableforstudent", {"id": "99-a_1"}).request() == (
        "TimetableForStudent/99-a_1",
        {},
    )


def test_a_dataset_is_found_by_its_name_or_its_definition() -> None:
    assert configured().dataset_of(record("3281102", "students")) == configured()["students"]
    assert configured().dataset_of(record("3281102", "gone")) is None
    definition = {
        "endpoint": "attendancefordate",
        "options": [],
        "parameters": {"date": "2026-11-24"},
    }
    day = record("3281102", "attendance-2026-11-24", definition=definition)
    asked = configured().dataset_of(day)
    assert asked is not None
    assert asked.parameters == {"date": "2026-11-24"}
    gone = {**definition, "endpoint": "no.such.endpoint"}
    assert configured().dataset_of(record("3281102", "x", definition=gone)) is None


# -- a company's own configuration

SHIPPED = """
[hold]
max_deleted_percent = 10
floor_rows = 20

[datasets.students]
endpoint = "students"
options = ["includeSiblingsResultset"]

[datasets.staff]
endpoint = "staff"
"""


def test_a_companys_keys_replace_those_of_the_product_and_leave_the_others() -> None:
    own = """
    [hold]
    max_deleted_percent = 30
    [datasets.students.leave_out]
    Students = ["Religion"]
    [datasets.staff]
    enabled = false
    [datasets.conduct]
    endpoint = "contacts"
    """
    datasets = parse(SHIPPED, own)
    assert set(datasets) == {"students", "conduct"}
    students = datasets["students"]
    assert students.options == ("includeSiblingsResultset",)
    assert students.leave_out == {"students": frozenset({"religion"})}
    assert (students.limits.max_deleted_percent, students.limits.floor_rows) == (30, 20)


def test_without_a_companys_file_the_product_has_its_own_datasets_alone() -> None:
    assert parse(SHIPPED) == parse(SHIPPED, "") == {**parse(SHIPPED)}
    assert configured() == parse(shipped_text())


@pytest.mark.parametrize(
    "own",
    ['[datasets.students]\nleaveout = { Students = ["Religion"] }', "[dataset.students]"],
)
def test_a_misspelt_key_is_refused_as_what_it_leaves_out_would_be_stored(own: str) -> None:
    with pytest.raises(ConfigurationError, match="there is no key"):
        parse(SHIPPED, own)
