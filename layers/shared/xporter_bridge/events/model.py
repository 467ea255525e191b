"""What the company's own software is told: ids and keys, never what they stand for."""

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
)


@dataclass(frozen=True)
class Event:
    """One announcement. ``id`` stays the same when it is published again."""

    id: str
    type: str
    timestamp: str
    data: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """Return the detail of the event as it is published and as outboxes keep it."""
        return {
            "id": self.id,
            "type": self.type,
            "timestamp": self.timestamp,
            "data": dict(self.data),
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Event:
        """Return the event that an outbox kept."""
        return cls(document["id"], document["type"], document["timestamp"], document["data"])


def new_event(type_: str, now: datetime, *, about: str, **data: Any) -> Event:
    """Return a new event.

    Args:
        about: What happened, precisely: the same words give the same id, so that a crash between
            deciding and publishing cannot announce one fact under two ids.
        data: ``estab`` and whatever ids and keys a reader needs to go on.
    """
    identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{SOURCE}/{type_}/{data.get('estab')}/{about}")
    return Event(str(identity), type_, iso(now), data)
