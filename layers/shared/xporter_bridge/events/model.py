"""Events for the company's software. They contain ids and keys, and no personal data."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from xporter_bridge.timestamps import iso

SOURCE = "xporter-bridge"

TYPES = (
    "school.authorised",
    "school.live",
    "school.paused",
    "school.revoked",
    "school.erased",
    "dataset.changed",
    "dataset.held",
    "writeback.completed",
    "writeback.failed",
    "writeback.unknown",
    "person.erased",
    "school.end_announced",
    "school.end_withdrawn",
)


@dataclass(frozen=True)
class Event:
    """One event. ``id`` stays the same when the event is published again."""

    id: str
    type: str
    timestamp: str
    data: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """Return the detail of the event, as published and as stored in outboxes."""
        return {
            "id": self.id,
            "type": self.type,
            "timestamp": self.timestamp,
            "data": dict(self.data),
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Event:
        """Return the event from its stored form in an outbox."""
        return cls(document["id"], document["type"], document["timestamp"], document["data"])


def new_event(type_: str, now: datetime, *, about: str, **data: Any) -> Event:
    """Return a new event.

    Args:
        about: Identifies the fact. The same text gives the same id, so that a crash between the
            decision and the publication cannot publish one fact under two ids.
        data: ``estab``, and the ids and keys that a reader needs.
    """
    identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{SOURCE}/{type_}/{data.get('estab')}/{about}")
    return Event(str(identity), type_, iso(now), data)
