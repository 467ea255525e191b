"""The table of operations: the calls that every kind needs, generic in the record.

``availability.repository`` and ``writebacks.repository`` add how their record is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, replace
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

import orjson

from xporter_bridge.aws.dynamodb import DynamoTable, Item, reschedule_watch, watch_attributes
from xporter_bridge.errors import ConflictError
from xporter_bridge.operations.model import Operation, OperationKind, kind_of
from xporter_bridge.timestamps import iso, iso_or_none, parse_or_none

T = TypeVar("T", bound=Operation)
_ATTEMPTS = 10
_TIMES = {"created_at", "watch_at", "deadline_at", "retry_at"}


class OperationRepository:
    """The table keyed by estab and operation, without regard to the kind of an operation."""

    def __init__(self, client: Any, table: str) -> None:
        self._items = DynamoTable(client, table, "estab", "operation")

    def due(self, now: datetime, shards: Iterable[int]) -> Iterator[tuple[str, str, str]]:
        """Yield (estab, id, watch_at) of every operation of the shards that must be looked at."""
        for item in self._items.query_due(iso(now), shards):
            yield item["estab"], item["operation"], item["watch_at"]

    def reschedule_watch(self, estab: str, id_: str, seen: str, at: datetime) -> None:
        """Change the time of the next check, unless another process has changed it meanwhile."""
        watch = watch_attributes(iso(at), estab, id_)
        reschedule_watch(self._items, estab, id_, seen=seen, watch=watch)

    def of_school(self, estab: str) -> list[Item]:
        """Return every item of the school, as it is stored."""
        return list(self._items.query_partition(estab))

    def delete(self, estab: str, id_: str) -> None:
        """Delete one operation, if it is there."""
        self._items.delete(estab, id_)

    def delete_school(self, estab: str) -> None:
        """Delete every operation of the school."""
        for item in list(self._items.query_partition(estab)):
            self._items.delete(estab, item["operation"])


class RecordRepository(OperationRepository, Generic[T]):
    """The operations of one kind, read as records. Each kind has a subclass in its package."""

    kind: ClassVar[OperationKind]

    def read(self, item: Item) -> T:
        """Return the record that is stored in the item."""
        raise NotImplementedError

    def write(self, record: T) -> Item:
        """Return the attributes that store the record, except those that every operation has."""
        raise NotImplementedError

    def get(self, estab: str, id_: str) -> T | None:
        """Return the operation, or None if no operation of this kind has the id."""
        found = self._items.get(estab, id_) if kind_of(id_) is self.kind else None
        return self.read(found) if found else None

    def add(self, record: T) -> None:
        """Store a new operation.

        Raises:
            ConflictError: The id is taken.
        """
        item = self._attributes(replace(record, version=1))
        self._items.put_new({"estab": record.estab, "operation": record.id, **item})

    def change(self, estab: str, id_: str, decide: Callable[[T], T]) -> T | None:
        """Read the operation, apply ``decide`` to it, and write the result if it differs.

        Calls ``decide`` again if another writer changed the item meanwhile: it must be pure.
        Returns None if the operation does not exist or no longer exists.

        Raises:
            ConflictError: Other writers changed it at every attempt.
        """
        for _ in range(_ATTEMPTS):
            before = self.get(estab, id_)
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

    def save(self, record: T) -> T:
        """Write an operation, unless another writer has changed it since it was read.

        Raises:
            ConflictError: Another writer has changed or deleted it.
        """
        saved = replace(record, version=record.version + 1)
        return self.read(
            self._items.update(
                record.estab,
                record.id,
                set_=self._attributes(saved),
                condition="version = :seen",
                seen=record.version,
            )
        )

    def _attributes(self, record: T) -> Item:
        common = {"expires_at": record.expires_at or None}
        watch = watch_attributes(iso_or_none(record.watch_at), record.estab, record.id)
        return self.write(record) | common | watch


def plain_attributes(record: Operation) -> Item:
    """Return the record's fields but the key; times as text, all others as they are."""
    plain = {
        field.name: getattr(record, field.name)
        for field in fields(record)
        if field.name not in {"estab", "id"}
    }
    return plain | {name: iso_or_none(plain[name]) for name in _TIMES & plain.keys()}


def known_fields(item: Item, type_: type[Operation]) -> dict[str, Any]:
    """Return the item's attributes that are fields of the record; other versions may store more."""
    names = {field.name for field in fields(type_)}
    known = {name: value for name, value in item.items() if name in names}
    known |= {name: parse_or_none(known[name]) for name in _TIMES & known.keys()}
    return {**known, "id": item["operation"]}


def document_of(known: Mapping[str, Any], name: str) -> Any:
    """Return a field that is stored as JSON text; empty if it is not stored."""
    return orjson.loads(known[name]) if name in known else []


def text_of(document: Any) -> str | None:
    """Return the JSON text of a field, or None for an empty one, which is not stored."""
    if not document:
        return None
    return orjson.dumps(document, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()
