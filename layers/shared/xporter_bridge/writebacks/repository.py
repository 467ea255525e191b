"""The writebacks in the table of operations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from xporter_bridge.aws.dynamodb import Item
from xporter_bridge.events.model import Event
from xporter_bridge.operations.model import OperationKind
from xporter_bridge.operations.repository import (
    RecordRepository,
    document_of,
    known_fields,
    plain_attributes,
    text_of,
)
from xporter_bridge.timestamps import iso_or_none, parse_or_none
from xporter_bridge.writebacks.model import (
    Part,
    PartState,
    ReadBackResult,
    Writeback,
    WritebackKind,
    WritebackState,
)

_TIMES = ("sent_at", "look_at", "deadline_at")


class WritebackRepository(RecordRepository[Writeback]):
    """The writebacks, each with its parts, its sealed content and its events."""

    kind = OperationKind.WRITEBACK

    def write(self, record: Writeback) -> Item:
        """Return the attributes that store the writeback."""
        return plain_attributes(record) | {
            "kind": str(record.kind),
            "state": str(record.state),
            "parts": text_of([_part_document(part) for part in record.parts]),
            "outbox": text_of([event.document() for event in record.outbox]),
        }

    def read(self, item: Item) -> Writeback:
        """Return the writeback that is stored in the item."""
        known = known_fields(item, Writeback)
        known["kind"] = WritebackKind(known["kind"])
        known["state"] = WritebackState(known["state"])
        known["parts"] = tuple(_read_part(entry) for entry in document_of(known, "parts"))
        known["outbox"] = tuple(Event.read(entry) for entry in document_of(known, "outbox"))
        return Writeback(**known)


def _read_part(entry: dict[str, Any]) -> Part:
    reading = entry["reading"]
    if reading:
        pairs = {name: _pairs(reading.get(name, ())) for name in ("results", "seen")}
        as_of = parse_or_none(reading.get("as_of"))
        reading = ReadBackResult(**{**reading, **pairs, "as_of": as_of})
    read = {
        "state": PartState(entry["state"]),
        "results": _pairs(entry["results"]),
        "reading": reading,
        **{name: parse_or_none(entry[name]) for name in _TIMES if name in entry},
    }
    return Part(**{**entry, **read})


def _part_document(part: Part) -> dict[str, Any]:
    document = asdict(part)
    if part.reading:
        document["reading"]["as_of"] = iso_or_none(part.reading.as_of)
    return document | {name: iso_or_none(document[name]) or "" for name in _TIMES}


def _pairs(entries: Iterable[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((ours, theirs) for ours, theirs in entries)
