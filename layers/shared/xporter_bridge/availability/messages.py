"""The messages about pulls on request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xporter_bridge.messages import Message


@dataclass(frozen=True)
class AdvanceRequest(Message):
    """The request is taken as far as possible now."""

    KIND = "request"

    id: str


@dataclass(frozen=True)
class TimetableOpen(Message):
    """Requests that the timetable makes due at the school are to be made."""

    KIND = "timetable"

    def body(self) -> dict[str, Any]:
        """Return the message as the queue holds it, readable by the version before kinds too."""
        return {**super().body(), "by": self.KIND}


@dataclass(frozen=True)
class AvailabilityReceived(Message):
    """An availability callback was received: the status of each database that it names."""

    id: str
    statuses: tuple[tuple[str, str], ...]


def read_request(body: Mapping[str, Any]) -> AdvanceRequest | TimetableOpen:
    """Return the message of the request queue; before kinds, timetables said ``by``.

    Raises:
        TypeError: The message is neither.
    """
    if TimetableOpen.KIND in (body.get("kind"), body.get("by")):
        return TimetableOpen.read(body)
    return AdvanceRequest.read(body)
