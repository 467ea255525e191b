"""Each step of a writeback, with everything that it writes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from xporter_bridge.operations.model import expiry, soon
from xporter_bridge.writebacks.model import (
    Part,
    PartState,
    ReadBackResult,
    Writeback,
    WritebackKind,
    WritebackOutcome,
    WritebackState,
)
from xporter_bridge.writebacks.transitions import (
    accepted,
    cancelled,
    claimed,
    is_proof_recent,
    marked_unknown,
    outcome_received,
    pause,
    postponed,
    published,
    queued,
    read_back,
    read_before_sending_again,
    refused,
    released,
)

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
DEADLINE = timedelta(minutes=75)
LATER = NOW + DEADLINE
ABSENT = ReadBackResult(expected=1, found=0, as_of=LATER)
OTHER_MARK = ReadBackResult(1, 0, similar=1, as_of=LATER, seen=(("N", 1),))
RESULTS = (("1", "1811"),)


def made(*parts: Part, **facts: Any) -> Writeback:
    about: dict[str, Any] = {
        "estab": "3281102",
        "id": "writeback-1",
        "created_at": NOW,
        "kind": WritebackKind.ATTENDANCE,
        "mode": "async",
        "payload_digest": "d",
        "content": b"sealed",
    }
    return Writeback(parts=parts or (a_part(),), **{**about, **facts})


def a_part(state: PartState = PartState.QUEUED, **facts: Any) -> Part:
    return Part("2026-11-16", 2, state, **facts)


def sent(**facts: Any) -> Part:
    about = {"attempts": 1, "sent_at": NOW, "look_at": LATER, "deadline_at": LATER}
    return a_part(PartState.SENT, **{**about, **facts})


def sending(**facts: Any) -> Part:
    return replace(sent(**facts), state=PartState.SENDING)


def test_a_queued_part_waits_for_its_message_until_its_deadline() -> None:
    part = queued(a_part(PartState.SENT, attempts=1), DEADLINE, NOW)
    assert part == a_part(attempts=1, look_at=soon(NOW), deadline_at=LATER)
    assert pause(DEADLINE) == timedelta(minutes=1)


def test_a_claimed_part_says_since_when_and_for_how_long_it_is_under_way() -> None:
    after = claimed(made(), 0, DEADLINE, NOW)
    look_at = NOW + timedelta(minutes=70)
    part = a_part(PartState.SENDING, attempts=1, sent_at=NOW, look_at=look_at, deadline_at=LATER)
    assert after == made(part, state=WritebackState.SENT, watch_at=look_at)


def test_only_the_part_that_is_named_changes() -> None:
    three = made(a_part(), a_part(), a_part())
    after = claimed(three, 1, DEADLINE, NOW)
    states = [part.state for part in after.parts]
    assert states == [PartState.QUEUED, PartState.SENDING, PartState.QUEUED]
    again = claimed(after, 2, DEADLINE, NOW)
    assert [part.attempts for part in again.parts] == [0, 1, 1]


def test_a_released_part_is_as_if_it_had_not_been_sent() -> None:
    after = released(made(sending(attempts=2)), 0, 2, NOW)
    part = a_part(attempts=1, look_at=soon(NOW), deadline_at=LATER)
    assert after.parts == (part,)
    assert after.watch_at == soon(NOW)
    first = released(made(sending()), 0, 1, NOW)
    assert (first.parts[0].attempts, first.state) == (0, WritebackState.QUEUED)


def test_an_accepted_part_waits_for_its_outcome() -> None:
    after = accepted(made(sending()), 0, 1, "t1", NOW)
    assert after.parts == (sent(tracking_id="t1"),)
    assert (after.state, after.watch_at) == (WritebackState.SENT, LATER)


def test_the_answer_to_an_earlier_attempt_changes_no_state() -> None:
    for before in (made(sending(attempts=2)), made(sent(attempts=1)), made(a_part(attempts=1))):
        after = accepted(before, 0, 1, "t1", NOW)
        assert after.parts == (replace(before.parts[0], tracking_id="t1"),)
    known = made(sent(tracking_id="t0"))
    assert accepted(known, 0, 1, "t1", NOW) == known


def test_a_synchronous_part_is_read_back_soon_and_no_later_than_its_deadline() -> None:
    after = accepted(made(sending(), mode="sync"), 0, 1, "t1", NOW)
    at = NOW + timedelta(minutes=2)
    expected = sent(tracking_id="t1", is_acknowledged=True, look_at=at, deadline_at=at)
    assert after.parts == (expected,)
    late = LATER - timedelta(minutes=1)
    after = accepted(made(sending(), mode="sync"), 0, 1, "t1", late)
    assert (after.parts[0].look_at, after.parts[0].deadline_at) == (LATER, LATER)


def test_a_refused_part_ends_the_writeback_and_announces_it() -> None:
    after = refused(made(sending()), 0, 1, "mark_invalid", NOW)
    [event] = after.outbox
    assert event.type == "writeback.failed"
    assert event.data == {
        "estab": "3281102",
        "id": "writeback-1",
        "kind": "attendance",
        "parts": 1,
        "rows": 2,
        "rows_written": 0,
        "reason": "mark_invalid",
    }
    assert (after.content, after.expires_at, after.watch_at) == (None, expiry(NOW), NOW)
    assert (after.state, after.reason) == (WritebackState.FAILED, "mark_invalid")
    for before in (made(), made(sent(attempts=2))):
        assert refused(before, 0, 1, "mark_invalid", NOW) == before


def test_the_ids_of_a_conduct_are_kept_and_those_of_marks_are_not() -> None:
    yes = WritebackOutcome(True, "t1", results=RESULTS)
    for kind, kept in ((WritebackKind.CONDUCT, RESULTS), (WritebackKind.ATTENDANCE, ())):
        after = outcome_received(made(sent(tracking_id="t0"), kind=kind), 0, 1, yes, NOW)
        part = after.parts[0]
        assert (part.tracking_id, part.results, part.reason) == ("t1", kept, "")
    bare = outcome_received(
        made(sent(tracking_id="t0", results=RESULTS)), 0, 1, WritebackOutcome(True), NOW
    )
    assert (bare.parts[0].tracking_id, bare.parts[0].results) == ("t0", RESULTS)


def test_a_success_after_all_takes_the_reason_of_the_failure_away() -> None:
    before = made(a_part(PartState.FAILED, reason="school_closed"), reason="school_closed")
    after = outcome_received(before, 0, 1, WritebackOutcome(True), NOW)
    assert (after.parts[0].reason, after.reason) == ("", "")


def test_the_same_end_of_two_writebacks_is_two_events_and_of_one_is_one() -> None:
    def told(id_: str, now: datetime) -> str:
        ended = refused(made(sending(), id=id_), 0, 1, "mark_invalid", now)
        return ended.outbox[0].id

    assert told("writeback-1", NOW) == told("writeback-1", LATER) != told("writeback-2", NOW)


def test_a_failure_says_why_and_counts_where_an_outcome_is_awaited() -> None:
    no = WritebackOutcome(False, "t1", "school_closed", RESULTS)
    after = outcome_received(made(sent(), kind=WritebackKind.CONDUCT), 0, 1, no, NOW)
    part = after.parts[0]
    assert (part.state, part.reason) == (PartState.FAILED, "school_closed")
    assert (part.tracking_id, part.results) == ("t1", RESULTS)
    waiting = made(a_part(attempts=1))
    assert outcome_received(waiting, 0, 1, no, NOW) == waiting


def test_what_is_found_whole_is_completed_also_before_its_deadline() -> None:
    found = ReadBackResult(2, 2, as_of=NOW, results=RESULTS)
    after = read_back(made(sent()), 0, found, DEADLINE, NOW)
    expected = sent(reading=found, results=RESULTS, reason="read_back", look_at=LATER)
    assert after.parts == (replace(expected, state=PartState.COMPLETED),)
    kept = read_back(made(sent(results=RESULTS)), 0, replace(found, results=()), DEADLINE, NOW)
    assert kept.parts[0].results == RESULTS
    over = made(a_part(PartState.UNKNOWN))
    assert read_back(over, 0, found, DEADLINE, NOW) == over


def test_what_is_not_found_before_its_deadline_is_looked_at_then() -> None:
    early = LATER - timedelta(seconds=1)
    after = read_back(made(sent(look_at=NOW)), 0, ABSENT, DEADLINE, early)
    assert after.parts == (sent(look_at=LATER, reading=ABSENT),)


def test_what_is_proved_absent_is_queued_once_more_with_its_proof() -> None:
    after = read_back(made(sent(deadline_at=None)), 0, ABSENT, DEADLINE, LATER)
    part = after.parts[0]
    assert (part.state, part.attempts, part.reading) == (PartState.QUEUED, 1, ABSENT)
    assert (part.look_at, part.deadline_at) == (soon(LATER), LATER + DEADLINE)
    assert (after.state, after.outbox) == (WritebackState.SENT, ())


def test_another_mark_in_the_place_is_named_as_the_reason() -> None:
    after = read_back(made(sent()), 0, OTHER_MARK, DEADLINE, LATER)
    assert (after.state, after.reason) == (WritebackState.UNKNOWN, "another_mark_found")
    assert after.parts[0].reading == OTHER_MARK
    early = read_back(made(sent()), 0, replace(OTHER_MARK, as_of=NOW), DEADLINE, LATER)
    assert early.reason == "read_back_unclear"
    # An earlier reading that showed something forbids a second attempt for good.
    before = made(sent(reading=OTHER_MARK))
    assert read_back(before, 0, ABSENT, DEADLINE, LATER).state is WritebackState.UNKNOWN


@pytest.mark.parametrize(("minutes", "is_absent"), [(59, False), (60, True)])
def test_an_hour_after_it_was_sent_absence_proves_something(minutes: int, is_absent: bool) -> None:
    reading = replace(ABSENT, as_of=NOW + timedelta(minutes=minutes))
    after = read_back(made(sent()), 0, reading, DEADLINE, LATER)
    assert (after.parts[0].state is PartState.QUEUED) is is_absent


def test_a_part_that_says_nothing_of_when_it_was_sent_is_never_absent() -> None:
    after = read_back(made(sent(sent_at=None)), 0, ABSENT, DEADLINE, LATER)
    assert after.state is WritebackState.UNKNOWN


def test_what_xporter_has_acknowledged_is_believed_unless_it_is_proved_absent() -> None:
    known = made(sent(is_acknowledged=True, deadline_at=NOW))
    unclear = ReadBackResult(1, 0, as_of=None)
    after = read_back(known, 0, unclear, DEADLINE, NOW)
    part = after.parts[0]
    assert (part.state, part.reason, part.reading) == (PartState.COMPLETED, "answered", unclear)
    absent = read_back(known, 0, replace(ABSENT, as_of=NOW), DEADLINE, NOW)
    assert (absent.state, absent.reason) == (WritebackState.UNKNOWN, "read_back_unclear")
    believed = marked_unknown(known, 0, "not_readable", NOW).parts[0]
    assert (believed.state, believed.reason) == (PartState.COMPLETED, "answered")


def test_what_is_absent_twice_was_not_written() -> None:
    after = read_back(made(sent(attempts=2)), 0, ABSENT, DEADLINE, LATER)
    part = after.parts[0]
    assert (part.state, part.reason, part.reading) == (PartState.FAILED, "not_written", ABSENT)


@pytest.mark.parametrize(
    ("reading", "state", "reason"),
    [
        (ReadBackResult(1, 1, as_of=NOW, results=RESULTS), "completed", "read_back"),
        (ReadBackResult(1, 0, as_of=NOW), "queued", ""),
        (OTHER_MARK, "unknown", "another_mark_found"),
        (ReadBackResult(2, 1, as_of=NOW), "unknown", "read_back_unclear"),
    ],
)
def test_before_a_part_is_sent_again_it_is_looked_for_once_more(
    reading: ReadBackResult, state: str, reason: str
) -> None:
    after = read_before_sending_again(made(a_part(attempts=1)), 0, reading, NOW)
    part = after.parts[0]
    assert (part.state, part.reason, part.reading) == (state, reason, reading)
    assert part.results == reading.results
    under_way = made(sent())
    assert read_before_sending_again(under_way, 0, reading, NOW) == under_way


@pytest.mark.parametrize(("minutes", "is_recent"), [(30, True), (30.1, False)])
def test_a_proof_is_recent_for_half_an_hour(minutes: float, is_recent: bool) -> None:
    reading = ReadBackResult(1, 0, as_of=NOW - timedelta(minutes=minutes))
    assert is_proof_recent(a_part(reading=reading), DEADLINE, NOW) is is_recent


def test_without_a_time_nothing_is_proved() -> None:
    assert not is_proof_recent(a_part(), DEADLINE, NOW)
    assert not is_proof_recent(a_part(reading=ReadBackResult(1, 0)), DEADLINE, NOW)


def test_only_a_part_that_is_open_is_postponed() -> None:
    after = postponed(made(sent(look_at=NOW)), 0, LATER, NOW)
    assert (after.parts, after.watch_at) == ((sent(look_at=LATER),), LATER)
    over = made(a_part(PartState.COMPLETED))
    assert postponed(over, 0, LATER, NOW) == over


def test_what_is_unknown_says_why_and_keeps_what_was_read() -> None:
    after = marked_unknown(made(sent(reading=ABSENT)), 0, "not_readable", NOW)
    part = after.parts[0]
    assert (part.state, part.reason, part.reading) == (PartState.UNKNOWN, "not_readable", ABSENT)
    newer = marked_unknown(made(sent(reading=ABSENT)), 0, "x", NOW, reading=OTHER_MARK)
    assert newer.parts[0].reading == OTHER_MARK
    for before in (made(), made(a_part(PartState.FAILED, reason="x"))):
        assert marked_unknown(before, 0, "not_readable", NOW) == before


def test_every_part_that_waits_is_cancelled_with_the_reason() -> None:
    before = made(a_part(), sent(), a_part())
    after = cancelled(before, "school_paused", NOW)
    assert [part.reason for part in after.parts] == ["school_paused", "", "school_paused"]
    assert (after.state, after.outbox, after.content) == (WritebackState.SENT, (), b"sealed")
    whole = cancelled(made(a_part(), a_part()), "school_paused", NOW)
    assert (whole.state, whole.reason, len(whole.outbox)) == ("failed", "school_paused", 1)


def test_a_whole_says_the_worst_of_its_parts_and_the_first_reason() -> None:
    done = a_part(PartState.COMPLETED, reason="read_back")
    failed, lost = (
        a_part(state, reason=str(state)) for state in (PartState.FAILED, PartState.UNKNOWN)
    )
    for parts, state, reason in (
        ((done, sent()), "completed", ""),
        ((done, failed, sent()), "failed", "failed"),
        ((failed, lost, sent()), "unknown", "failed"),
        ((lost, failed, sent()), "unknown", "unknown"),
    ):
        last = len(parts) - 1
        after = outcome_received(made(*parts), last, 1, WritebackOutcome(True), NOW)
        assert (after.state, after.reason) == (state, reason)
    assert after.outbox[0].data["rows_written"] == 2


def test_published_events_leave_and_the_next_look_follows_from_what_is_left() -> None:
    ended = refused(made(sending()), 0, 1, "mark_invalid", NOW)
    late = outcome_received(ended, 0, 1, WritebackOutcome(True), LATER)
    assert late.watch_at == NOW
    first, second = late.outbox
    left = published(late, (first,))
    assert (left.outbox, left.watch_at) == ((second,), LATER)
    assert published(left, (second,)).watch_at is None
    open_ = made(sent(look_at=LATER), sent(look_at=NOW), outbox=(first,))
    assert published(open_, (first,)).watch_at == NOW
