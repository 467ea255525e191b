"""The operations of every school: pulls on request and writebacks, one item each.

Beside them, under ``#pull/`` and the dataset's name, stands which pull on request is the latest
of that dataset, so that the same request made again finds it without a search.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, TypeVar

import orjson

from xporter_bridge.availability.model import AvailabilityRequest, PullState, WaitOutcome
from xporter_bridge.aws.dynamodb import DynamoTable, Item, reschedule_watch, watch_attributes
from xporter_bridge.errors import ConflictError
from xporter_bridge.events.model import Event
from xporter_bridge.operations.model import Operation, OperationKind, expiry, kind_of
from xporter_bridge.timestamps import iso, parse
from xporter_bridge.writebacks.model import (
    Part,
    PartState,
    ReadBackResult,
    Writeback,
    WritebackKind,
    WritebackState,
)

T = TypeVar("T", bound=Operation)
_LATEST = "#pull/"
_ATTEMPTS = 10


class OperationRepository:
    """The table keyed by estab and operation."""

    def __init__(self, client: Any, table: str) -> None:
        self._items = DynamoTable(client, table, "estab", "operation")

    def pull(self, estab: str, id_: str) -> AvailabilityRequest | None:
        """Return the pull on request, or None if no pull has this id."""
        found = self._get(estab, id_, OperationKind.PULL)
        return _read_pull(found) if found else None

    def writeback(self, estab: str, id_: str) -> Writeback | None:
        """Return the writeback, or None if no writeback has this id."""
        found = self._get(estab, id_, OperationKind.WRITEBACK)
        return _read_writeback(found) if found else None

    def add(self, operation: AvailabilityRequest | Writeback) -> None:
        """Store a new operation.

        Raises:
            ConflictError: The id is taken.
        """
        item = _write(replace(operation, version=1))
        self._items.put_new({"estab": operation.estab, "operation": operation.id, **item})

    def change_pull(
        self, estab: str, id_: str, decide: Callable[[AvailabilityRequest], AvailabilityRequest]
    ) -> AvailabilityRequest | None:
        """Write what ``decide`` makes of the pull; see ``change_writeback``."""
        return self._change(lambda: self.pull(estab, id_), decide)

    def change_writeback(
        self, estab: str, id_: str, decide: Callable[[Writeback], Writeback]
    ) -> Writeback | None:
        """Read the writeback, let ``decide`` say what it becomes, and write that if it differs.

        Decides again on what another writer made of it meanwhile, so ``decide`` must be pure.
        Returns None if there is no such operation (any more).

        Raises:
            ConflictError: Others changed it again and again.
        """
        return self._change(lambda: self.writeback(estab, id_), decide)

    def save(self, operation: T) -> T:
        """Write an operation that was read before, if nobody else has changed it since.

        Raises:
            ConflictError: Somebody has, or it is gone.
        """
        saved = replace(operation, version=operation.version + 1)
        self._items.update(
            operation.estab,
            operation.id,
            set_=_write(saved),
            condition="version = :seen",
            seen=operation.version,
        )
        return saved

    def due(self, now: datetime) -> Iterator[tuple[str, str, str]]:
        """Yield (estab, id, watch_at) of every operation that must be looked at."""
        for item in self._items.query_due(iso(now)):
            yield item["estab"], item["operation"], item["watch_at"]

    def reschedule_watch(self, estab: str, id_: str, seen: str, at: str) -> None:
        """Move the time of the next look, unless somebody else has moved it since it was seen."""
        reschedule_watch(self._items, estab, id_, seen=seen, at=at)

    def latest_pull(self, estab: str, dataset: str) -> tuple[int, AvailabilityRequest | None, str]:
        """Return the number of the latest pull of a dataset, the pull, and when it was made."""
        item = self._items.get(estab, _LATEST + dataset) or {}
        pull = self.pull(estab, item["latest"]) if "latest" in item else None
        return item.get("number", 0), pull, item.get("requested_at", "")

    def set_latest_pull(self, pull: AvailabilityRequest, number: int) -> None:
        """Record the latest pull of its dataset, unless a later one has been recorded."""
        try:
            self._items.update(
                pull.estab,
                _LATEST + pull.dataset,
                set_={
                    "latest": pull.id,
                    "number": number,
                    "requested_at": pull.created_at,
                    "expires_at": expiry(parse(pull.created_at)),
                },
                condition="attribute_not_exists(#number) OR #number < :number",
            )
        except ConflictError:
            return  # It is recorded already, or another has followed it.

    def delete_school(self, estab: str) -> None:
        """Forget everything under the school."""
        for item in list(self._items.query_partition(estab)):
            self._items.delete(estab, item["operation"])

    def _get(self, estab: str, id_: str, kind: OperationKind) -> Item | None:
        return self._items.get(estab, id_) if kind_of(id_) is kind else None

    def _change(self, read: Callable[[], T | None], decide: Callable[[T], T]) -> T | None:
        for _ in range(_ATTEMPTS):
            before = read()
            if before is None:
                return None
            after = decide(before)
            if after == before:
                return before
            try:
                return self.save(after)
            except ConflictError:
                continue
        raise ConflictError("operation_changed")


def _write(operation: Operation) -> Item:
    item = {
        name: getattr(operation, name)
        for name in operation.__dataclass_fields__
        if name not in {"estab", "id"}
    }
    if isinstance(operation, AvailabilityRequest):
        item["definition"] = _text(operation.definition)
        item["statuses"] = _text(operation.statuses)
    if isinstance(operation, Writeback):
        item["parts"] = _text([asdict(part) for part in operation.parts])
        item["outbox"] = _text([event.document() for event in operation.outbox])
    item = {name: str(value) if _is_word(value) else value for name, value in item.items()}
    item["expires_at"] = operation.expires_at or None
    return item | watch_attributes(operation.watch_at, operation.estab, operation.id)


def _is_word(value: Any) -> bool:
    return isinstance(value, PullState | WaitOutcome | WritebackKind | WritebackState)


def _read_pull(item: Item) -> AvailabilityRequest:
    known = _known(item, AvailabilityRequest)
    known["state"] = PullState(known["state"])
    known["outcome"] = WaitOutcome(known["outcome"]) if "outcome" in known else None
    known["statuses"] = tuple((name, status) for name, status in _document(known, "statuses"))
    known["definition"] = _document(known, "definition") or None
    return AvailabilityRequest(**known)


def _read_writeback(item: Item) -> Writeback:
    known = _known(item, Writeback)
    known["kind"] = WritebackKind(known["kind"])
    known["state"] = WritebackState(known["state"])
    known["parts"] = tuple(_read_part(entry) for entry in _document(known, "parts"))
    known["outbox"] = tuple(Event.read(entry) for entry in _document(known, "outbox"))
    return Writeback(**known)


def _read_part(entry: dict[str, Any]) -> Part:
    reading = entry["reading"]
    if reading:
        pairs = {name: _pairs(reading.get(name, ())) for name in ("results", "seen")}
        reading = ReadBackResult(**{**reading, **pairs})
    state, results = PartState(entry["state"]), _pairs(entry["results"])
    return Part(**{**entry, "state": state, "results": results, "reading": reading})


def _known(item: Item, type_: type[Operation]) -> dict[str, Any]:
    known = {name: value for name, value in item.items() if name in type_.__dataclass_fields__}
    return {**known, "id": item["operation"]}


def _document(known: dict[str, Any], name: str) -> Any:
    return orjson.loads(known[name]) if name in known else []


def _pairs(entries: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((ours, theirs) for ours, theirs in entries)


def _text(document: Any) -> str | None:
    return orjson.dumps(document).decode() if document else None
