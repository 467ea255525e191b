"""The events of the bus as types; docs/events has a JSON schema of each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from .api_types import Attention


@dataclass(frozen=True)
class Event:
    """What every event has; an event of a type that this version does not know is this alone.

    ``id`` stays the same when the event comes again. ``data`` has every field of the event.
    """

    id: str
    type: str
    timestamp: datetime
    estab: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class SchoolEvent(Event):
    """``school.authorised``, ``.live``, ``.paused``, ``.revoked`` or ``.erased``.

    ``attention`` tells a person what to know; None of an event of an earlier version.
    """

    state: str
    cause: str
    attention: Attention | None

    @property
    def is_erased(self) -> bool:
        """Tell whether all data of the school is deleted: delete your copies."""
        return self.type == "school.erased"


@dataclass(frozen=True)
class DatasetChanged(Event):
    """``dataset.changed``: a hint to follow the dataset; the manifest decides."""

    dataset: str
    sequence: int
    manifest_key: str


@dataclass(frozen=True)
class DatasetHeld(Event):
    """``dataset.held``: a change set waits for a decision."""

    dataset: str
    sequence: int
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class WritebackEnded(Event):
    """``writeback.completed``, ``.failed`` or ``.unknown``.

    After ``.unknown``, one of the other two may follow. ``rows_written`` counts the rows of the
    completed parts.
    """

    writeback_id: str
    kind: str
    parts: int
    rows: int
    rows_written: int
    reason: str

    @property
    def outcome(self) -> str:
        """``completed``, ``failed`` or ``unknown``."""
        return self.type.partition(".")[2]


@dataclass(frozen=True)
class PersonErased(Event):
    """``person.erased``: one person's data is deleted; delete the person from your copies too.

    ``erasure_id`` is what the request was answered with. Nobody is named: a copy that follows the
    datasets loses the person by itself, as each changed table is replaced by its snapshot.
    """

    kind: str
    erasure_id: str


@dataclass(frozen=True)
class SchoolEnd(Event):
    """``school.end_announced`` or ``.end_withdrawn``.

    A school that is paused or revoked for long will be erased after ``ends_at``, or will not after
    all. ``state`` is the school's when this was decided; times are text in ISO 8601.
    """

    state: str
    announced_at: str
    ends_at: str
    attention: Attention | None

    @property
    def is_withdrawn(self) -> bool:
        """Tell whether the school will not be erased after all."""
        return self.type == "school.end_withdrawn"


_STATES = ("authorised", "live", "paused", "revoked", "erased")
_ENDS = ("completed", "failed", "unknown")
_TYPES: dict[str, type[Event]] = {
    **{f"school.{state}": SchoolEvent for state in _STATES},
    "dataset.changed": DatasetChanged,
    "dataset.held": DatasetHeld,
    **{f"writeback.{end}": WritebackEnded for end in _ENDS},
    "person.erased": PersonErased,
    "school.end_announced": SchoolEnd,
    "school.end_withdrawn": SchoolEnd,
}


def parse(event: Mapping[str, Any] | str | bytes) -> Event:
    """Return the event of what a Lambda function, a queue or a topic delivers.

    Args:
        event: An EventBridge event (with ``detail``), its ``detail`` alone, or the text of one of
            them, as in the body of an SQS message.

    Raises:
        ValueError: This is no event of Xporter Bridge.
    """
    document = json.loads(event) if isinstance(event, str | bytes) else event
    try:
        detail = document.get("detail", document)
        kind, data = detail["type"], detail["data"]
        found = _TYPES.get(kind, Event)
        given = {
            "id": detail["id"],
            "type": kind,
            "timestamp": datetime.fromisoformat(detail["timestamp"]),
            "estab": data["estab"],
            "data": data,
        }
        own = {
            each.name: data["id" if each.name == "writeback_id" else each.name]
            for each in fields(found)
            if each.name not in {*given, "attention"}
        }
        if found in {SchoolEvent, SchoolEnd}:
            attention = data.get("attention")
            own["attention"] = Attention.read(attention) if attention else None
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError("this is no event of Xporter Bridge") from error
    if "reasons" in own:
        own["reasons"] = tuple(own["reasons"])
    return found(**given, **own)
