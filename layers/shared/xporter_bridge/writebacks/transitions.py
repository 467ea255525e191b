"""The steps of a writeback: pure functions of the stored writeback, in any order of events.

Each takes the writeback as stored and gives what to store instead, or the same object when the
event comes too late, twice, or about an attempt that no longer counts.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from xporter_bridge.events.model import Event, new_event
from xporter_bridge.operations.model import expiry, soon
from xporter_bridge.timestamps import earliest, parse
from xporter_bridge.writebacks.model import (
    AWAITED,
    ENDS,
    OPEN,
    Part,
    PartState,
    ReadBackResult,
    Writeback,
    WritebackKind,
    WritebackOutcome,
    WritebackState,
)

# A minute of the 75 that the deadline is by default: a shorter one shortens the wait with it.
_PAUSES_IN_DEADLINE = 75
_ATTEMPTS = 2
# A synchronous success need not wait an hour: what it says is read back soon after.
_CONFIRM = timedelta(minutes=2)
# A read shortly before the deadline makes Xporter refresh its cache for the one at the deadline.
_EARLY = 14 / 15
# Half an hour of the default deadline: for so long Xporter gives the register that it has.
_RECENT = 2 / 5


def pause(deadline: timedelta) -> timedelta:
    """Return the wait before Xporter is asked again for a part that it did not accept or show."""
    return deadline / _PAUSES_IN_DEADLINE


def queued(part: Part, deadline: timedelta, now: datetime) -> Part:
    """Return a part to be sent, until a deadline after which it is not sent any more."""
    return replace(part, state=PartState.QUEUED, look_at=soon(now), deadline_at=now + deadline)


def claimed(writeback: Writeback, number: int, deadline: timedelta, now: datetime) -> Writeback:
    """Return the writeback with a part about to be sent; stored before the part is sent."""
    part = writeback.parts[number]
    return _with(
        writeback,
        number,
        now,
        state=PartState.SENDING,
        attempts=part.attempts + 1,
        sent_at=now,
        look_at=now + deadline * _EARLY,
        deadline_at=now + deadline,
    )


def released(writeback: Writeback, number: int, attempt: int, now: datetime) -> Writeback:
    """Return the writeback whose part was certainly not taken, to be sent again."""
    part = writeback.parts[number]
    if part.state is not PartState.SENDING or part.attempts != attempt:
        return writeback
    return _with(
        writeback,
        number,
        now,
        state=PartState.QUEUED,
        attempts=attempt - 1,
        sent_at=None,
        look_at=soon(now),
    )


def accepted(
    writeback: Writeback, number: int, attempt: int, tracking_id: str, now: datetime
) -> Writeback:
    """Return the writeback after Xporter took a part; it may have been settled before that."""
    part = writeback.parts[number]
    if part.attempts != attempt or part.state is not PartState.SENDING:
        return _with(writeback, number, now, tracking_id=part.tracking_id or tracking_id)
    changes: dict[str, Any] = {"state": PartState.SENT, "tracking_id": tracking_id}
    if writeback.mode == "sync":
        soonest = earliest(part.deadline_at, now + _CONFIRM)
        changes |= {"is_acknowledged": True, "look_at": soonest, "deadline_at": soonest}
    return _with(writeback, number, now, **changes)


def refused(
    writeback: Writeback, number: int, attempt: int, reason: str, now: datetime
) -> Writeback:
    """Return the writeback after Xporter refused a part at once, so that no mark was written."""
    part = writeback.parts[number]
    if part.attempts != attempt or part.state not in AWAITED:
        return writeback
    return _with(writeback, number, now, state=PartState.FAILED, reason=reason)


def outcome_received(
    writeback: Writeback, number: int, attempt: int, outcome: WritebackOutcome, now: datetime
) -> Writeback:
    """Return the writeback after an outcome callback about one attempt to send a part.

    A written mark stays written, so a success counts at any time. A failure counts only for the
    latest attempt: the failure of an earlier attempt must not undo the success of a later one.
    """
    part = writeback.parts[number]
    if part.state is PartState.COMPLETED:
        return writeback
    # Marks have no ids of their own; kept beside what is still to be sent, 60 parts' results would
    # outgrow the 400 KB of an item.
    told = outcome.results if writeback.kind is WritebackKind.CONDUCT else ()
    facts = {
        "tracking_id": outcome.tracking_id or part.tracking_id,
        "results": told or part.results,
    }
    if outcome.is_completed:
        return _with(writeback, number, now, state=PartState.COMPLETED, reason="", **facts)
    if part.attempts != attempt or part.state not in {*AWAITED, PartState.UNKNOWN}:
        return writeback
    return _with(writeback, number, now, state=PartState.FAILED, reason=outcome.reason, **facts)


def read_back(
    writeback: Writeback, number: int, reading: ReadBackResult, deadline: timedelta, now: datetime
) -> Writeback:
    """Return the writeback after the MIS was read because the outcome of a part did not come.

    Absence is proved only by data that were extracted after the part was sent, and only if neither
    these data nor earlier readings hold anything that resembles the part or stands in its place.
    Xporter writes a request whole or not at all. So if only some marks of a part are found, or
    another mark in the place of ours, a person has edited them, and they are not written over.
    """
    part = writeback.parts[number]
    if part.state not in AWAITED:
        return writeback
    facts: dict[str, Any] = {"reading": reading, "results": reading.results or part.results}
    if reading.found == reading.expected:
        return _with(writeback, number, now, state=PartState.COMPLETED, reason="read_back", **facts)
    if part.deadline_at and part.deadline_at > now:
        return _with(writeback, number, now, look_at=part.deadline_at, reading=reading)
    is_settled = _is_after(reading.as_of, part, deadline)
    is_absent = is_settled and all(it.shows_nothing for it in (reading, part.reading) if it)
    if part.is_acknowledged and not is_absent:
        return _with(writeback, number, now, state=PartState.COMPLETED, reason="answered", **facts)
    if not is_absent or part.is_acknowledged:
        reason = "another_mark_found" if is_settled and reading.seen else "read_back_unclear"
        return marked_unknown(writeback, number, reason, now, reading=reading)
    if part.attempts < _ATTEMPTS:
        again = queued(replace(part, reading=reading), deadline, now)
        return _concluded(writeback, number, again, now)
    return _with(writeback, number, now, state=PartState.FAILED, reason="not_written", **facts)


def read_before_sending_again(
    writeback: Writeback, number: int, reading: ReadBackResult, now: datetime
) -> Writeback:
    """Return the writeback after the MIS was read once more before a part is sent again.

    While the part waited, a person may have entered the marks that were absent before.
    """
    if writeback.parts[number].state is not PartState.QUEUED:
        return writeback
    facts: dict[str, Any] = {"reading": reading, "results": reading.results}
    if reading.found == reading.expected:
        return _with(writeback, number, now, state=PartState.COMPLETED, reason="read_back", **facts)
    if reading.shows_nothing:
        return _with(writeback, number, now, reading=reading)
    reason = "another_mark_found" if reading.seen else "read_back_unclear"
    return _with(writeback, number, now, state=PartState.UNKNOWN, reason=reason, **facts)


def is_proof_recent(part: Part, deadline: timedelta, now: datetime) -> bool:
    """Tell whether the last reading is recent enough to prove that a part may be sent again."""
    as_of = part.reading.as_of if part.reading else None
    return as_of is not None and as_of >= now - deadline * _RECENT


def postponed(writeback: Writeback, number: int, until: datetime, now: datetime) -> Writeback:
    """Return the writeback whose part is looked at again no sooner than then."""
    part = writeback.parts[number]
    if part.state not in OPEN:
        return writeback
    return _with(writeback, number, now, look_at=until)


def marked_unknown(
    writeback: Writeback,
    number: int,
    reason: str,
    now: datetime,
    *,
    reading: ReadBackResult | None = None,
) -> Writeback:
    """Return the writeback with a part that may or may not have been written."""
    part = writeback.parts[number]
    if part.state not in AWAITED:
        return writeback
    if part.is_acknowledged and reading is None:
        return _with(writeback, number, now, state=PartState.COMPLETED, reason="answered")
    return _with(
        writeback,
        number,
        now,
        state=PartState.UNKNOWN,
        reason=reason,
        reading=reading or part.reading,
    )


def cancelled(writeback: Writeback, reason: str, now: datetime) -> Writeback:
    """Return the writeback whose queued parts will not be sent."""
    for number in writeback.part_numbers(PartState.QUEUED):
        writeback = _with(writeback, number, now, state=PartState.FAILED, reason=reason)
    return writeback


def published(writeback: Writeback, events: tuple[Event, ...]) -> Writeback:
    """Return the writeback without the events that have been published."""
    left = tuple(event for event in writeback.outbox if event not in events)
    return replace(writeback, outbox=left, watch_at=_watch(writeback.parts, left))


def _with(writeback: Writeback, number: int, now: datetime, **changes: Any) -> Writeback:
    return _concluded(writeback, number, replace(writeback.parts[number], **changes), now)


def _concluded(writeback: Writeback, number: int, part: Part, now: datetime) -> Writeback:
    """Return the writeback with a changed part, and everything that follows from it."""
    if part == writeback.parts[number]:
        return writeback
    parts = (*writeback.parts[:number], part, *writeback.parts[number + 1 :])
    state = _state_of(parts)
    changed = replace(writeback, parts=parts, state=state, reason=_reason_of(parts))
    if state in ENDS:
        changed = replace(changed, content=None, expires_at=expiry(now))
        if state is not writeback.state:
            changed = replace(changed, outbox=(*changed.outbox, _announcement(changed, now)))
    return replace(changed, watch_at=_watch(parts, changed.outbox))


def _state_of(parts: tuple[Part, ...]) -> WritebackState:
    states = {part.state for part in parts}
    if states & OPEN:
        is_untouched = all(p.state is PartState.QUEUED and not p.attempts for p in parts)
        return WritebackState.QUEUED if is_untouched else WritebackState.SENT
    if PartState.UNKNOWN in states:
        return WritebackState.UNKNOWN
    return WritebackState.FAILED if PartState.FAILED in states else WritebackState.COMPLETED


def _reason_of(parts: tuple[Part, ...]) -> str:
    wrong = (part.reason for part in parts if part.state in {PartState.FAILED, PartState.UNKNOWN})
    return next(wrong, "")


def _watch(parts: tuple[Part, ...], outbox: tuple[Event, ...]) -> datetime | None:
    if outbox:
        return parse(outbox[0].timestamp)
    return earliest(*(part.look_at for part in parts if part.state in OPEN))


def _announcement(writeback: Writeback, now: datetime) -> Event:
    written = [part for part in writeback.parts if part.state is PartState.COMPLETED]
    return new_event(
        f"writeback.{writeback.state}",
        now,
        about=writeback.id,
        estab=writeback.estab,
        id=writeback.id,
        kind=str(writeback.kind),
        parts=len(writeback.parts),
        rows=sum(part.rows for part in writeback.parts),
        rows_written=sum(part.rows for part in written),
        reason=writeback.reason,
    )


def _is_after(as_of: datetime | None, part: Part, deadline: timedelta) -> bool:
    """Tell whether data were extracted late enough to show what was sent.

    An accepted write is tried for an hour, four fifths of the deadline. The same hour forgives
    times that Xporter writes without a zone and might mean as British summer time.
    """
    settled_after = timedelta() if part.is_acknowledged else deadline * 4 / 5
    if as_of is None or part.sent_at is None:
        return False
    return as_of >= part.sent_at + settled_after
