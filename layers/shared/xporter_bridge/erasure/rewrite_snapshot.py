"""Writes the snapshot of a dataset anew, without the erased people.

The change files of the new sequence are empty, so that not even the Ids of the deleted rows stay.
No reader applies them: the sequences before are deleted, and a table that lost rows identifies its
rows in another way than before, so that readers replace their copy of the table (docs/data.md).
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

from xporter_bridge.exact_json import dumps, loads
from xporter_bridge.schools.erased_people import OpenedPeople
from xporter_bridge.snapshots.blocks import ROWS_PER_BLOCK
from xporter_bridge.snapshots.convert import ParquetFiles
from xporter_bridge.snapshots.layout import DatasetLayout
from xporter_bridge.snapshots.manifest import Manifest, TableEntry
from xporter_bridge.snapshots.row_keys import is_without_identity, key_of_line
from xporter_bridge.snapshots.store import SnapshotStore

Pair = tuple[bytes, bytes]


@dataclass
class TableFinding:
    """What one table holds of erased people; ``rows`` and ``mentions`` count by digest.

    ``moved`` are changed rows whose place in the order depends on their text. ``has_trace`` is
    true if the file of deletions names an erased person.
    """

    rows: Counter[str] = field(default_factory=Counter)
    mentions: Counter[str] = field(default_factory=Counter)
    moved: list[Pair] = field(default_factory=list)
    has_trace: bool = False

    @property
    def is_changed(self) -> bool:
        """Tell whether the snapshot must be written anew."""
        return bool(self.rows or self.mentions)


@dataclass(frozen=True)
class RewrittenDataset:
    """The tables of the next sequence, and what has to be copied to publish them."""

    tables: dict[str, TableEntry]
    copies: dict[str, str]


class SnapshotRewriter:
    """The snapshot of one sequence, held against the erased people.

    Args:
        out: The prefix for staged results.
        heartbeat: Called with every block; keeps the lease, and raises to stop.
        parquet: Writes Parquet files anew, of tables that had one.
    """

    def __init__(
        self,
        store: SnapshotStore,
        manifest: Manifest,
        people: OpenedPeople,
        *,
        out: str,
        heartbeat: Callable[[], None],
        parquet: ParquetFiles,
    ) -> None:
        self._store = store
        self._manifest = manifest
        self._people = people
        self._out = out
        self._heartbeat = heartbeat
        self._parquet = parquet

    def search(self) -> dict[str, TableFinding]:
        """Return what each table holds of erased people; only tables that hold something."""
        found = {name: self._found(name, entry) for name, entry in self._manifest.tables.items()}
        return {name: each for name, each in found.items() if each.is_changed or each.has_trace}

    def rewrite(self, found: dict[str, TableFinding]) -> RewrittenDataset:
        """Stage the tables of the next sequence."""
        sequence = self._manifest.sequence + 1
        place = DatasetLayout(self._manifest.estab, self._manifest.dataset)
        empty = self._store.write(f"{self._out}empty")
        empty.close()
        made = RewrittenDataset({}, {})
        for name, old in self._manifest.tables.items():
            entry = replace(
                old,
                upserts=0,
                upserts_key=place.change(name, sequence, "upserts"),
                deletes=0,
                deletes_key=place.change(name, sequence, "deletes"),
            )
            if name in found and found[name].is_changed:
                key = place.snapshot(name, sequence)
                entry, staged = self._written(name, replace(entry, snapshot_key=key), found[name])
                made.copies[key] = staged
            made.copies.update(dict.fromkeys((entry.upserts_key, entry.deletes_key), empty.key))
            made.tables[name] = entry
        before = {name: old for name, old in self._manifest.tables.items() if old.parquet}
        converted, _ = self._parquet.added(
            {name: made.tables[name] for name in before}, before, made.copies
        )
        made.tables.update(converted)
        return made

    def _found(self, table: str, entry: TableEntry) -> TableFinding:
        finding, people = TableFinding(), self._people
        for key, line in self._lines(entry.snapshot_key, entry.key):
            row = loads(line)
            allowed = people.allowed(table, row)
            if allowed is None:
                finding.rows.update(people.erased_of(table, row))
            elif allowed is not row:
                finding.mentions.update(people.erased_in(row))
                if _is_ordered_by_text(key, entry):
                    new = dumps(allowed)
                    finding.moved.append((key_of_line(entry.key)(new), new))
        if entry.deletes:
            gone = self._lines(entry.deletes_key, entry.key)
            finding.has_trace = any(
                people.allowed(table, row) is not row for row in (loads(line) for _, line in gone)
            )
        return finding

    def _written(
        self, table: str, entry: TableEntry, finding: TableFinding
    ) -> tuple[TableEntry, str]:
        snapshot = self._store.write(f"{self._out}{table}.snapshot", self._heartbeat)
        source = self._manifest.tables[table].snapshot_key
        kept = heapq.merge(self._kept(table, source, entry), sorted(finding.moved))
        before, repeated = (b"", b""), 0
        while batch := list(islice(kept, ROWS_PER_BLOCK)):
            lines = []
            for pair in batch:
                if pair == before:
                    continue
                repeated += pair[0] == before[0]
                before = pair
                lines.append(pair[1])
            if lines:
                snapshot.write(b"\n".join(lines) + b"\n", len(lines))
        snapshot.close()
        written = replace(
            entry,
            rows=snapshot.rows,
            sha256=snapshot.sha256,
            repeated=repeated,
            is_by_row=not entry.is_by_row,
        )
        return written, snapshot.key

    def _kept(self, table: str, source: str, entry: TableEntry) -> Iterator[Pair]:
        for key, line in self._lines(source, entry.key):
            row = loads(line)
            allowed = self._people.allowed(table, row)
            if allowed is row:
                yield key, line
            elif allowed is not None and not _is_ordered_by_text(key, entry):
                yield key, dumps(allowed)

    def _lines(self, source: str, key_field: str) -> Iterator[Pair]:
        key_of = key_of_line(key_field)
        for block in self._store.blocks(source, key_of):
            self._heartbeat()
            for line in block.lines():
                yield key_of(line), line


def _is_ordered_by_text(key: bytes, entry: TableEntry) -> bool:
    """Tell whether another text may give the row another place among the others."""
    return is_without_identity(key) or bool(entry.repeated)
