"""The steps of a pull on request."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.records import record
from xporter_bridge.availability.model import (
    AvailabilityRequest,
    PullState,
    WaitOutcome,
    callback_received,
    ended,
    failed,
    is_open,
    pull_started,
    result_of,
    retried,
    state_of,
    timed_out,
    waiting,
)
from xporter_bridge.operations.model import expiry, soon
from xporter_bridge.pulls.attempt import AttemptOutcome
from xporter_bridge.pulls.history import with_attempt
from xporter_bridge.pulls.record import DatasetState

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
TTL = timedelta(minutes=30)
WAIT = timedelta(minutes=12)
QUEUED = AvailabilityRequest(estab="3281102", id="pull-1", created_at=NOW, dataset="attendance-x")
WAITING = waiting(QUEUED, WAIT, NOW)
OK = (("XodAttendanceForDate", "OK"),)
PENDING = (("XodAttendanceForDate", "Pending"),)


def test_a_wait_has_a_deadline_at_which_it_is_looked_at() -> None:
    waits = waiting(QUEUED, WAIT, NOW)
    assert replace(waits, state=PullState.QUEUED, deadline_at=None, watch_at=None) == QUEUED
    assert (waits.state, waits.deadline_at, waits.watch_at) == (
        "waiting",
        NOW + WAIT,
        NOW + WAIT,
    )


def test_ok_ends_the_wait_fresh_and_anything_else_stale_with_one_retry() -> None:
    fresh, stale = (
        callback_received(WAITING, OK, TTL, NOW),
        callback_received(WAITING, PENDING, TTL, NOW),
    )
    assert (fresh.outcome, fresh.staleness, fresh.retry_at) == (WaitOutcome.READY, None, None)
    assert (stale.outcome, stale.retry_at) == (WaitOutcome.NOT_OK, NOW + TTL)
    assert stale.staleness == {
        "reason": "not_ok",
        "statuses": [{"database": "XodAttendanceForDate", "status": "Pending"}],
    }
    assert callback_received(replace(WAITING, is_retry=True), PENDING, TTL, NOW).retry_at is None


def test_a_callback_may_come_before_the_request_is_known_to_be_asked() -> None:
    early = callback_received(QUEUED, OK, TTL, NOW)
    assert early.state is PullState.PULLING
    assert waiting(early, WAIT, NOW) == early


def test_nothing_is_overdue_before_its_deadline_or_after_its_end() -> None:
    assert timed_out(WAITING, TTL, NOW + WAIT - timedelta(seconds=1)) == WAITING
    silent = timed_out(WAITING, TTL, NOW + WAIT)
    assert silent.outcome is WaitOutcome.SILENCE
    assert timed_out(silent, TTL, NOW + 2 * WAIT) == silent
    assert timed_out(QUEUED, TTL, NOW + 2 * WAIT) == QUEUED


@pytest.mark.parametrize(
    "end", [callback_received(WAITING, OK, TTL, NOW), failed(WAITING, "x", NOW)]
)
def test_after_the_end_nothing_changes_it(end: AvailabilityRequest) -> None:
    assert callback_received(end, PENDING, TTL, NOW) == end
    assert failed(end, "other", NOW) == end
    assert ended(end, WaitOutcome.NOT_ASKED, TTL, NOW) == end


def test_a_request_is_handed_over_once() -> None:
    once = pull_started(callback_received(WAITING, PENDING, TTL, NOW), 4, NOW)
    assert (once.generation, once.watch_at) == (4, NOW + TTL)
    assert pull_started(once, 5, NOW) == once


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({"served": 3}, PullState.PULLING),
        ({"served": 4, "state": DatasetState.CURRENT}, PullState.COMPLETED),
        ({"served": 9, "state": DatasetState.CURRENT}, PullState.COMPLETED),
        ({"served": 4, "state": DatasetState.HELD, "reason": "too much"}, PullState.HELD),
        ({"served": 4, "state": DatasetState.FAILED}, PullState.FAILED),
        ({"served": 4, "state": DatasetState.NOT_COVERED}, PullState.FAILED),
        ({"served": 4, "state": DatasetState.CURRENT, "reason": "paused"}, PullState.FAILED),
    ],
)
def test_how_it_ended_is_read_off_the_dataset(facts: dict[str, object], state: PullState) -> None:
    pull = pull_started(callback_received(WAITING, OK, TTL, NOW), 4, NOW)
    item = record("3281102", "attendance-x", **facts)
    assert state_of(pull, item) is state
    assert is_open(pull, item) is (state is PullState.PULLING)


def test_a_dataset_that_is_gone_was_erased() -> None:
    pull = pull_started(callback_received(WAITING, OK, TTL, NOW), 4, NOW)
    assert state_of(pull, None) is PullState.FAILED


@pytest.mark.parametrize(
    ("state", "ended_as", "result"),
    [
        ("completed", ["failed", "committed", "unchanged"], "committed"),
        ("completed", ["failed", "unchanged", "committed"], "unchanged"),
        ("completed", ["held", "rejected"], "rejected"),
        ("held", ["held"], "held"),
        ("failed", ["stopped"], "stopped"),
        ("pulling", ["failed", "failed"], None),
        ("completed", [], None),
    ],
)
def test_the_result_is_how_the_first_pull_after_the_request_ended(
    state: PullState, ended_as: list[str], result: str | None
) -> None:
    item = record(QUEUED.estab, QUEUED.dataset, state="current")
    item = with_attempt(item, AttemptOutcome.APPROVED, NOW - TTL)
    for number, outcome in enumerate(ended_as, start=1):
        item = with_attempt(item, AttemptOutcome(outcome), NOW + number * TTL)
    assert result_of(QUEUED, item, PullState(state)) == result
    assert result_of(QUEUED, None, PullState(state)) is None


def test_a_request_that_failed_says_why_and_is_looked_at_no_more() -> None:
    end = failed(WAITING, "school_revoked", NOW)
    assert end == replace(
        WAITING,
        state=PullState.FAILED,
        reason="school_revoked",
        watch_at=None,
        expires_at=expiry(NOW),
    )


def test_the_end_of_a_wait_is_written_with_what_was_said_and_looked_at_soon() -> None:
    end = ended(WAITING, WaitOutcome.NOT_ASKED, TTL, NOW, statuses=PENDING, reason="paused")
    assert (end.state, end.outcome, end.statuses) == ("pulling", WaitOutcome.NOT_ASKED, PENDING)
    assert (end.reason, end.watch_at, end.retry_at) == ("paused", soon(NOW), NOW + TTL)
    plain = ended(WAITING, WaitOutcome.NOT_NEEDED, TTL, NOW)
    assert (plain.reason, plain.statuses, plain.retry_at, plain.staleness) == ("", (), None, None)


def test_a_request_whose_pull_started_expires_and_is_looked_at_for_its_retry_alone() -> None:
    fresh = pull_started(callback_received(WAITING, OK, TTL, NOW), 4, NOW)
    assert (fresh.generation, fresh.watch_at, fresh.expires_at) == (4, None, expiry(NOW))
    stale = pull_started(callback_received(WAITING, PENDING, TTL, NOW), 4, NOW)
    over = retried(stale)
    assert (over.retry_at, over.watch_at) == (None, None)
    assert replace(over, retry_at=stale.retry_at, watch_at=stale.watch_at) == stale


def test_what_a_request_waits_for_is_told_by_its_state() -> None:
    pulling = callback_received(WAITING, OK, TTL, NOW)
    for pull, waits, starts in (
        (QUEUED, True, False),
        (WAITING, True, False),
        (pulling, False, True),
        (pull_started(pulling, 4, NOW), False, False),
        (failed(WAITING, "x", NOW), False, False),
    ):
        assert (pull.awaits_availability, pull.awaits_pull_start) == (waits, starts)
    assert QUEUED.staleness is None
    assert [is_open(each, None) for each in (QUEUED, WAITING, pulling)] == [True] * 3
    assert not is_open(failed(WAITING, "x", NOW), None)


def test_an_attempt_that_ended_in_the_second_of_the_request_is_the_requests() -> None:
    pull = replace(QUEUED, created_at=NOW + timedelta(milliseconds=700))
    item = record(QUEUED.estab, QUEUED.dataset, state="current")
    early = with_attempt(item, AttemptOutcome.COMMITTED, NOW - timedelta(seconds=1))
    assert result_of(pull, early, PullState.COMPLETED) is None
    same = with_attempt(early, AttemptOutcome.UNCHANGED, NOW)
    assert result_of(pull, same, PullState.COMPLETED) is AttemptOutcome.UNCHANGED


def test_a_deadline_is_over_when_it_has_come() -> None:
    without = replace(WAITING, deadline_at=None)
    assert timed_out(without, TTL, NOW + 9 * WAIT) == without
    silent = timed_out(WAITING, TTL, NOW + WAIT)
    assert (silent.state, silent.retry_at) == (PullState.PULLING, NOW + WAIT + TTL)
    assert silent.staleness == {"reason": "silence", "statuses": []}


def test_a_dataset_that_was_erased_meanwhile_ends_the_request() -> None:
    pull = pull_started(callback_received(WAITING, OK, TTL, NOW), 4, NOW)
    item = record("3281102", "attendance-x", served=4, state=DatasetState.ERASED)
    assert state_of(pull, item) is PullState.FAILED
    assert state_of(replace(pull, generation=0), item) is PullState.PULLING
