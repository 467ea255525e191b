"""What an outcome callback tells."""

import pytest

from xporter_bridge.errors import CallbackRejectedError
from xporter_bridge.writebacks.model import WritebackOutcome
from xporter_bridge.writebacks.read_callback import (
    category,
    message_of,
    outcome_of,
    parse_subject,
    read_outcome,
    subject_of,
)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("The school is closed on 2026-11-21", "school_closed"),
        ("The school's agent could not be reached", "agent_unreachable"),
        ("StudentId '9919' not found", "student_unknown"),
        ("Session must be AM or PM", "session_invalid"),
        ("InstanceId 12 is not a lesson of that day", "lesson_invalid"),
        ("Mark 'Q' is not a valid attendance code", "mark_invalid"),
        ("Notes must not be longer than 500 characters", "note_too_long"),
        ("RecordedById 'x' not found", "staff_unknown"),
        ("This needs the scope WritebackConduct", "scope_missing"),
        ("This MIS does not support it", "not_supported"),
        ("", "refused"),
        ("Graham Abbess", "refused"),
    ],
)
def test_a_message_becomes_one_of_our_words(message: str, reason: str) -> None:
    assert category(message) == reason


def test_the_url_outweighs_the_body() -> None:
    outcome = read_outcome(
        {"XodCompleted": "False"}, b'{"xodcompleted": true, "Message": "closed"}'
    )
    assert outcome == WritebackOutcome(is_completed=False, reason="school_closed")


def test_results_that_are_none_are_left_out() -> None:
    body = (
        b'{"Result": [{"incidentid": 1, "ACTUALID": "1811"}, {"IncidentId": 2}, 3,'
        b' {"IncidentId": 4, "ActualId": "a name with spaces"}]}'
    )
    outcome = read_outcome({"xodcompleted": "1"}, body)
    assert outcome.results == (("1", "1811"),)


def test_a_list_for_a_body_is_the_results() -> None:
    body = b'[{"IncidentId": 1, "ActualId": 1811}]'
    assert read_outcome({"XodCompleted": "True"}, body).results == (("1", "1811"),)


def test_a_tracking_id_that_is_none_is_left_out() -> None:
    outcome = read_outcome({"XodCompleted": "True", "trackingid": "Graham Abbess"}, b"")
    assert outcome.tracking_id == ""


@pytest.mark.parametrize("body", [b"", b"{}", b"XodCompleted=", b"[]", b"plain words"])
def test_without_a_word_on_completion_it_is_refused(body: bytes) -> None:
    with pytest.raises(CallbackRejectedError, match="xodcompleted_missing"):
        read_outcome({}, body)


def test_a_queue_gives_back_what_it_was_given() -> None:
    outcome = WritebackOutcome(True, "t1", "", (("1", "1811"),))
    assert outcome_of(message_of("3281102", "it", outcome)) == outcome


def test_a_subject_is_read_as_it_was_written() -> None:
    assert parse_subject(subject_of("writeback-0f", 3, 2)) == ("writeback-0f", 3, 2)
    for other in ("", "writeback-0f", "writeback-0f.1", "writeback-0f.1.x", "a.1.2.3", "A b.1.1"):
        assert parse_subject(other) is None


@pytest.mark.parametrize(
    ("query", "body", "outcome"),
    [
        ({}, b'{"XodCompleted": true, "TrackingId": "t1"}', WritebackOutcome(True, "t1")),
        ({}, b"XODCOMPLETED=1&trackingid=t1", WritebackOutcome(True, "t1")),
        ({"xodcompleted": "true"}, b"", WritebackOutcome(True)),
        ({"xodcompleted": "maybe"}, b"xodcompleted=0", WritebackOutcome(False, "", "refused")),
        (
            {"xodcompleted": "0", "trackingid": "t2"},
            b"trackingid=t1&message=The+school+is+closed",
            WritebackOutcome(False, "t2", "school_closed"),
        ),
        (
            {"xodcompleted": "0"},
            b'{"ExceptionMessage": "The scope is missing", "Message": "closed"}',
            WritebackOutcome(False, "", "scope_missing"),
        ),
        (
            {"xodcompleted": "0"},
            b"the school is closed",
            WritebackOutcome(False, "", "school_closed"),
        ),
        ({"xodcompleted": "0"}, b"a=closed&b=1", WritebackOutcome(False, "", "school_closed")),
        (
            {"xodcompleted": "0"},
            b"message=pupil&a=closed",
            WritebackOutcome(False, "", "student_unknown"),
        ),
        ({"xodcompleted": "0"}, b"message&closed", WritebackOutcome(False, "", "school_closed")),
        ({"xodcompleted": "1"}, b"the school is closed", WritebackOutcome(True)),
    ],
)
def test_what_is_told_in_the_url_or_in_any_body_is_read(
    query: dict[str, str], body: bytes, outcome: WritebackOutcome
) -> None:
    assert read_outcome(query, body) == outcome


def test_a_refusal_says_what_is_missing() -> None:
    with pytest.raises(CallbackRejectedError) as rejected:
        read_outcome({"trackingid": "t1"}, b"")
    assert (rejected.value.status, rejected.value.reason) == (400, "xodcompleted_missing")


def test_a_message_carries_whose_the_outcome_is_and_why() -> None:
    outcome = WritebackOutcome(False, "t1", "school_closed")
    message = message_of("3281102", "writeback-1.0.1", outcome)
    assert (message.estab, message.subject) == ("3281102", "writeback-1.0.1")
    assert outcome_of(message) == outcome
