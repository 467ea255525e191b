"""DBStatus in every shape that can be defended, since none is documented."""

import json
from urllib.parse import urlencode

import pytest

from xporter_bridge.availability.db_status import is_ready, statuses_in
from xporter_bridge.availability.read_callback import read_statuses
from xporter_bridge.errors import CallbackRejectedError

FORM = "application/x-www-form-urlencoded"
ROW = {"Id": 1, "DatabaseName": "XodAttendanceForDate", "Status": "OK", "Message": None}
OK = (("XodAttendanceForDate", "OK"),)


@pytest.mark.parametrize(
    "document",
    [
        {"__DbStatus__": [ROW]},
        {"DbStatus": [ROW]},
        {"__DBStatus__": [ROW], "meta": [{"Id": 1}]},
        [ROW],
        ROW,
        {"DataSet": {"dbstatus": [ROW]}},
        {"dbStatus": json.dumps([ROW])},
        {"DbStatus": [{"databaseName": "XodAttendanceForDate", "dbStatus": "OK"}]},
        {"DbStatus": [{"Name": "XodAttendanceForDate", "STATUS": "OK", "StatusMessage": None}]},
    ],
)
def test_a_status_is_found_wherever_it_stands(document: object) -> None:
    assert statuses_in(document) == OK
    assert is_ready(statuses_in(document))
    assert read_statuses(json.dumps(document).encode()) == OK
    assert read_statuses(json.dumps(document).encode()) == OK


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (urlencode({"DbStatus": json.dumps([ROW])}), FORM),
        (urlencode({"__DbStatus__": json.dumps([ROW]), "id": "x"}), ""),
        (urlencode({"DatabaseName": "XodAttendanceForDate", "Status": "OK"}), f"{FORM}; charset=x"),
    ],
)
def test_a_form_is_read_like_json(body: str, content_type: str) -> None:
    assert read_statuses(body.encode()) == OK


@pytest.mark.parametrize("status", ["Pending", "Error", "", None, 0, True, "NOT OK", ["OK"]])
def test_whatever_is_not_ok_is_not_ready(status: object) -> None:
    assert not is_ready(statuses_in([ROW, {**ROW, "Status": status, "DatabaseName": "Other"}][1:]))


def test_all_of_several_must_be_ok_in_any_casing() -> None:
    rows = [ROW, {**ROW, "DatabaseName": "XodSchoolData", "Status": "ok"}]
    assert is_ready(statuses_in(rows))
    assert not is_ready(statuses_in([*rows, {"DatabaseName": "Third", "Status": "Expired"}]))


@pytest.mark.parametrize("document", [{}, [], None, "", 3, {"ExceptionMessage": "no"}, [[]]])
def test_saying_nothing_is_not_being_ready(document: object) -> None:
    assert statuses_in(document) == ()
    assert not is_ready(statuses_in(document))


def test_only_names_and_statuses_are_kept_and_not_many() -> None:
    row = {**ROW, "Message": "waiting for Graham Abbess"}
    assert "Graham" not in repr(statuses_in([row]))
    long = [{"DatabaseName": f"{n}" * 90, "Status": "x\ny" * 90} for n in range(50)]
    found = statuses_in(long)
    assert len(found) == 20
    assert all(len(word) <= 60 and "\n" not in word for pair in found for word in pair)


def inside(levels: int, kind: type = list) -> object:
    """Return a DBStatus with an entry so many levels below it."""
    document: object = [ROW] if kind is list else ROW
    for _ in range(levels):
        document = [document] if kind is list else {"Data": document}
    return {"DbStatus": document}


@pytest.mark.parametrize("kind", [list, dict])
def test_a_status_is_looked_for_twenty_levels_below_its_name(kind: type) -> None:
    # The entry of a list is a level below the list.
    deepest = 18 if kind is list else 19
    assert statuses_in(inside(deepest, kind)) == OK
    assert statuses_in(inside(deepest + 1, kind)) == ()


def test_the_name_is_looked_for_twenty_levels_deep() -> None:
    document: object = {"Status": "OK", "Name": "XodAttendanceForDate"}
    for _ in range(20):
        document = {"Data": document}
    assert statuses_in(document) == OK
    assert statuses_in({"Data": document}) == ()


def test_an_object_of_entries_by_name_is_read_like_a_list() -> None:
    assert statuses_in({"DbStatus": {"first": ROW, "more": [ROW]}}) == OK


def test_whatever_is_no_word_becomes_one_blank() -> None:
    assert statuses_in([{"Name": "Xod//Data", "Status": "Not, yet!"}]) == (("Xod Data", "Not yet"),)


def test_nesting_without_end_is_left_alone() -> None:
    document: object = [ROW]
    for _ in range(500):
        document = [document]
    assert statuses_in(document) == ()


@pytest.mark.parametrize("text", ["[see SEN file]", "{", '[{"Status": "Pending"}]', "[" * 9999])
@pytest.mark.parametrize("name", ["Note", "Status", "EnrolmentStatus", "DbStatus", "__DbStatus__"])
def test_nothing_in_a_row_is_a_status_whatever_it_is_called(name: str, text: str) -> None:
    rows = {"Students": [{"Id": "1", name: text}], "meta": [{"Id": 1, name: text}], "Empty": []}
    assert statuses_in(rows) == ()
    assert statuses_in({"Data": rows, "__DbStatus__": [ROW]}) == OK


@pytest.mark.parametrize("text", ["[see SEN file]", "[1,", "{", "[" * 9999])
def test_a_text_that_only_looks_like_json_says_nothing(text: str) -> None:
    for document in (text, [text], {"DbStatus": text}, {"DbStatus": [text, {**ROW, "Note": text}]}):
        assert set(statuses_in(document)) <= set(OK)


@pytest.mark.parametrize("body", [b'{"Status": "OK"', b'[{"Status": "OK"}', b" [", b"{"])
def test_half_a_document_may_be_sent_again(body: bytes) -> None:
    with pytest.raises(CallbackRejectedError) as rejected:
        read_statuses(body)
    assert (rejected.value.status, rejected.value.reason) == (400, "body_malformed")


@pytest.mark.parametrize("body", [b'{"Status": "OK"}', b'\xef\xbb\xbf[{"Status": "OK"}]'])
def test_json_is_json_although_it_is_called_a_form(body: bytes) -> None:
    assert read_statuses(body) == (("", "OK"),)
