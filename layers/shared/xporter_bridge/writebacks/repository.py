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
from xporter_bridge.writebacks.model import (
    Part,
    PartState,
    ReadBackResult,
    Writeback,
    WritebackKind,
    WritebackState,
)


class WritebackRepository(RecordRepository[Writeback]):
    """The writebacks, each with its parts, its sealed content and its events."""

    kind = OperationKind.WRITEBACK

    def write(self, record: Writeback) -> Item:
        """Return the attributes that store the writeback."""
        return plain_attributes(record) | {
            "kind": str(record.kind),
            "state": str(record.state),
            "parts": text_of([asdict(part) for part in record.parts]),
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
        reading = ReadBackResult(**{**reading, **pairs})
    state, results = PartState(entry["state"]), _pairs(entry["results"])
    return Part(**{**entry, "state": state, "results": results, "reading": reading})


def _pairs(entries: Iterable[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((ours, theirs) for ours, theirs in entries)
