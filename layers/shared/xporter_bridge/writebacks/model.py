"""One writeback: its parts and the outcome of each. No mark is ever written twice.

queued ─ sent ─ completed, failed or unknown

A writeback is sent in parts, because Xporter takes one date per request (xporter-api.md 8). A
part is marked as being sent before the request leaves. Whatever happens after that mark, it is
not sent again unless Xporter refused it or a later reading of the MIS shows that it is not there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from xporter_bridge.events.model import Event
from xporter_bridge.operations.model import Operation


class WritebackKind(StrEnum):
    """The kinds of records that can be written back, by their names in the API."""

    ATTENDANCE = "attendance"
    LESSON_ATTENDANCE = "lesson_attendance"
    CONDUCT = "conduct"


class WritebackState(StrEnum):
    """The state of the whole writeback; docs/writeback.md explains each state."""

    QUEUED = "queued"
    SENT = "sent"
    COMPLETED = "completed"
    FAILED = "failed"
    UNKNOWN = "unknown"


class PartState(StrEnum):
    """The state of a part; ``sending`` means that its request may have reached Xporter."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    COMPLETED = "completed"
    FAILED = "failed"
    UNKNOWN = "unknown"


OPEN = frozenset({PartState.QUEUED, PartState.SENDING, PartState.SENT})
AWAITED = frozenset({PartState.SENDING, PartState.SENT})
ENDS = frozenset({WritebackState.COMPLETED, WritebackState.FAILED, WritebackState.UNKNOWN})


@dataclass(frozen=True)
class ReadBackResult:
    """The rows of a part that the data endpoint showed, and the time of their extraction.

    ``similar`` counts rows that may be the part's, altered since or shown only in part, and marks
    that stand where the part's were to be; ``seen`` counts the latter by their codes.
    """

    expected: int
    found: int
    similar: int = 0
    as_of: datetime | None = None
    results: tuple[tuple[str, str], ...] = ()
    seen: tuple[tuple[str, int], ...] = ()

    @property
    def shows_nothing(self) -> bool:
        """Tell whether nothing of the part is there, nor anything like it or in its place."""
        return not self.found and not self.similar


@dataclass(frozen=True)
class WritebackOutcome:
    """The content of an outcome callback, without the words that may quote personal data."""

    is_completed: bool
    tracking_id: str = ""
    reason: str = ""
    results: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Part:
    """The part of a writeback that one request to Xporter carries.

    ``results`` pairs the ids of our request with those of the MIS, for conduct. ``reading`` is
    what was read back when the outcome did not come.
    """

    date: str
    rows: int
    state: PartState = PartState.QUEUED
    attempts: int = 0
    sent_at: datetime | None = None
    look_at: datetime | None = None
    deadline_at: datetime | None = None
    is_acknowledged: bool = False
    tracking_id: str = ""
    reason: str = ""
    results: tuple[tuple[str, str], ...] = ()
    reading: ReadBackResult | None = None

    def needs_look(self, now: datetime) -> bool:
        """Tell whether its outcome is overdue, or nearly so."""
        return self.state in AWAITED and (self.look_at is None or self.look_at <= now)


@dataclass(frozen=True, kw_only=True)
class Writeback(Operation):
    """One request of the company's software. ``content`` is sealed, and gone at the end."""

    kind: WritebackKind
    mode: str
    payload_digest: str
    parts: tuple[Part, ...]
    state: WritebackState = WritebackState.QUEUED
    reason: str = ""
    content: bytes | None = field(default=None, repr=False)
    outbox: tuple[Event, ...] = ()

    @property
    def is_ended(self) -> bool:
        """Tell whether it has ended; a late outcome may still resolve an ``unknown``."""
        return self.state in ENDS

    def part_numbers(self, state: PartState) -> list[int]:
        """Return the numbers of the parts in a state."""
        return [number for number, part in enumerate(self.parts) if part.state is state]
