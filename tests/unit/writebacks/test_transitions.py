"""The steps of a writeback, whatever comes in whatever order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    marked_unknown,
    outcome_received,
    postponed,
    published,
    queued,
    read_back,
    refused,
    released,
)

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
DEADLINE = timedelta(minutes=75)
LATER = NOW + DEADLINE
YES, NO = WritebackOutcome(True, "t1"), WritebackOutcome(False, "t1", "school_closed")
ABSENT = ReadBackResult(expected=1, found=0, as_of=LATER)
PRESENT = ReadBackResult(expected=1, found=1, as_of=LATER)


def _writeback(parts: int = 1, mode: str = "async") -> Writeback:
    return Writeback(
        estab="3281102",
        id="writeback-1",
        created_at=NOW,
        watch_at=NOW,
        kind=WritebackKind.ATTENDANCE,
        mode=mode,
        payload_digest="d",
        parts=tuple(
            queued(Part(date=f"2026-11-{16 + n}", rows=1), DEADLINE, NOW) for n in range(parts)
        ),
        content=b"sealed",
    )


SENDING = claimed(_writeback(), 0, DEADLINE, NOW)
SENT = accepted(SENDING, 0, 1, "t1", NOW)


def test_a_part_is_looked_at_before_its_deadline_and_at_it() -> None:
    part = SENDING.parts[0]
    assert (part.state, part.attempts) == (PartState.SENDING, 1)
    assert part.look_at == NOW + timedelta(minutes=70)
    assert SENDING.watch_at == part.look_at
    early = read_back(SENT, 0, ABSENT, DEADLINE, NOW + timedelta(minutes=70))
    assert (early.parts[0].state, early.watch_at) == (PartState.SENT, LATER)
    assert postponed(SENT, 0, LATER, NOW).watch_at == LATER


def test_a_success_ends_it_and_takes_its_content_away() -> None:
    ended = outcome_received(SENT, 0, 1, YES, NOW)
    assert (ended.state, ended.content) == (WritebackState.COMPLETED, None)
    assert [event.type for event in ended.outbox] == ["writeback.completed"]
    assert ended.watch_at == NOW
    done = published(ended, ended.outbox)
    assert (done.outbox, done.watch_at) == ((), None)


def test_an_outcome_may_come_before_the_answer() -> None:
    ended = outcome_received(SENDING, 0, 1, WritebackOutcome(True), NOW)
    answered = accepted(ended, 0, 1, "t9", NOW)
    assert (answered.state, answered.parts[0].tracking_id) == (WritebackState.COMPLETED, "t9")
    assert len(answered.outbox) == 1


@pytest.mark.parametrize("second", [YES, NO])
def test_a_second_outcome_changes_nothing_of_a_success(second: WritebackOutcome) -> None:
    ended = outcome_received(SENT, 0, 1, YES, NOW)
    assert outcome_received(ended, 0, 1, second, LATER) == ended


def test_a_failure_of_an_earlier_attempt_does_not_undo_a_later_one() -> None:
    again = read_back(SENT, 0, ABSENT, DEADLINE, LATER)
    second = claimed(again, 0, DEADLINE, LATER)
    assert outcome_received(second, 0, 1, NO, LATER) == second
    assert outcome_received(second, 0, 1, YES, LATER).state is WritebackState.COMPLETED
    assert outcome_received(second, 0, 2, NO, LATER).state is WritebackState.FAILED


def test_what_is_not_there_is_sent_once_more_and_then_given_up() -> None:
    again = read_back(SENT, 0, ABSENT, DEADLINE, LATER)
    assert (again.parts[0].state, again.state) == (PartState.QUEUED, WritebackState.SENT)
    second = accepted(claimed(again, 0, DEADLINE, LATER), 0, 2, "t2", LATER)
    late = replace(ABSENT, as_of=LATER + DEADLINE)
    ended = read_back(second, 0, late, DEADLINE, LATER + DEADLINE)
    assert (ended.state, ended.reason) == (WritebackState.FAILED, "not_written")


@pytest.mark.parametrize(
    "reading",
    [
        ReadBackResult(1, 0, as_of=None),
        ReadBackResult(1, 0, as_of=NOW),
        ReadBackResult(1, 0, as_of=NOW + timedelta(minutes=59)),
        ReadBackResult(2, 1, as_of=LATER),
        ReadBackResult(1, 0, similar=1, as_of=LATER),
        ReadBackResult(1, 2, as_of=LATER),
    ],
)
def test_what_proves_nothing_is_unknown_with_what_was_read(reading: ReadBackResult) -> None:
    ended = read_back(SENT, 0, reading, DEADLINE, LATER)
    assert (ended.state, ended.reason) == (WritebackState.UNKNOWN, "read_back_unclear")
    assert ended.parts[0].reading == reading
    assert ended.content is None


@pytest.mark.parametrize("outcome", [YES, NO])
def test_what_was_unknown_is_resolved_by_an_outcome_after_all(outcome: WritebackOutcome) -> None:
    lost = marked_unknown(SENT, 0, "not_readable", LATER)
    after = outcome_received(lost, 0, 1, outcome, LATER)
    assert after.state == ("completed" if outcome.is_completed else "failed")
    assert [event.type for event in after.outbox] == [
        "writeback.unknown",
        f"writeback.{after.state}",
    ]
    assert len({event.id for event in after.outbox}) == 2


def test_a_synchronous_success_is_read_back_soon_and_believed_if_that_is_not_possible() -> None:
    sent = accepted(claimed(_writeback(mode="sync"), 0, DEADLINE, NOW), 0, 1, "", NOW)
    soon = NOW + timedelta(minutes=2)
    assert sent.watch_at == soon
    assert (
        read_back(sent, 0, ReadBackResult(1, 0), DEADLINE, soon).state is WritebackState.COMPLETED
    )
    assert marked_unknown(sent, 0, "not_readable", soon).state is WritebackState.COMPLETED
    contradicted = replace(ABSENT, as_of=NOW + timedelta(minutes=1))
    assert read_back(sent, 0, contradicted, DEADLINE, soon).state is WritebackState.UNKNOWN
    assert outcome_received(sent, 0, 1, NO, soon).state is WritebackState.FAILED


def test_what_was_certainly_not_taken_is_sent_again_as_the_same_attempt() -> None:
    again = released(SENDING, 0, 1, NOW)
    assert (again.parts[0].state, again.parts[0].attempts) == (PartState.QUEUED, 0)
    assert again.state is WritebackState.QUEUED
    assert released(SENT, 0, 1, NOW) == SENT
    assert released(SENDING, 0, 2, NOW) == SENDING


def test_a_refusal_counts_for_its_own_attempt() -> None:
    assert refused(SENDING, 0, 1, "mark_invalid", NOW).reason == "mark_invalid"
    assert refused(SENDING, 0, 2, "mark_invalid", NOW) == SENDING
    ended = outcome_received(SENDING, 0, 1, YES, NOW)
    assert refused(ended, 0, 1, "mark_invalid", NOW) == ended


def test_a_whole_is_as_good_as_its_worst_part() -> None:
    both = _writeback(parts=2)
    for number in (0, 1):
        both = accepted(claimed(both, number, DEADLINE, NOW), number, 1, "", NOW)
    half = outcome_received(both, 0, 1, YES, NOW)
    assert (half.state, half.outbox) == (WritebackState.SENT, ())
    assert outcome_received(half, 1, 1, YES, NOW).state is WritebackState.COMPLETED
    failed = outcome_received(half, 1, 1, NO, NOW)
    assert (failed.state, failed.reason) == (WritebackState.FAILED, "school_closed")
    assert (failed.outbox[0].data["rows"], failed.outbox[0].data["rows_written"]) == (2, 1)
    unknown = marked_unknown(failed, 0, "x", NOW)
    assert unknown == failed


def test_what_cannot_be_sent_fails_only_what_was_not() -> None:
    both = accepted(claimed(_writeback(parts=2), 0, DEADLINE, NOW), 0, 1, "", NOW)
    after = cancelled(both, "school_paused", NOW)
    assert [part.state for part in after.parts] == ["sent", "failed"]


_STEPS = {
    "claim": lambda it, now: (
        claimed(it, 0, DEADLINE, now) if it.parts[0].state is PartState.QUEUED else it
    ),
    "accept": lambda it, now: accepted(it, 0, it.parts[0].attempts, "t", now),
    "refuse": lambda it, now: refused(it, 0, it.parts[0].attempts, "refused", now),
    "release": lambda it, now: released(it, 0, it.parts[0].attempts, now),
    "yes": lambda it, now: outcome_received(it, 0, 1, YES, now),
    "no": lambda it, now: outcome_received(it, 0, 1, NO, now),
    "yes_2": lambda it, now: outcome_received(it, 0, 2, YES, now),
    "no_2": lambda it, now: outcome_received(it, 0, 2, NO, now),
    "absent": lambda it, now: read_back(it, 0, replace(ABSENT, as_of=now), DEADLINE, now),
    "present": lambda it, now: read_back(it, 0, PRESENT, DEADLINE, now),
    "unclear": lambda it, now: read_back(it, 0, ReadBackResult(1, 0), DEADLINE, now),
    "unresolved": lambda it, now: marked_unknown(it, 0, "x", now),
    "unsent": lambda it, now: cancelled(it, "x", now),
    "publish": lambda it, now: published(it, it.outbox),
}


@given(st.lists(st.tuples(st.sampled_from(sorted(_STEPS)), st.integers(0, 80)), max_size=15))
def test_in_any_order_a_success_stays_and_an_end_leaves_nothing_behind(
    steps: list[tuple[str, int]],
) -> None:
    writeback, now = _writeback(), NOW
    for name, minutes in steps:
        now += timedelta(minutes=minutes)
        before, writeback = writeback, _STEPS[name](writeback, now)
        assert writeback.parts[0].attempts <= 2
        if before.state is WritebackState.COMPLETED:
            assert writeback.state is WritebackState.COMPLETED
        if writeback.is_ended:
            assert writeback.content is None
            assert writeback.expires_at
            assert bool(writeback.watch_at) is bool(writeback.outbox)
        else:
            assert writeback.watch_at
            assert writeback.content
