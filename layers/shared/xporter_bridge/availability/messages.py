"""The messages about pulls on request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xporter_bridge.messages import Message


@dataclass(frozen=True)
class AdvanceRequest(Message):
    """Do the next step of a pull on request."""

    KIND = "request"

    id: str


@dataclass(frozen=True)
class TimetableOpen(Message):
    """Request the school's datasets whose timetable is due."""

    KIND = "timetable"

    def body(self) -> dict[str, Any]:
        """Return the JSON object of the message, which versions before ``kind`` can read too."""
        return {**super().body(), "by": self.KIND}


@dataclass(frozen=True)
class AvailabilityReceived(Message):
    """An availability callback was received, with the status of each database in it."""

    id: str
    statuses: tuple[tuple[str, str], ...]


def read_request(body: Mapping[str, Any]) -> AdvanceRequest | TimetableOpen:
    """Return the message of the request queue. Older messages of timetables have ``by``.

    Raises:
        TypeError: The message is neither.
    """
    if TimetableOpen.KIND in (body.get("kind"), body.get("by")):
        return TimetableOpen.read(body)
    return AdvanceRequest.read(body)
