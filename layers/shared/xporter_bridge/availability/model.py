"""Pulls on request of data that Xporter must fetch from the school first.

queued ─ waiting ─ pulling ─ completed, held or failed

The wait ends with Xporter's callback or at a deadline. Then the data is pulled in any case, because
Xporter serves its cached data (xporter-api.md 6, 13.7 and 13.8). The outcome of the wait decides
only whether the result counts as fresh.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from xporter_bridge.availability.db_status import Statuses, is_ready
from xporter_bridge.operations.model import Operation, expiry, soon
from xporter_bridge.pulls.attempt import AttemptOutcome
from xporter_bridge.pulls.record import DatasetRecord, DatasetState
from xporter_bridge.timestamps import has_come


class PullState(StrEnum):
    """The state of a pull on request; the last three follow from the dataset."""

    QUEUED = "queued"
    WAITING = "waiting"
    PULLING = "pulling"
    COMPLETED = "completed"
    HELD = "held"
    FAILED = "failed"


class WaitOutcome(StrEnum):
    """The outcome of the wait; the result is fresh only after the first two."""

    READY = "ready"
    NOT_NEEDED = "not_needed"
    NOT_OK = "not_ok"
    NOT_ASKED = "not_asked"
    SILENCE = "silence"


_FRESH = {WaitOutcome.READY, WaitOutcome.NOT_NEEDED}
# How an attempt ends after which the same pull is not tried again by itself, by the state it is in.
_RESULTS = {
    PullState.COMPLETED: {
        AttemptOutcome.COMMITTED,
        AttemptOutcome.UNCHANGED,
        AttemptOutcome.APPROVED,
        AttemptOutcome.REJECTED,
    },
    PullState.HELD: {AttemptOutcome.HELD},
    PullState.FAILED: {
        AttemptOutcome.FAILED,
        AttemptOutcome.STOPPED,
        AttemptOutcome.NOT_COVERED,
    },
}
_ENDS = {
    DatasetState.FAILED: PullState.FAILED,
    DatasetState.NOT_COVERED: PullState.FAILED,
    DatasetState.ERASED: PullState.FAILED,
    DatasetState.HELD: PullState.HELD,
}


@dataclass(frozen=True, kw_only=True)
class AvailabilityRequest(Operation):
    """A request for one dataset, made by the company's software or by a timetable.

    ``definition`` recreates an on-request dataset and is None for a configured one. The pull is
    done when the dataset has served ``generation``, which is 0 before the pull is requested.
    """

    dataset: str
    definition: Mapping[str, Any] | None = None
    state: PullState = PullState.QUEUED
    deadline_at: datetime | None = None
    outcome: WaitOutcome | None = None
    statuses: Statuses = ()
    reason: str = ""
    generation: int = 0
    is_retry: bool = False
    retry_at: datetime | None = None

    @property
    def awaits_availability(self) -> bool:
        """Tell whether the wait for the callback has not ended."""
        return self.state in {PullState.QUEUED, PullState.WAITING}

    @property
    def awaits_pull_start(self) -> bool:
        """Tell whether the wait has ended but the pull may not have been requested yet."""
        return self.state is PullState.PULLING and not self.generation

    @property
    def staleness(self) -> dict[str, Any] | None:
        """The field ``staleness`` of the manifest; None for a fresh result."""
        if self.outcome is None or self.outcome in _FRESH:
            return None
        return {
            "reason": str(self.outcome),
            "statuses": [{"database": name, "status": status} for name, status in self.statuses],
        }


def state_of(pull: AvailabilityRequest, item: DatasetRecord | None) -> PullState:
    """Return the state of the request; of its dataset, once the pull is requested."""
    if pull.state is not PullState.PULLING or not pull.generation:
        return pull.state
    if item is None:
        return PullState.FAILED
    if item.progress.served < pull.generation:
        return PullState.PULLING
    # If the dataset has a reason, the request got no data.
    return _ENDS.get(item.state, PullState.FAILED if item.reason else PullState.COMPLETED)


def result_of(
    pull: AvailabilityRequest, item: DatasetRecord | None, state: PullState
) -> AttemptOutcome | None:
    """Return how the dataset's pull ended; None before its end, and once that is forgotten.

    That is the first attempt that ended after the request in a way that fits its state: later
    pulls of the dataset are not about this request.
    """
    fitting = _RESULTS.get(state, set())
    since = pull.created_at.replace(microsecond=0)  # the ends of attempts are stored in seconds
    ended_after = (each for each in (item.attempts if item else ()) if each.ended_at >= since)
    return next((each.outcome for each in ended_after if each.outcome in fitting), None)


def is_open(pull: AvailabilityRequest, item: DatasetRecord | None) -> bool:
    """Tell whether this request also serves a repetition of the same request."""
    return state_of(pull, item) in {PullState.QUEUED, PullState.WAITING, PullState.PULLING}


def waiting(pull: AvailabilityRequest, deadline: timedelta, now: datetime) -> AvailabilityRequest:
    """Return the request after it was sent to Xporter; unchanged if the wait has ended."""
    if pull.state is not PullState.QUEUED:
        return pull
    until = now + deadline
    return replace(pull, state=PullState.WAITING, deadline_at=until, watch_at=until)


def callback_received(
    pull: AvailabilityRequest, statuses: Statuses, ttl: timedelta, now: datetime
) -> AvailabilityRequest:
    """Return the request after Xporter sent the statuses; unchanged if the wait has ended."""
    outcome = WaitOutcome.READY if is_ready(statuses) else WaitOutcome.NOT_OK
    return ended(pull, outcome, ttl, now, statuses=statuses)


def timed_out(pull: AvailabilityRequest, ttl: timedelta, now: datetime) -> AvailabilityRequest:
    """Return the request after its deadline; unchanged before the deadline."""
    if pull.state is not PullState.WAITING or not has_come(pull.deadline_at, now):
        return pull
    return ended(pull, WaitOutcome.SILENCE, ttl, now)


def ended(
    pull: AvailabilityRequest,
    outcome: WaitOutcome,
    ttl: timedelta,
    now: datetime,
    *,
    statuses: Statuses = (),
    reason: str = "",
) -> AvailabilityRequest:
    """Return the request after the wait; the data is pulled now, and once more if stale.

    The retry is due when the database's time to live is over, so that Xporter fetches it anew.
    """
    if not pull.awaits_availability:
        return pull
    wants_retry = outcome not in _FRESH and not pull.is_retry
    return replace(
        pull,
        state=PullState.PULLING,
        outcome=outcome,
        statuses=statuses,
        reason=reason,
        retry_at=now + ttl if wants_retry else None,
        watch_at=soon(now),
    )


def failed(pull: AvailabilityRequest, reason: str, now: datetime) -> AvailabilityRequest:
    """Return the request as failed, for example after the school revoked the authorisation."""
    if not pull.awaits_availability:
        return pull
    return replace(
        pull, state=PullState.FAILED, reason=reason, watch_at=None, expires_at=expiry(now)
    )


def pull_started(pull: AvailabilityRequest, generation: int, now: datetime) -> AvailabilityRequest:
    """Return the request after its pull was requested; the dataset has its own deadlines."""
    if pull.generation:
        return pull
    return replace(pull, generation=generation, watch_at=pull.retry_at, expires_at=expiry(now))


def retried(pull: AvailabilityRequest) -> AvailabilityRequest:
    """Return the request after its only retry was requested or became unnecessary."""
    return replace(pull, retry_at=None, watch_at=None)
