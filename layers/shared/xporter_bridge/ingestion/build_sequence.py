"""Builds the next sequence of a dataset from its previous snapshot and the pages of a pull."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from xporter_bridge.datasets.model import Dataset
from xporter_bridge.errors import ChangeSetUnusableError
from xporter_bridge.ingestion.built_sequence import BuiltSequence
from xporter_bridge.ingestion.collect_tables import NO_ROWS, TableCollector, TableInput
from xporter_bridge.ingestion.columns import ColumnPolicy
from xporter_bridge.ingestion.dependencies import PullDependencies
from xporter_bridge.ingestion.doubt import find_oddity, require_belief, require_usable
from xporter_bridge.ingestion.page_file import DELETED
from xporter_bridge.ingestion.parquet import parquet_files
from xporter_bridge.ingestion.staged_pages import StagedPages
from xporter_bridge.pulls.hold import TableChange
from xporter_bridge.pulls.record import DatasetRecord
from xporter_bridge.snapshots.blocks import in_order
from xporter_bridge.snapshots.layout import DatasetLayout, staging_prefix
from xporter_bridge.snapshots.manifest import Manifest, TableEntry
from xporter_bridge.snapshots.merge import Merge, MergeCounts, Sinks
from xporter_bridge.snapshots.merge_by_row import MergeByRow
from xporter_bridge.snapshots.row_changes import slight_changes
from xporter_bridge.snapshots.row_keys import identity_line, key_of_line
from xporter_bridge.snapshots.store import RowWriter, SnapshotStore
from xporter_bridge.xporter.pages import ALL_ROWS, PageMetadata

if TYPE_CHECKING:
    from xporter_bridge.snapshots.convert import ParquetFiles


class SequenceBuilder:
    """Assembles one pull into the sequence that would follow.

    Args:
        out: The prefix for results; holds the fence, so that two holders never share one.
        heartbeat: Called with every block written; keeps the lease, and raises to stop.
        parquet: Writes Parquet files; None if none are wanted.
    """

    def __init__(
        self,
        store: SnapshotStore,
        dataset: Dataset,
        place: DatasetLayout,
        *,
        out: str,
        heartbeat: Callable[[], None],
        parquet: ParquetFiles | None = None,
    ) -> None:
        self._store = store
        self._dataset = dataset
        self._place = place
        self._out = out
        self._heartbeat = heartbeat
        self._gatherer = TableCollector(store, dataset, out=out, heartbeat=heartbeat)
        self._copies: dict[str, str] = {}
        self._sequence = 0
        self._is_reordered = False
        self._parquet = parquet
        self._unmet: dict[str, int] = {}
        self._empty_key = ""

    def assemble(
        self,
        pages: StagedPages,
        facts: PageMetadata,
        columns: Mapping[str, list[str]],
        previous: Manifest | None,
        sequence: int,
        *,
        is_full: bool,
        is_same_request: bool,
        seen: str = "",
    ) -> BuiltSequence:
        """Merge every table and return the candidate.

        Args:
            is_same_request: The previous snapshot was asked for in the same way, so that a table
                which is now missing was not left out on purpose.
            seen: The evidence of an earlier pull that was odd.

        Raises:
            AnswerDoubtedError: Rows are repeated, missing or too many, and not as seen before.
            ChangeSetUnusableError: Rows of a change set cannot be told apart by their identity, or
                it deletes rows that there are not.
        """
        self._sequence = sequence
        before: Mapping[str, TableEntry] = previous.tables if previous else {}
        came = {table: self._gatherer.gather(pages, table) for table in pages.tables()}
        gone = {table: self._gatherer.gather(pages, table + DELETED) for table in came}
        odd = find_oddity(facts, came, gone)
        if odd:
            require_belief(odd, came, gone, seen)
        if not is_full:
            require_usable(came, odd)
        entries: dict[str, TableEntry] = {}
        changes: list[TableChange] = []
        for table in dict.fromkeys((*came, *before)):
            arrival = TableInput(
                table,
                came.get(table, NO_ROWS),
                gone.get(table, NO_ROWS),
                columns.get(table, []),
            )
            entries[table], change = self._table(arrival, before.get(table), is_full=is_full)
            is_lost = is_full and is_same_request and change.previous and not pages.has_table(table)
            counts = (change.previous, change.inserted, change.updated, change.deleted)
            changes.append(
                TableChange(
                    table,
                    *counts,
                    slight=change.slight,
                    is_absent=bool(is_lost),
                    is_left_out=not is_same_request,
                )
            )
        if self._unmet:
            raise ChangeSetUnusableError("deletion_unmet", self._unmet)
        is_converted = False
        if self._parquet:
            entries, is_converted = self._parquet.added(entries, before, self._copies)
        kept = (self._is_reordered, is_converted)
        return BuiltSequence(entries, tuple(changes), self._copies, odd, *kept)

    def _table(
        self, arrival: TableInput, old: TableEntry | None, *, is_full: bool
    ) -> tuple[TableEntry, MergeCounts]:
        if old is None:
            self._note_unmet(arrival, 0, is_full=is_full)
            return self._begun(arrival)
        if not is_full and not arrival.came.rows and not arrival.gone.rows:
            return self._carried(arrival.table, old)
        return self._merged(arrival, old, is_full=is_full)

    def _begun(self, arrival: TableInput) -> tuple[TableEntry, MergeCounts]:
        """Begin a table with the rows that came: they are its snapshot and its upserts alike."""
        snapshot = self._store.write(f"{self._out}{arrival.table}.snapshot", self._heartbeat)
        for block in arrival.came.stream():
            snapshot.write_block(block)
        snapshot.close()
        entry = self._entry(
            arrival.table,
            rows=snapshot.rows,
            sha256=snapshot.sha256,
            upserts=snapshot.rows,
            deletes=0,
            columns=arrival.columns,
            repeated=arrival.came.clashes,
            is_by_row=bool(arrival.came.clashes),
        )
        self._copies[entry.snapshot_key] = self._copies[entry.upserts_key] = snapshot.key
        self._copies[entry.deletes_key] = self._empty()
        return entry, MergeCounts(rows=snapshot.rows, inserted=snapshot.rows)

    def _merged(
        self, arrival: TableInput, old: TableEntry, *, is_full: bool
    ) -> tuple[TableEntry, MergeCounts]:
        """Apply what came to the snapshot."""
        snapshot, upserts, deletes = (
            self._store.write(f"{self._out}{arrival.table}.{kind}", self._heartbeat)
            for kind in ("snapshot", "upserts", "deletes")
        )
        is_by_row = bool(arrival.came.clashes or old.repeated)
        if is_by_row and not is_full:
            raise ChangeSetUnusableError("identity_repeated", {arrival.table: old.repeated})
        into = (snapshot, upserts, deletes)
        counts = self._merge(arrival, old, into, is_full=is_full, is_by_row=is_by_row)
        is_reordered = old.key != self._dataset.key_of(arrival.table)
        self._is_reordered |= is_reordered
        is_changed = bool(counts.inserted or counts.updated or counts.deleted or is_reordered)
        entry = self._entry(
            arrival.table,
            rows=counts.rows,
            sha256=snapshot.sha256,
            upserts=upserts.rows,
            deletes=deletes.rows,
            columns=list(dict.fromkeys((*old.columns, *arrival.columns))),
            snapshot_key=None if is_changed else old.snapshot_key,
            repeated=arrival.came.clashes,
            is_by_row=is_by_row,
        )
        self._copies |= {
            entry.upserts_key: self._closed(upserts),
            entry.deletes_key: self._closed(deletes),
        }
        if is_changed:
            self._copies[entry.snapshot_key] = snapshot.key
        return entry, counts

    def _merge(
        self,
        arrival: TableInput,
        old: TableEntry,
        into: tuple[RowWriter, RowWriter, RowWriter],
        *,
        is_full: bool,
        is_by_row: bool,
    ) -> MergeCounts:
        key_field = self._dataset.key_of(arrival.table)
        key_of = key_of_line(key_field)
        before = self._store.blocks(old.snapshot_key, key_of)
        if old.key != key_field:
            before = in_order(before, key_of)
        came, sinks, is_slight = arrival.came.stream(), Sinks(*into), slight_changes(old.columns)
        if is_by_row:
            counts = MergeByRow(key_of, sinks, is_slight=is_slight).run(before, came)
        else:
            identity_of = identity_line(key_field)
            merge = Merge(key_of, identity_of, sinks, is_full=is_full, is_slight=is_slight)
            counts = merge.run(before, came, arrival.gone.stream())
            self._note_unmet(arrival, merge.deletions_met, is_full=is_full)
        into[0].close()
        return counts

    def _carried(self, table: str, old: TableEntry) -> tuple[TableEntry, MergeCounts]:
        """Keep a table without changes: its snapshot stays, its change files are empty."""
        entry = self._entry(
            table,
            rows=old.rows,
            sha256=old.sha256,
            upserts=0,
            deletes=0,
            columns=old.columns,
            snapshot_key=old.snapshot_key,
        )
        self._copies[entry.upserts_key] = self._copies[entry.deletes_key] = self._empty()
        return entry, MergeCounts(previous=old.rows, rows=old.rows)

    def _note_unmet(self, arrival: TableInput, met: int, *, is_full: bool) -> None:
        """Count the deletions of a change set that name no row of the snapshot."""
        if not is_full and arrival.gone.rows > met:
            self._unmet[arrival.table] = arrival.gone.rows - met

    def _entry(self, table: str, *, snapshot_key: str | None = None, **facts: Any) -> TableEntry:
        """Return a table's entry; ``snapshot_key`` if an earlier snapshot still is the table."""
        sequence = self._sequence
        return TableEntry(
            snapshot_key=snapshot_key or self._place.snapshot(table, sequence),
            upserts_key=self._place.change(table, sequence, "upserts"),
            deletes_key=self._place.change(table, sequence, "deletes"),
            key=self._dataset.key_of(table),
            **facts,
        )

    def _closed(self, changes: RowWriter) -> str:
        """Return where the change file is staged: all files without rows are one object."""
        if not changes.rows:
            return self._empty()
        changes.close()
        return changes.key

    def _empty(self) -> str:
        """Return the key of a staged object without rows."""
        if not self._empty_key:
            empty = self._store.write(f"{self._out}empty")
            empty.close()
            self._empty_key = empty.key
        return self._empty_key


def assemble(
    item: DatasetRecord,
    dataset: Dataset,
    requested_changed_rows: str,
    pages: StagedPages,
    policy: ColumnPolicy,
    deps: PullDependencies,
    *,
    heartbeat: Callable[[], None],
    remaining_seconds: Callable[[], float],
) -> BuiltSequence:
    """Merge the pages of the pull under way with what readers have.

    Args:
        heartbeat, remaining_seconds: As for ``PageFetcher``.

    Raises:
        AnswerDoubtedError: Rows are repeated, missing or too many, and not as seen before.
        ChangeSetUnusableError: The change set cannot be applied to what readers have.
    """
    place = DatasetLayout(item.estab, item.dataset)
    out = staging_prefix(item.estab, item.dataset, item.progress.pull_id)
    out += f"out-{item.lease.fence}/"
    parquet = parquet_files(deps, place, dataset, out, heartbeat, remaining_seconds)
    builder = SequenceBuilder(
        deps.store, dataset, place, out=out, heartbeat=heartbeat, parquet=parquet
    )
    return builder.assemble(
        pages,
        pages.facts,
        {table: list(columns) for table, columns in policy.columns.items()},
        item.published.manifest,
        item.published.sequence + 1,
        is_full=requested_changed_rows == ALL_ROWS,
        is_same_request=item.chain.fingerprint == dataset.fingerprint,
        seen=item.noticed.oddities_seen,
    )
