"""Makes the new state of a dataset out of its previous snapshot and the pages of a pull."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from xporter_bridge.datasets.model import Dataset
from xporter_bridge.ingestion.collect_tables import TableCollector, TableStream
from xporter_bridge.ingestion.page_file import DELETED
from xporter_bridge.ingestion.staged_pages import StagedPages
from xporter_bridge.pulls.hold import TableChange
from xporter_bridge.pulls.model import DatasetRecord, PullCheckpoint
from xporter_bridge.snapshots.layout import DatasetLayout
from xporter_bridge.snapshots.manifest import manifest, table_entry
from xporter_bridge.snapshots.merge import Merge, MergeCounts
from xporter_bridge.snapshots.row_keys import identity_line, key_of_line
from xporter_bridge.snapshots.store import RowWriter, SnapshotStore
from xporter_bridge.timestamps import iso
from xporter_bridge.xporter.pages import PageMetadata, require_complete


@dataclass(frozen=True)
class BuiltSequence:
    """A candidate for the next sequence; nothing of it is visible to readers yet.

    ``copies`` maps the key at which readers will find an object to where it is staged.
    """

    tables: Mapping[str, Mapping[str, Any]]
    changes: tuple[TableChange, ...]
    copies: Mapping[str, str]

    @property
    def is_unchanged(self) -> bool:
        """Tell whether the candidate holds exactly the rows that readers already have."""
        return not any(c.inserted or c.updated or c.deleted for c in self.changes)


@dataclass(frozen=True)
class TableInput:
    """What the pull brought for one table; ``columns`` are those it met."""

    table: str
    came: TableStream
    gone: TableStream
    columns: list[str]


_NOTHING = TableStream(0, lambda: iter(()))


class SequenceBuilder:
    """Assembles one pull into the sequence that would follow.

    Args:
        out: The prefix for results; holds the fence, so that two holders never share one.
        beat: Called with every block written; keeps the lease, and raises to stop.
    """

    def __init__(
        self,
        store: SnapshotStore,
        dataset: Dataset,
        place: DatasetLayout,
        *,
        out: str,
        heartbeat: Callable[[], None],
    ) -> None:
        self._store = store
        self._dataset = dataset
        self._place = place
        self._out = out
        self._beat = heartbeat
        self._gatherer = TableCollector(store, dataset, out=out, heartbeat=heartbeat)
        self._copies: dict[str, str] = {}
        self._sequence = 0

    def assemble(
        self,
        pages: StagedPages,
        facts: PageMetadata,
        columns: Mapping[str, list[str]],
        previous: Mapping[str, Any] | None,
        sequence: int,
        *,
        is_full: bool,
        is_same_request: bool,
    ) -> BuiltSequence:
        """Merge every table and return the candidate.

        Args:
            is_same_request: The previous snapshot was asked for in the same way, so that a table
                which is now missing was not left out on purpose.

        Raises:
            PageDriftError: The pages do not hold as many distinct rows as they announced.
        """
        self._sequence = sequence
        before: Mapping[str, Any] = previous["tables"] if previous else {}
        came = {table: self._gatherer.gather(pages, table) for table in pages.tables()}
        gone = {table: self._gatherer.gather(pages, table + DELETED) for table in came}
        # Rows without an identity of their own may repeat, and are then kept once.
        if not pages.has_rows_without_identity:
            require_complete(facts, _rows(came), _rows(gone))
        entries: dict[str, Any] = {}
        changes: list[TableChange] = []
        for table in dict.fromkeys((*came, *before)):
            arrival = TableInput(
                table,
                came.get(table, _NOTHING),
                gone.get(table, _NOTHING),
                columns.get(table, []),
            )
            entries[table], change = self._table(arrival, before.get(table), is_full=is_full)
            is_lost = is_full and is_same_request and change.previous and not pages.has_table(table)
            counts = (change.previous, change.inserted, change.updated, change.deleted)
            changes.append(TableChange(table, *counts, is_absent=bool(is_lost)))
        return BuiltSequence(entries, tuple(changes), self._copies)

    def _table(
        self, arrival: TableInput, old: Mapping[str, Any] | None, *, is_full: bool
    ) -> tuple[dict[str, Any], MergeCounts]:
        if old is None:
            return self._begun(arrival)
        if not is_full and not arrival.came.rows and not arrival.gone.rows:
            return self._carried(arrival.table, old)
        return self._merged(arrival, old, is_full=is_full)

    def _begun(self, arrival: TableInput) -> tuple[dict[str, Any], MergeCounts]:
        """Begin a table with the rows that came: they are its snapshot and its upserts alike."""
        snapshot = self._store.write(f"{self._out}{arrival.table}.snapshot")
        for block in arrival.came.stream():
            snapshot.write_block(block)
            self._beat()
        snapshot.close()
        entry = table_entry(
            self._place,
            arrival.table,
            self._sequence,
            rows=snapshot.rows,
            sha256=snapshot.sha256,
            upserts=snapshot.rows,
            deletes=0,
            columns=arrival.columns,
        )
        self._copies[entry["snapshot_key"]] = self._copies[entry["upserts_key"]] = snapshot.key
        self._copies[entry["deletes_key"]] = self._empty()
        return entry, MergeCounts(rows=snapshot.rows, inserted=snapshot.rows)

    def _merged(
        self, arrival: TableInput, old: Mapping[str, Any], *, is_full: bool
    ) -> tuple[dict[str, Any], MergeCounts]:
        """Apply what came to the snapshot."""
        snapshot, upserts, deletes = (
            self._store.write(f"{self._out}{arrival.table}.{kind}")
            for kind in ("snapshot", "upserts", "deletes")
        )
        counts = self._merge(arrival, old, (snapshot, upserts, deletes), is_full=is_full)
        is_changed = bool(counts.inserted or counts.updated or counts.deleted)
        entry = table_entry(
            self._place,
            arrival.table,
            self._sequence,
            rows=counts.rows,
            sha256=snapshot.sha256,
            upserts=upserts.rows,
            deletes=deletes.rows,
            columns=list(dict.fromkeys((*old["columns"], *arrival.columns))),
            snapshot_key=None if is_changed else old["snapshot_key"],
        )
        self._copies |= {entry["upserts_key"]: upserts.key, entry["deletes_key"]: deletes.key}
        if is_changed:
            self._copies[entry["snapshot_key"]] = snapshot.key
        return entry, counts

    def _merge(
        self,
        arrival: TableInput,
        old: Mapping[str, Any],
        into: tuple[RowWriter, RowWriter, RowWriter],
        *,
        is_full: bool,
    ) -> MergeCounts:
        snapshot, upserts, deletes = into
        key_field = self._dataset.key_of(arrival.table)
        key_of = key_of_line(key_field)
        merge = Merge(
            key_of,
            identity_line(key_field),
            is_full=is_full,
            snapshot=Beating(snapshot, self._beat),
            upserts=upserts,
            deletes=deletes,
        )
        before = self._store.blocks(old["snapshot_key"], key_of)
        counts = merge.run(before, arrival.came.stream(), arrival.gone.stream())
        for written in into:
            written.close()
        return counts

    def _carried(self, table: str, old: Mapping[str, Any]) -> tuple[dict[str, Any], MergeCounts]:
        """Keep a table that nothing touched: its snapshot stays, its change files are empty."""
        entry = table_entry(
            self._place,
            table,
            self._sequence,
            rows=old["rows"],
            sha256=old["sha256"],
            upserts=0,
            deletes=0,
            columns=old["columns"],
            snapshot_key=old["snapshot_key"],
        )
        self._copies[entry["upserts_key"]] = self._copies[entry["deletes_key"]] = self._empty()
        return entry, MergeCounts(previous=old["rows"], rows=old["rows"])

    def _empty(self) -> str:
        """Return the key of a staged object without rows."""
        empty = self._store.write(f"{self._out}empty")
        if empty.key not in self._copies.values():
            empty.close()
        return empty.key


class Beating:
    """A sink that keeps the lease while a long table is written."""

    def __init__(self, table: RowWriter, heartbeat: Callable[[], None]) -> None:
        self._table = table
        self._beat = heartbeat

    def write(self, data: bytes, rows: int) -> None:
        """Append the rows."""
        self._table.write(data, rows)
        self._beat()


def _rows(tables: Mapping[str, TableStream]) -> dict[str, int]:
    return {table: gathered.rows for table, gathered in tables.items()}


def draft_manifest(
    item: DatasetRecord,
    checkpoint: PullCheckpoint,
    facts: PageMetadata,
    tables: Mapping[str, Mapping[str, Any]],
    now: datetime,
) -> dict[str, Any]:
    """Return the manifest that the pull will have if it is committed."""
    about: dict[str, Any] = dict(item.definition or {})
    if checkpoint.staleness:
        about["staleness"] = checkpoint.staleness
    return manifest(
        DatasetLayout(item.estab, item.dataset),
        item.sequence + 1,
        tables,
        pull_id=checkpoint.pull_id,
        as_of=checkpoint.as_of or checkpoint.started_at,
        completed_at=iso(now),
        stale=bool(checkpoint.staleness),
        requested_changed_rows=checkpoint.requested_changed_rows,
        next_changed_rows=facts.following,
        **about,
    )
