"""The JSON of a data reply, table by table, so that no reply is ever held whole."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tools.simulator.school.revisioned_tables import Key, Row
from tools.simulator.school.seeded_random import naive, zulu
from tools.simulator.service.changesets import START, Snapshot, TableChanges
from tools.simulator.service.endpoints import Shape
from tools.simulator.service.page_cache import CHUNK_ROWS, dumps
from tools.simulator.service.page_slices import json_slice
from tools.simulator.service.selection import Selection

Edit = Callable[[Row], Row]


@dataclass(frozen=True)
class Paging:
    """Which slice of every table is sent."""

    number: int
    size: int

    def slice(self, things: Sequence[Any]) -> Sequence[Any]:
        """Return the page's part of one table."""
        return things[(self.number - 1) * self.size : self.number * self.size]


@dataclass(frozen=True)
class ChangeSet:
    """What a reply says of its chain."""

    requested: str
    next: str
    snapshot: Snapshot | None
    tables: dict[str, TableChanges]
    deleted_paging: str


@dataclass(frozen=True)
class Reply:
    """One successful data reply."""

    selection: Selection
    paging: Paging | None
    changes: ChangeSet | None
    edit: Edit | None = None

    def chunks(self) -> Iterator[bytes]:
        """Yield the body; tables first, then meta, then what paging and change sets add."""
        largest = 0
        yield b"{"
        for shape in self.selection.shapes:
            keys = self._keys(shape)
            largest = max(largest, len(keys))
            yield dumps(self._spelt(shape)) + b":["
            yield from self._rows(shape, keys)
            yield b"],"
        yield b'"meta":' + dumps(self._meta())
        if self.paging:
            yield b',"__pagination__":' + dumps([self._pagination(self.paging, largest)])
        if self.changes:
            yield from self._changed(self.changes)
        yield b"}"

    def _spelt(self, shape: Shape) -> str:
        return self.selection.school.likeness.table(shape.name)

    def _keys(self, shape: Shape) -> Sequence[Key]:
        if self.changes and self.changes.snapshot:
            return self.changes.tables[shape.name].keys
        return self.selection.keys(shape)

    def _rows(self, shape: Shape, keys: Sequence[Key]) -> Iterator[bytes]:
        start = (self.paging.number - 1) * self.paging.size if self.paging else 0
        end = min(len(keys), start + self.paging.size if self.paging else len(keys))
        separator = b""
        for begin in range(start, end, CHUNK_ROWS):
            content = self._slice(shape, keys[begin : min(end, begin + CHUNK_ROWS)], begin)
            yield separator + content
            separator = b","

    def _slice(self, shape: Shape, keys: Sequence[Key], start: int) -> bytes:
        if self.edit:
            rows = self.selection.sent(shape, keys)
            return dumps([self.edit(row) for row in rows])[1:-1]
        if self.changes and self.changes.snapshot:
            return dumps(self.selection.sent(shape, keys))[1:-1]
        if self.selection.odd_rows(shape):
            return dumps(self.selection.sent(shape, keys))[1:-1]
        return json_slice(self.selection, shape, keys, start)

    def _meta(self) -> Sequence[Row]:
        school, query = self.selection.school, self.selection.query
        moment = school.extracted_at(query.resource.database, self.selection.revision)
        if query.days is not None and self.selection.revision == school.revision:
            # Data of dates are fetched when they are asked for (xporter-api.md 5.6).
            moment = datetime.now(UTC)
        meta = [{"Id": 1, "MIS": "simsnet", "Version": "4", "DateTime": naive(moment)}]
        if self.changes and self.changes.snapshot:
            return []
        return self.paging.slice(meta) if self.paging else meta

    def _pagination(self, paging: Paging, rows: int) -> Row:
        # NextPage goes on after the last page, as recorded (xporter-api.md 5.4).
        return {
            "PageSize": paging.size,
            "PageNumber": paging.number,
            "PageCount": -(-self._longest(rows) // paging.size),
            "RowCount": rows,
            "NextPage": f"?page={paging.number + 1}&pageSize={paging.size}",
        }

    def _longest(self, rows: int) -> int:
        if self.changes is None or self.changes.deleted_paging != "sliced":
            return rows
        return max([rows, *(len(table.deleted) for table in self.changes.tables.values())])

    def _changed(self, changes: ChangeSet) -> Iterator[bytes]:
        for shape in self.selection.shapes:
            deleted = self._deleted(changes, shape.name)
            yield b"," + dumps(f"{self._spelt(shape)}_deleted") + b":"
            yield dumps(self.selection.school.likeness.deleted(shape.name, deleted))
        yield b',"__changedRows__":' + dumps([self._chain(changes)])

    def _deleted(self, changes: ChangeSet, table: str) -> Sequence[str]:
        deleted = changes.tables[table].deleted if changes.snapshot else ()
        if self.paging is None or changes.deleted_paging == "every_page":
            return deleted
        if changes.deleted_paging == "sliced":
            return self.paging.slice(deleted)
        return deleted if self.paging.number == 1 else ()

    def _chain(self, changes: ChangeSet) -> Row:
        snapshot = changes.snapshot
        size = f"&page=1&pageSize={self.paging.size}" if self.paging else ""
        return {
            "SnapshotDate": zulu(snapshot.taken_at)[:-2] + "1Z" if snapshot else None,
            "SnapshotRP": snapshot.relying_party if snapshot else None,
            "PreviousChangedRows": snapshot.previous if snapshot else None,
            "RequestedChangedRows": snapshot.hash if snapshot else START,
            "NextChangedRows": changes.next,
            "NextUrl": f"?changedRows={changes.next}{size}",
        }
