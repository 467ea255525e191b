"""Every documented rule on what may be written back, checked before anything is sent."""

import hmac
from typing import Any

import orjson
import pytest

from xporter_bridge.errors import RequestRejectedError
from xporter_bridge.writebacks.validation import check, digest, is_payload_of

SESSION = {
    "StudentId": "9919", "MarkType": "S", "Date": "2016-08-24", "Session": "AM", "Mark": "\\",
}  # fmt: skip
LESSON = {
    "StudentId": "9919", "MarkType": "L", "Date": "2016-08-24", "InstanceId": "46297", "Mark": "/",
}  # fmt: skip
BEHAVIOUR = {
    "Id": 1, "IncidentType": "Beh", "RecordedById": "5", "EntryDate": "2016-08-24", "TypeId": "8",
    "StatusId": "1",
}  # fmt: skip
ACHIEVEMENT = {
    "Id": 2, "IncidentType": "Ach", "RecordedById": 5, "EntryDate": "2016-08-24T10:00:00",
    "TypeId": 3, "ActivityId": 1, "Note": "well done",
}  # fmt: skip
PEOPLE = [
    {"ConductId": 1, "Points": 3, "StudentId": "9919", "RoleId": "1"},
    {"ConductId": 2, "Points": 5, "StudentId": "PL-9920", "OutcomeId": 1},
]
MEDIA = {
    "Id": 1, "ConductId": 1, "MediaDateTime": "2016-08-24T10:00:00", "Description": "a wall",
    "MediaType": "image/png", "FileName": "wall.png", "MediaBase64": "aGVsbG8=",
}  # fmt: skip
CONDUCT: dict[str, Any] = {
    "Conducts": [BEHAVIOUR, ACHIEVEMENT],
    "Participants": PEOPLE,
    "Staff": [{"ConductId": 1, "StaffId": "27", "StaffRoleId": 1}],
    "MediaFiles": [MEDIA],
}


def _refusal(kind: str, payload: Any) -> RequestRejectedError:
    with pytest.raises(RequestRejectedError) as refused:
        check(kind, payload)
    return refused.value


def test_marks_are_split_by_date_and_otherwise_left_as_they_are() -> None:
    later = {**SESSION, "Date": "2016-08-25", "Mins": 5, "Notes": "late"}
    checked = check("attendance", {"Marks": [later, SESSION]})
    assert (checked.dates, checked.rows, checked.mode) == (
        ("2016-08-24", "2016-08-25"),
        (1, 1),
        "async",
    )
    assert checked.bodies == ({"Marks": [SESSION]}, {"Marks": [later]})


def test_conducts_are_one_request() -> None:
    checked = check("conduct", CONDUCT)
    assert (checked.mode, checked.rows, checked.bodies) == ("sync", (2,), (CONDUCT,))


def test_lesson_marks_and_the_synchronous_path_are_accepted() -> None:
    checked = check("lesson_attendance", {"mode": "sync", "Marks": [LESSON]})
    assert (checked.mode, checked.bodies) == ("sync", ({"Marks": [LESSON]},))


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"StudentId": ""}, "Marks[0].StudentId"),
        ({"StudentId": None}, "Marks[0].StudentId"),
        ({"StudentId": True}, "Marks[0].StudentId"),
        ({"StudentId": "x1a2b3"}, "Marks[0].StudentId"),
        ({"StudentId": -9919}, "Marks[0].StudentId"),
        ({"MarkType": "L"}, "Marks[0].MarkType"),
        ({"Date": "24/08/2016"}, "Marks[0].Date"),
        ({"Date": "2016-02-30"}, "Marks[0].Date"),
        ({"Date": "2016-8-24"}, "Marks[0].Date"),
        ({"Session": "am"}, "Marks[0].Session"),
        ({"Session": None}, "Marks[0].Session"),
        ({"Mark": ""}, "Marks[0].Mark"),
        ({"Mark": "ABC"}, "Marks[0].Mark"),
        ({"Mark": " "}, "Marks[0].Mark"),
        ({"Mins": "5"}, "Marks[0].Mins"),
        ({"Mins": -1}, "Marks[0].Mins"),
        ({"Notes": "n" * 501}, "Marks[0].Notes"),
        ({"InstanceId": "1"}, "Marks[0].InstanceId"),
        ({"mark": "/"}, "Marks[0].mark"),
    ],
)
def test_a_mark_that_breaks_a_rule_is_named_by_its_place(
    change: dict[str, Any], place: str
) -> None:
    refusal = _refusal("attendance", {"Marks": [{**SESSION, **change}]})
    assert refusal.status == 400
    assert refusal.detail.startswith(place)


@pytest.mark.parametrize(
    "payload",
    [{}, {"Marks": []}, {"Marks": {}}, {"Marks": [3]}, {"Marks": [SESSION], "callback": []},
     {"Marks": [SESSION], "mode": "fast"}],
)  # fmt: skip
def test_an_envelope_that_breaks_a_rule_is_refused(payload: Any) -> None:
    assert _refusal("attendance", payload).status == 400


def test_two_marks_of_one_place_contradict_each_other() -> None:
    twice = {"Marks": [SESSION, {**SESSION, "StudentId": "PL-9919", "Mark": "L"}]}
    assert _refusal("attendance", twice).detail == "Marks[1] is about the same as Marks[0]"
    twice = {"Marks": [LESSON, {**LESSON, "InstanceId": 46297}]}
    assert _refusal("lesson_attendance", twice).detail == "Marks[1] is about the same as Marks[0]"


def _conduct(**changes: Any) -> dict[str, Any]:
    return {**CONDUCT, **changes}


@pytest.mark.parametrize(
    ("payload", "place"),
    [
        (_conduct(Conducts=[]), "Conducts"),
        (_conduct(Conducts=[{**BEHAVIOUR, "StatusId": None}]), "Conducts[0]: StatusId"),
        (_conduct(Conducts=[{**ACHIEVEMENT, "StatusId": 1}]), "Conducts[0]: StatusId"),
        (_conduct(Conducts=[{**BEHAVIOUR, "IncidentType": "Bad"}]), "Conducts[0].IncidentType"),
        (_conduct(Conducts=[{**BEHAVIOUR, "Id": "1"}]), "Conducts[0].Id"),
        (_conduct(Conducts=[{**BEHAVIOUR, "Note": "n" * 501}]), "Conducts[0].Note"),
        (_conduct(Conducts=[{**BEHAVIOUR, "EntryDate": "yesterday"}]), "Conducts[0].EntryDate"),
        *(
            (_conduct(Conducts=[{**BEHAVIOUR, "EntryDate": day}]), "Conducts[0].EntryDate")
            for day in (
                "2016-W34-3",
                "20160824",
                "2016-08-24T0900",
                "2016-08-24T09",
                "2016-238",
                "\u0662\u0660\u0661\u0666-08-24",
                "0001-01-01T00:00:00+01:00",
                "2016-02-30",
            )
        ),
        *(
            (
                _conduct(Participants=[{**PEOPLE[0], "StudentId": id_}, PEOPLE[1]]),
                "Participants[0].StudentId",
            )
            for id_ in ("x1a2b3", "PL 9919", "PWT", "9,919", "\uff19\uff19", "9919.5", -1)
        ),
        (
            _conduct(Participants=[*PEOPLE, {**PEOPLE[0], "StudentId": " pl-09919"}]),
            "Participants[2]",
        ),
        (_conduct(Conducts=[BEHAVIOUR, BEHAVIOUR]), "Conducts[1]"),
        (_conduct(Participants=[]), "Participants"),
        (_conduct(Participants=PEOPLE[:1]), "Conducts[1]"),
        (_conduct(Participants=[*PEOPLE, PEOPLE[0]]), "Participants[2]"),
        (_conduct(Participants=[*PEOPLE, {**PEOPLE[0], "ConductId": 9}]), "Participants[2].Cond"),
        (_conduct(Participants=[PEOPLE[0], {**PEOPLE[1], "RoleId": 1}]), "Participants[1].RoleId"),
        (_conduct(Participants=[{**PEOPLE[0], "Points": "3"}]), "Participants[0].Points"),
        (_conduct(Staff=[{"ConductId": 9, "StaffId": "1"}]), "Staff[0].ConductId"),
        (_conduct(MediaFiles=[{**MEDIA, "ConductId": 9}]), "MediaFiles[0].ConductId"),
        (_conduct(MediaFiles=[{**MEDIA, "MediaBase64": "?"}]), "MediaFiles[0].MediaBase64"),
    ],
)
def test_a_conduct_that_breaks_a_rule_is_named_by_its_place(payload: Any, place: str) -> None:
    refusal = _refusal("conduct", payload)
    assert refusal.status == 400
    assert refusal.detail.startswith(place)


def test_a_refusal_never_quotes_a_value() -> None:
    marks = [{**SESSION, "StudentId": ["Graham"], "Notes": {"x": "Abbess"}, "Session": "Graham"}]
    detail = _refusal("attendance", {"Marks": marks}).detail
    assert "Graham" not in detail
    assert "Abbess" not in detail


def test_a_long_list_of_faults_is_cut() -> None:
    marks = [{**SESSION, "StudentId": str(n), "Session": "x"} for n in range(30)]
    detail = _refusal("attendance", {"Marks": marks}).detail
    assert detail.endswith("; and 20 more")


def test_what_is_too_large_or_of_too_many_dates_is_refused() -> None:
    large = {"Marks": [{**SESSION, "Notes": "n" * 300_000}]}
    assert _refusal("attendance", large).status == 413
    days = [f"2016-{month:02}-{day:02}" for month in (1, 3, 5) for day in range(1, 29)]
    many = {"Marks": [{**SESSION, "Date": day} for day in days]}
    assert _refusal("attendance", many).status == 400


def test_a_kind_that_is_none_is_refused_with_those_that_are() -> None:
    assert "lesson_attendance" in _refusal("marks", {}).detail


KEY = b"the data key of one school".ljust(32)


def test_a_digest_tells_payloads_kinds_keys_and_schools_apart_but_not_the_order_of_names() -> None:
    one = digest("attendance", {"a": 1, "b": 2}, "key", KEY)
    assert one == digest("attendance", {"b": 2, "a": 1}, "key", KEY)
    others = {
        digest("attendance", {"a": 1, "b": 3}, "key", KEY),
        digest("conduct", {"a": 1, "b": 2}, "key", KEY),
        digest("attendance", {"a": 1, "b": 2}, "other", KEY),
        digest("attendance", {"a": 1, "b": 2}, "key", KEY[::-1]),
    }
    assert len(others | {one}) == 5


def test_nobody_without_the_schools_key_can_guess_a_payload_from_its_digest() -> None:
    held = digest("attendance", {"Marks": [SESSION]}, "key", KEY)
    document = orjson.dumps(["attendance", {"Marks": [SESSION]}], option=orjson.OPT_SORT_KEYS)
    for known in (b"key", b"", KEY):
        assert hmac.digest(known, document, "sha256").hex() not in held


def test_a_digest_of_earlier_code_still_tells_its_payload_from_others() -> None:
    document = orjson.dumps(["conduct", {"a": 1, "b": 2}], option=orjson.OPT_SORT_KEYS)
    held = hmac.digest(b"key", document, "sha256").hex()
    assert is_payload_of(held, "conduct", {"b": 2, "a": 1}, "key", KEY)
    assert not is_payload_of(held, "conduct", {"b": 2, "a": 2}, "key", KEY)
    assert not is_payload_of(held, "conduct", {"b": 2, "a": 1}, "other", KEY)
