"""One dataset, published with the product's own merge, store and manifest, in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.builders import ESTAB
from tests.support.fakes import S3, Calls
from xporter_bridge.pulls.retention import unreferenced_keys
from xporter_bridge.snapshots.blocks import Block
from xporter_bridge.snapshots.convert import ParquetConverter, ParquetFiles
from xporter_bridge.snapshots.encode_rows import rendered
from xporter_bridge.snapshots.layout import DatasetLayout, school_prefixes
from xporter_bridge.snapshots.manifest import Manifest, TableEntry
from xporter_bridge.snapshots.merge import Merge, Sinks
from xporter_bridge.snapshots.merge_by_row import MergeByRow
from xporter_bridge.snapshots.row_keys import identity_line, key_of_line
from xporter_bridge.snapshots.store import SnapshotStore
from xporter_bridge.timestamps import iso
from xporter_bridge.xporter.column_types import type_of

DATA, STAGING = "data", "staging"
Rows = Sequence[Mapping[str, Any]]


class PublishedDataset:
    """One dataset in a bucket in memory.

    ``keys`` has the field that identifies the rows of a table without an ``Id``.
    """

    def __init__(
        self,
        dataset: str = "students",
        keys: Mapping[str, str] | None = None,
        *,
        has_parquet: bool = False,
    ) -> None:
        self.s3 = S3(Calls())
        self.store = SnapshotStore(self.s3, DATA, STAGING)
        self.place = DatasetLayout(ESTAB, dataset)
        self.clock = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
        self.published: list[Manifest] = []
        self.sequence = 0
        self._keys = keys or {}
        self._has_parquet = has_parquet

    def publish(self, tables: Mapping[str, Rows]) -> Manifest:
        """Make these rows the next sequence, as a pull of the whole dataset does."""
        self.sequence += 1
        before = self.published[-1].tables if self.published else {}
        copies: dict[str, str] = {}
        entries = {
            name: self._table(name, rows, before.get(name), copies) for name, rows in tables.items()
        }
        if self._has_parquet:
            entries, _ = self.parquet_files().added(entries, before, copies)
        self.store.publish(copies)
        made = self._manifest(tables=entries, pull_id=f"pull-{self.clock.timestamp():.0f}")
        self._commit(made)
        return made

    def parquet_files(self) -> ParquetFiles:
        """Return what writes Parquet files of this dataset, typed by the catalogue."""
        converter = ParquetConverter(
            self.store,
            self.place,
            self.place.dataset,
            type_of,
            has_time=lambda: True,
            heartbeat=lambda: None,
        )
        return ParquetFiles(self.store, converter, f"staging/{self.clock.timestamp():.0f}/")

    def erase(self, reason: str = "scope_removed") -> None:
        """Erase the dataset: its objects go, and one more manifest says so."""
        self._delete(self.place.prefixes)
        self.sequence += 1
        erased = {"at": iso(self.clock), "reason": reason}
        self.published = []
        self._commit(self._manifest(erased=erased, pull_id=None))

    def erase_school(self) -> None:
        """Erase the whole school, which begins with sequence 1 if it comes back."""
        self._delete(school_prefixes(ESTAB))
        self.published, self.sequence = [], 0

    def prune(self, keep: int) -> None:
        """Delete all sequences but the last ``keep``, as retention does."""
        while len(self.published) > keep:
            old, *later = self.published
            self.store.delete(unreferenced_keys(old, later[0], later[-1]))
            self.store.delete([self.place.manifest(old.sequence)])
            self.published = later

    def _commit(self, made: Manifest) -> None:
        self.store.put_document(self.place.manifest(made.sequence), made.document())
        self.store.put_document(self.place.latest, made.document())
        self.published.append(made)

    def _manifest(self, **facts: Any) -> Manifest:
        self.clock += timedelta(minutes=1)
        return Manifest(
            ESTAB,
            self.place.dataset,
            self.sequence,
            as_of=self.clock,
            completed_at=self.clock,
            stale=False,
            requested_changed_rows=None,
            next_changed_rows="hash",
            **facts,
        )

    def _table(
        self, name: str, rows: Rows, old: TableEntry | None, copies: dict[str, str]
    ) -> TableEntry:
        key = self._keys.get(name, "Id")
        block = rendered(rows, key)
        came = iter([block] if block else [])
        repeated = _repeated(rows)
        is_by_row = bool(repeated or (old and old.repeated))
        prefix = f"staging/{self.clock.timestamp():.0f}/{name}"
        into = [self.store.write(f"{prefix}.{kind}") for kind in ("snapshot", "upserts", "deletes")]
        snapshot, upserts, deletes = into
        before: Iterator[Block] = iter(())
        if old:
            before = self.store.blocks(old.snapshot_key, key_of_line(key))
        if is_by_row:
            MergeByRow(key_of_line(key), Sinks(*into), is_slight=lambda *_: False).run(before, came)
        else:
            merge = Merge(key_of_line(key), identity_line(key), Sinks(*into), is_full=True)
            merge.run(before, came, iter(()))
        for each in into:
            each.close()
        entry = TableEntry(
            rows=snapshot.rows,
            sha256=snapshot.sha256,
            snapshot_key=self.place.snapshot(name, self.sequence),
            upserts=upserts.rows,
            upserts_key=self.place.change(name, self.sequence, "upserts"),
            deletes=deletes.rows,
            deletes_key=self.place.change(name, self.sequence, "deletes"),
            columns=list(dict.fromkeys(field for row in rows for field in row)),
            key=key,
            is_by_row=is_by_row,
            repeated=repeated,
        )
        copies |= dict(zip(entry.keys, (each.key for each in into), strict=True))
        return entry

    def _delete(self, prefixes: Sequence[str]) -> None:
        places = tuple(f"{DATA}/{prefix}" for prefix in prefixes)
        for key in [key for key in self.s3.objects if key.startswith(places)]:
            del self.s3.objects[key]


def _repeated(rows: Rows) -> int:
    ids = [str(row["Id"]) for row in rows if row.get("Id")]
    return len(ids) - len(set(ids))
