"""Writing back: every kind and every way in which a writeback can end, against a simulated MIS."""

import hmac
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
import requests

from tests.support.conversation_world import ESTAB, Company
from tools.simulator.http.server import RunningSimulator
from xporter_bridge.errors import RequestRejectedError
from xporter_bridge.operations.model import soon
from xporter_bridge.schools.model import School, change_state
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.writebacks.accept import accept_message
from xporter_bridge.writebacks.messages import WritebackRequested
from xporter_bridge.writebacks.model import Writeback
from xporter_bridge.writebacks.read_callback import subject_of

DAY = "2026-11-17"
# A day whose registers nobody has taken yet: the school's today is 2026-11-20.
COMING = "2026-11-23"
DEADLINE = timedelta(seconds=1)


@pytest.fixture
def company() -> Iterator[Company]:
    with RunningSimulator(time_scale=360_000) as simulator:
        school = requests.post(
            f"{simulator.url}/_sim/schools",
            json={"estab": ESTAB, "students": 8, "seed": 3, "today": "2026-11-20"},
            timeout=20,
        ).json()
        with Company(simulator, school, outcome_deadline=DEADLINE) as made:
            yield made


def _sim(company: Company, method: str, path: str, body: Any = None) -> Any:
    url = f"{company.simulator.url}/_sim/{path}"
    answer = requests.request(method, url, json=body, timeout=20)
    assert answer.ok, answer.text
    return answer.json()


def _pupils(company: Company) -> list[str]:
    return [row["Id"] for row in _sim(company, "GET", f"schools/{ESTAB}/truth/Students")]


def _posts(company: Company) -> int:
    paths = [each["path"].casefold() for each in _sim(company, "GET", "requests")["requests"]]
    return sum("/attendance" in path or "/writeback/" in path for path in paths) - sum(
        "attendancefordate" in path for path in paths
    )


def _mis(company: Company) -> dict[str, int]:
    written = _sim(company, "GET", f"schools/{ESTAB}/mis")["written"]
    return {each["id"]: each["times"] for each in written}


def _mark(pupil: str, **facts: Any) -> dict[str, Any]:
    return {
        "StudentId": pupil, "MarkType": "S", "Date": DAY, "Session": "AM", "Mark": "G", **facts,
    }  # fmt: skip


def _ends(company: Company, writeback: Writeback, seconds: float = 8) -> Writeback:
    until = time.monotonic() + seconds
    while True:
        company.work()
        company.watch()
        found = company.written.get(ESTAB, writeback.id)
        assert found
        if found.is_ended and not found.outbox:
            return found
        assert time.monotonic() < until, found
        time.sleep(0.02)


def _announced(company: Company) -> list[tuple[str, Any]]:
    return [(event.type, event.data["id"]) for event in company.bus.events]


def _school_is(company: Company, state: SchoolState) -> None:
    company.schools.change(ESTAB, lambda it: change_state(it, state, "test", company.now()))


@pytest.mark.parametrize("mode", ["async", "sync"])
def test_marks_of_several_dates_are_one_writeback_of_as_many_requests(
    company: Company, mode: str
) -> None:
    pupils = _pupils(company)
    marks = [_mark(pupil, Date=day) for day in (DAY, "2026-11-18") for pupil in pupils[:3]]
    ended = _ends(company, company.write("attendance", {"mode": mode, "Marks": marks}, "k"))
    assert ended.state == "completed"
    assert [(part.date, part.rows, part.state) for part in ended.parts] == [
        (DAY, 3, "completed"), ("2026-11-18", 3, "completed"),
    ]  # fmt: skip
    assert all(bool(part.tracking_id) is (mode == "async") for part in ended.parts)
    assert set(_mis(company).values()) == {1}
    assert len(_mis(company)) == 6
    assert _announced(company) == [("writeback.completed", ended.id)]
    assert ended.content is None
    assert ended.expires_at


def test_a_part_that_there_is_no_time_for_is_left_and_sent_by_the_next_who_looks(
    company: Company,
) -> None:
    (pupil, *_) = _pupils(company)
    marks = [_mark(pupil, Date=day) for day in (DAY, "2026-11-18")]
    answers = iter([True])
    company.has_time = lambda: next(answers, False)
    made = company.write("attendance", {"Marks": marks}, "k")
    company.work()
    found = company.written.get(ESTAB, made.id)
    assert found
    assert [part.attempts for part in found.parts] == [1, 0]
    assert found.watch_at
    assert found.watch_at <= soon(company.now())
    company.has_time = lambda: True
    company.skipped = timedelta(minutes=3)
    ended = _ends(company, found)
    assert (ended.state, [part.attempts for part in ended.parts]) == ("completed", [1, 1])


def _lesson_mark(company: Company, **facts: Any) -> dict[str, Any]:
    rows = _sim(
        company,
        "GET",
        f"schools/{ESTAB}/truth/Attendance?resource=AttendanceForDate&date={DAY}&attendanceType=L",
    )
    lesson = {name: rows[0][name] for name in ("StudentId", "Date", "InstanceId")}
    return {**lesson, "MarkType": "L", "Mark": "G", "Mins": 3, "Notes": "a note", **facts}


def test_a_lesson_mark_is_written(company: Company) -> None:
    mark = _lesson_mark(company)
    ended = _ends(company, company.write("lesson_attendance", {"Marks": [mark]}, "k"))
    assert ended.state == "completed"
    assert _mis(company) == {f"{mark['StudentId']}.{DAY}.{mark['InstanceId']}": 1}


def _conduct(company: Company, **facts: Any) -> dict[str, Any]:
    conduct = {
        "Id": 1, "IncidentType": "Beh", "RecordedById": "1", "EntryDate": DAY, "TypeId": 8,
        "StatusId": 1, "Note": "threw a shoe at lunch", **facts,
    }  # fmt: skip
    return {
        "Conducts": [conduct],
        "Participants": [
            {"ConductId": 1, "Points": 3, "StudentId": pupil} for pupil in _pupils(company)[:2]
        ],
    }


@pytest.mark.parametrize("mode", ["async", "sync"])
def test_a_conduct_is_written_and_its_id_in_the_mis_is_kept(company: Company, mode: str) -> None:
    payload = {**_conduct(company), "mode": mode}
    ended = _ends(company, company.write("conduct", payload, "k"))
    assert ended.state == "completed"
    ((ours, theirs),) = ended.parts[0].results
    assert (ours, _mis(company)) == ("1", {f"Beh.{theirs}": 1})


def test_what_xporter_refuses_at_once_is_failed_with_the_reason(company: Company) -> None:
    ended = _ends(company, company.write("attendance", {"Marks": [_mark("99999999")]}, "k"))
    assert (ended.state, ended.reason) == ("failed", "student_unknown")
    assert _posts(company) == 1
    assert _mis(company) == {}
    assert _announced(company) == [("writeback.failed", ended.id)]


def test_what_the_mis_refuses_later_is_failed_with_the_reason(company: Company) -> None:
    saturday = _mark(_pupils(company)[0], Date="2026-11-21")
    ended = _ends(company, company.write("attendance", {"Marks": [saturday]}, "k"))
    assert (ended.state, ended.reason) == ("failed", "school_closed")


def test_an_agent_that_is_switched_off_fails_in_the_end(company: Company) -> None:
    _sim(company, "PUT", "faults", [{"kind": "agent_offline"}])
    ended = _ends(
        company, company.write("attendance", {"Marks": [_mark(_pupils(company)[0])]}, "k")
    )
    assert (ended.state, ended.reason) == ("failed", "agent_unreachable")


def test_an_expired_token_is_renewed_and_the_mark_written_once(company: Company) -> None:
    _sim(company, "PUT", "faults", [{"kind": "expired_token", "count": 2}])
    ended = _ends(
        company, company.write("attendance", {"Marks": [_mark(_pupils(company)[0])]}, "k")
    )
    assert ended.state == "completed"
    assert set(_mis(company).values()) == {1}


@pytest.mark.parametrize(("kind", "path"), [("attendance", "attendance"), ("conduct", "conduct")])
def test_a_lost_answer_is_decided_by_the_outcome_and_sent_once(
    company: Company, kind: str, path: str
) -> None:
    _sim(company, "PUT", "faults", [{"kind": "lost_answer"}])
    payload = _conduct(company) if kind == "conduct" else {"Marks": [_mark(_pupils(company)[0])]}
    ended = _ends(company, company.write(kind, payload, "k"))
    assert (ended.state, ended.parts[0].attempts) == ("completed", 1)
    assert set(_mis(company).values()) == {1}


@pytest.mark.parametrize("kind", ["attendance", "conduct"])
def test_when_answer_and_outcome_are_lost_the_mis_is_read_back(company: Company, kind: str) -> None:
    _sim(company, "PUT", "faults", [{"kind": "lost_answer"}, {"kind": "lost_callback"}])
    payload = _conduct(company) if kind == "conduct" else {"Marks": [_mark(_pupils(company)[0])]}
    ended = _ends(company, company.write(kind, payload, "k"))
    assert (ended.state, ended.parts[0].reason) == ("completed", "read_back")
    assert _posts(company) == 1
    if kind == "conduct":
        ((_, theirs),) = ended.parts[0].results
        assert _mis(company) == {f"Beh.{theirs}": 1}


@pytest.mark.parametrize("mode", ["async", "sync"])
@pytest.mark.parametrize("kind", ["attendance", "conduct"])
def test_kept_connections_that_xporter_dropped_cost_no_writeback_an_attempt(
    company: Company, kind: str, mode: str
) -> None:
    one = _conduct(company) if kind == "conduct" else {"Marks": [_mark(_pupils(company)[0])]}
    _cache_register(company, _pupils(company)[0])  # A connection is kept from here on.
    _sim(company, "PUT", "faults", [{"kind": "dropped_connection"}])
    ended = _ends(company, company.write(kind, {**one, "mode": mode}, "k"))
    assert (ended.state, ended.parts[0].attempts) == ("completed", 1)
    assert _posts(company) == 1
    assert set(_mis(company).values()) == {1}


@pytest.mark.parametrize("kind", ["attendance", "conduct"])
def test_what_never_arrived_is_sent_again_after_the_deadline(company: Company, kind: str) -> None:
    path = "writeback/conduct" if kind == "conduct" else "attendanceasync"
    _sim(company, "PUT", "faults", [{"kind": "server_error", "count": 1, "path": path}])
    payload = (
        _conduct(company)
        if kind == "conduct"
        else {"Marks": [_mark(_pupils(company)[0], Date=COMING)]}
    )
    ended = _ends(company, company.write(kind, payload, "k"))
    assert (ended.state, ended.parts[0].attempts) == ("completed", 2)
    assert set(_mis(company).values()) == {1}


def test_what_never_arrives_fails_after_the_second_time(company: Company) -> None:
    _sim(company, "PUT", "faults", [{"kind": "server_error", "path": "attendanceasync"}])
    ended = _ends(
        company,
        company.write("attendance", {"Marks": [_mark(_pupils(company)[0], Date=COMING)]}, "k"),
    )
    assert (ended.state, ended.reason, ended.parts[0].attempts) == ("failed", "not_written", 2)
    assert _mis(company) == {}


@pytest.mark.parametrize("kind", ["attendance", "lesson_attendance", "conduct"])
@pytest.mark.parametrize("correction", ["L", "/", "I"])
def test_what_a_person_corrected_after_us_is_never_written_over(
    company: Company, kind: str, correction: str
) -> None:
    _sim(
        company, "PUT", "faults",
        [{"kind": "lost_answer"}, {"kind": "lost_callback"},
         {"kind": "corrected_writeback", "value": correction}],
    )  # fmt: skip
    payload = {
        "attendance": lambda: {"Marks": [_mark(_pupils(company)[0], Mark="N")]},
        "lesson_attendance": lambda: {"Marks": [_lesson_mark(company, Mark="N")]},
        "conduct": lambda: _conduct(company),
    }[kind]()
    ended = _ends(company, company.write(kind, payload, "k"))
    reason = "read_back_unclear" if kind == "conduct" else "another_mark_found"
    assert (ended.state, ended.reason, _posts(company)) == ("unknown", reason, 1)
    assert ended.parts[0].reading
    assert (ended.parts[0].reading.found, ended.parts[0].reading.similar) == (0, 1)
    assert ended.parts[0].reading.seen == (() if kind == "conduct" else ((correction, 1),))
    assert _announced(company) == [("writeback.unknown", ended.id)]


def test_a_mark_that_a_person_makes_while_the_second_sending_waits_is_not_written_over(
    company: Company,
) -> None:
    pupil = _pupils(company)[0]
    _sim(
        company, "PUT", "faults",
        [{"kind": "server_error", "count": 1, "path": "attendanceasync"},
         {"kind": "rate_limited", "path": "attendanceasync", "skip": 1}],
    )  # fmt: skip
    writeback = company.write("attendance", {"Marks": [_mark(pupil, Date=COMING)]}, "k")
    until = time.monotonic() + 8
    while _posts(company) < 2:
        company.work()
        company.watch()
        assert time.monotonic() < until
        time.sleep(0.02)
    _sim(company, "PUT", "faults", [])
    by_hand = _mark(pupil, Date=COMING, Mark="L")
    company.sending.sessions.open(ESTAB, company.now()).call(
        lambda token: company.sending.sessions.xporter.write(
            f"/api/v1/Attendance/{ESTAB}/", token, {"Marks": [by_hand]}
        )
    )
    company.skipped += DEADLINE / 2
    ended = _ends(company, writeback)
    assert (ended.state, ended.reason) == ("unknown", "another_mark_found")
    assert set(_mis(company).values()) == {1}


@pytest.mark.parametrize("day", [DAY, "2026-06-16", "2026-06-16T23:30:00Z", "2026-11-17T09:00:00"])
@pytest.mark.parametrize("kind", ["attendance", "conduct"])
def test_what_is_there_in_another_spelling_is_not_written_again(
    company: Company, kind: str, day: str
) -> None:
    _sim(
        company, "PUT", "faults",
        [{"kind": "lost_answer"}, {"kind": "lost_callback"}, {"kind": "other_spelling"}],
    )  # fmt: skip
    pupil = f" pl-00{_pupils(company)[0]}"
    if kind == "conduct":
        payload = _conduct(company, EntryDate=day)
        payload["Participants"][0]["StudentId"] = pupil
    else:
        payload = {"Marks": [_mark(pupil, Date=day[:10])]}
    ended = _ends(company, company.write(kind, payload, "k"))
    assert (ended.state, ended.parts[0].reason) == ("completed", "read_back")
    assert _posts(company) == 1
    assert set(_mis(company).values()) == {1}


@pytest.mark.parametrize(
    ("day", "pupil"),
    [("2026-W47-2", "10003"), ("20261117", "10003"), (DAY, "x1a2b3c"), (DAY, "10003.5")],
)
def test_what_could_not_be_found_again_is_refused_before_anything_is_sent(
    company: Company, day: str, pupil: str
) -> None:
    payload = _conduct(company, EntryDate=day)
    payload["Participants"][0]["StudentId"] = pupil
    with pytest.raises(RequestRejectedError) as refused:
        company.write("conduct", payload, "k")
    company.work()
    assert (refused.value.status, _posts(company)) == (400, 0)


def test_old_data_prove_nothing_and_nothing_is_sent_again(company: Company) -> None:
    pupil = _pupils(company)[0]
    _sim(company, "PUT", "faults", [{"kind": "stale_cache"}])
    requests.get(company.simulator.url, timeout=20)
    writeback = company.write("attendance", {"Marks": [_mark(pupil)]}, "k")
    _cache_register(company, pupil)
    _sim(
        company, "PUT", "faults",
        [{"kind": "stale_cache"}, {"kind": "lost_answer"}, {"kind": "lost_callback"}],
    )  # fmt: skip
    ended = _ends(company, writeback)
    assert (ended.state, ended.reason) == ("unknown", "read_back_unclear")
    assert ended.parts[0].reading
    assert (ended.parts[0].reading.found, ended.parts[0].reading.expected) == (0, 1)
    assert set(_mis(company).values()) == {1}
    assert _announced(company) == [("writeback.unknown", ended.id)]


def _cache_register(company: Company, pupil: str) -> None:
    """Have the simulated cache filled with the register as it is before the mark is written."""
    session = company.sending.sessions.open(ESTAB, company.now())
    query = {"date": DAY, "attendanceType": "S", "id": pupil}
    session.call(
        lambda token: company.sending.sessions.xporter.school_data(
            ESTAB, "AttendanceForDate", token, query
        )
    )


def test_an_outcome_that_comes_after_all_resolves_what_was_unknown(company: Company) -> None:
    test_old_data_prove_nothing_and_nothing_is_sent_again(company)
    id_ = company.bus.events[0].data["id"]
    company.settle(
        {
            "estab": ESTAB, "subject": subject_of(id_, 0, 1), "is_completed": True,
            "tracking_id": "", "reason": "", "results": [],
        }
    )  # fmt: skip
    assert _announced(company) == [("writeback.unknown", id_), ("writeback.completed", id_)]


def test_without_a_scope_to_read_the_outcome_stays_unknown(company: Company) -> None:
    company.schools.change(
        ESTAB, lambda it: _with_scopes(it, tuple(s for s in it.scopes if s != "Attendance"))
    )
    _sim(company, "PUT", "faults", [{"kind": "lost_answer"}, {"kind": "lost_callback"}])
    ended = _ends(
        company, company.write("attendance", {"Marks": [_mark(_pupils(company)[0])]}, "k")
    )
    assert (ended.state, ended.reason) == ("unknown", "scope_missing_to_read")


def _with_scopes(school: School, scopes: tuple[str, ...]) -> School:
    return replace(school, scopes=scopes)


def test_a_synchronous_success_needs_no_callback(company: Company) -> None:
    _sim(company, "PUT", "faults", [{"kind": "lost_callback"}])
    payload = {"mode": "sync", "Marks": [_mark(_pupils(company)[0])]}
    ended = _ends(company, company.write("attendance", payload, "k"))
    assert (ended.state, ended.parts[0].reason) == ("completed", "read_back")
    assert set(_mis(company).values()) == {1}


def test_a_rate_limit_is_waited_for(company: Company) -> None:
    _sim(company, "PUT", "faults", [{"kind": "rate_limited", "count": 3, "path": "async"}])
    ended = _ends(
        company, company.write("attendance", {"Marks": [_mark(_pupils(company)[0])]}, "k")
    )
    assert (ended.state, ended.parts[0].attempts) == ("completed", 1)


def test_a_school_that_stops_sharing_before_it_is_sent_fails_it(company: Company) -> None:
    writeback = company.write("attendance", {"Marks": [_mark(_pupils(company)[0])]}, "k")
    _school_is(company, SchoolState.PAUSED)
    ended = _ends(company, writeback)
    assert (ended.state, ended.reason, _posts(company)) == ("failed", "school_paused", 0)


def test_one_key_is_one_writeback_for_as_long_as_it_is_kept(company: Company) -> None:
    payload = {"Marks": [_mark(_pupils(company)[0])]}
    first = company.write("attendance", payload, "k")
    assert company.write("attendance", payload, "k").id == first.id
    _ends(company, first)
    again = company.write("attendance", payload, "k")
    assert (again.id, again.state) == (first.id, "completed")
    company.work()
    assert set(_mis(company).values()) == {1}
    other = {"Marks": [_mark(_pupils(company)[1])]}
    with pytest.raises(RequestRejectedError) as refused:
        company.write("attendance", other, "k")
    assert refused.value.status == 409


@pytest.mark.parametrize("key", [None, "", "  ", "x" * 256, "a\nb"])
def test_a_key_is_required(company: Company, key: Any) -> None:
    with pytest.raises(RequestRejectedError) as refused:
        company.write("attendance", {"Marks": [_mark("1")]}, key)
    assert refused.value.status == 400


def test_a_school_that_is_not_live_or_has_not_granted_it_is_not_written_to(
    company: Company,
) -> None:
    payload = {"Marks": [_mark(_pupils(company)[0])]}
    company.schools.change(ESTAB, lambda it: _with_scopes(it, ("Attendance",)))
    with pytest.raises(RequestRejectedError, match="WritebackAttendance") as ungranted:
        company.write("attendance", payload, "k")
    _school_is(company, SchoolState.REVOKED)
    with pytest.raises(RequestRejectedError, match="revoked") as revoked:
        company.write("attendance", payload, "k")
    assert (ungranted.value.status, revoked.value.status) == (409, 409)


def test_a_writeback_by_message_is_taken_like_any_other(company: Company) -> None:
    message = {
        "estab": ESTAB, "kind": "attendance", "idempotency_key": "k",
        "payload": {"Marks": [_mark(_pupils(company)[0])]},
    }  # fmt: skip
    taken = accept_message(WritebackRequested.read(message), company.school(), company.accepting)
    assert taken is not None
    assert _ends(company, taken).state == "completed"


def test_a_writeback_of_earlier_code_is_found_again_by_its_key_and_payload(
    company: Company,
) -> None:
    payload = {"Marks": [_mark("10003")]}
    stored = company.write("attendance", payload, "k")
    document = orjson.dumps(["attendance", payload], option=orjson.OPT_SORT_KEYS)
    of_earlier_code = hmac.digest(b"k", document, "sha256").hex()
    company.written.change(ESTAB, stored.id, lambda it: replace(it, payload_digest=of_earlier_code))
    assert company.write("attendance", payload, "k").id == stored.id
    with pytest.raises(RequestRejectedError) as refused:
        company.write("attendance", {"Marks": [_mark("10004")]}, "k")
    assert refused.value.status == 409


def test_a_message_that_is_refused_is_told_by_a_failed_writeback(company: Company) -> None:
    message = {
        "estab": ESTAB, "kind": "attendance", "idempotency_key": "k",
        "payload": {"Marks": [_mark("1", Session="XX")]},
    }  # fmt: skip
    refused = accept_message(WritebackRequested.read(message), company.school(), company.accepting)
    assert refused is not None
    ended = _ends(company, refused)
    assert ended.state == "failed"
    assert ended.reason.startswith("Marks[0].Session")
    assert _announced(company) == [("writeback.failed", ended.id)]
    assert _posts(company) == 0


def test_nothing_of_a_pupil_is_stored_in_clear(company: Company) -> None:
    payload = {"Marks": [_mark("10003", Notes="ill since Monday")]}
    company.write("attendance", payload, "k")
    stored = repr(list(company.written._items.query_partition(ESTAB)))
    assert "10003" not in stored
    assert "ill since" not in stored


@pytest.mark.parametrize("body", ["page", "cut", "words", "bytes", "empty", "XodCompleted=False"])
@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize("mark", ["&", "?"])
def test_an_outcome_is_heard_whatever_its_body_and_its_second_mark(
    company: Company, body: str, content_type: str, mark: str
) -> None:
    odd = {"kind": "odd_body", "callback": "writeback", "body": body, "content_type": content_type}
    second = {"kind": "second_question_mark", "callback": "writeback"}
    _sim(company, "PUT", "faults", [odd, second] if mark == "?" else [odd])
    pupil = _pupils(company)[0]
    writeback = _ends(company, company.write("attendance", {"Marks": [_mark(pupil)]}, "one"))
    assert (writeback.state, writeback.parts[0].reading) == ("completed", None)
    assert set(_mis(company).values()) == {1}


@pytest.mark.parametrize(
    "odd",
    [
        {"status": 200, "body": "maintenance"},
        {"status": 200, "body": "message"},
        {"status": 200, "body": "object"},
        {"status": 204, "body": "empty"},
        {"status": 302, "body": "empty"},
        {"status": 401, "body": "denied"},
        {"status": 403, "body": "page"},
        {"status": 404, "body": "page"},
    ],
)
def test_an_answer_that_is_not_xporters_neither_writes_nor_refuses_a_mark(
    company: Company, odd: dict[str, Any]
) -> None:
    fault = {"kind": "odd_answer", "path": "/api/v1/attendanceasync", "count": 1, **odd}
    _sim(company, "PUT", "faults", [fault])
    pupil = _pupils(company)[0]
    writeback = company.write("attendance", {"Marks": [_mark(pupil, Date=COMING)]}, "one")
    company.work()
    found = company.written.get(ESTAB, writeback.id)
    assert found
    assert (found.state, found.parts[0].state, _posts(company)) == ("sent", "sending", 1)
    assert _ends(company, writeback).state == "completed"
    assert set(_mis(company).values()) == {1}
