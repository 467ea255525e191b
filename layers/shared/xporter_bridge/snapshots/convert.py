"""Writes the Parquet file of a snapshot, beside the NDJSON and never instead of it.

NDJSON is what the product promises. Whatever fails here is logged and counted, and the sequence is
published without the file; only what would fail the pull all the same is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

import orjson

from xporter_bridge import telemetry
from xporter_bridge.errors import XporterBridgeError
from xporter_bridge.snapshots.blocks import Block
from xporter_bridge.snapshots.layout import DatasetLayout, parquet_key
from xporter_bridge.snapshots.manifest import ParquetEntry, TableEntry
from xporter_bridge.snapshots.parquet_columns import (
    ColumnChooser,
    TypeOf,
    UnconvertibleError,
    rows_of,
)
from xporter_bridge.snapshots.parquet_file import ParquetFile
from xporter_bridge.snapshots.parquet_forms import TEXT
from xporter_bridge.snapshots.row_keys import ID, key_of_line
from xporter_bridge.snapshots.store import SnapshotStore

# While a change is held, the entries of all tables are in the dataset's item twice. The item holds
# 400 kilobytes. So there is room for ten tables of 81 typed columns, the most that is documented.
_MOST_BYTES = 80 * 1024
Blocks = Callable[[], Iterator[Block]]


def bytes_of(entry: ParquetEntry, to: str) -> int:
    """Return what the entry, and the copy of its file, take of the dataset's item."""
    return _size(entry.document()) + len(entry.key or "") + len(to)


class TooSlowError(Exception):
    """The file would not be complete in time."""


class ParquetConverter:
    """Writes Parquet files to the staging bucket.

    Args:
        endpoint: Xporter's endpoint of the dataset, for the metric.
        type_of: The catalogue's type of a column.
        has_time: Whether there is time left for a file; asked with every block.
        heartbeat: Called with every block; may raise to stop.
    """

    def __init__(
        self,
        store: SnapshotStore,
        place: DatasetLayout,
        endpoint: str,
        type_of: TypeOf,
        *,
        has_time: Callable[[], bool],
        heartbeat: Callable[[], None],
    ) -> None:
        self._store = store
        self._place = place
        self._endpoint = endpoint
        self._type_of = type_of
        self._has_time = has_time
        self._heartbeat = heartbeat

    def convert(
        self, table: str, entry: TableEntry, blocks: Blocks, to: str, *, most_bytes: int
    ) -> ParquetEntry:
        """Stage the Parquet file of a table, and return its entry; without a key if it failed.

        Args:
            blocks: Streams the rows of the snapshot; called twice.
            to: The staged key.
            most_bytes: The room for the entry and the copy in the dataset's item.

        Raises:
            XporterBridgeError: AWS failed, or the lease was lost.
        """
        names = {"estab": self._place.estab, "dataset": self._place.dataset, "table": table}
        try:
            return self._converted(entry, blocks, to, most_bytes)
        except XporterBridgeError:
            raise
        except (TooSlowError, UnconvertibleError) as error:
            reason = getattr(error, "reason", "out_of_time")
            telemetry.warn("parquet_left_out", **names, reason=reason)
        except Exception as error:  # noqa: BLE001 - a fault of the writer must not cost the data
            telemetry.report("parquet_failed", error, **names)
        telemetry.count("ParquetFailed", self._endpoint)
        return ParquetEntry(None)

    def _converted(
        self, entry: TableEntry, blocks: Blocks, to: str, most_bytes: int
    ) -> ParquetEntry:
        chooser = ColumnChooser(self._type_of, entry.columns, entry.key or ID)
        for block in self._timed(blocks()):
            chooser.look_at(rows_of(block))
        columns = chooser.chosen()
        types = {each.name: each.form.name for each in columns if each.form is not TEXT}
        made = ParquetEntry(parquet_key(entry.snapshot_key), "0" * 64, types)
        if bytes_of(made, to) > most_bytes:
            raise UnconvertibleError("too_many_columns")
        file = ParquetFile([(column.name, column.form.kind) for column in columns])
        writer = self._store.write_file(to)
        for block in self._timed(blocks()):
            rows = rows_of(block)
            writer.write(file.add([column.values(rows) for column in columns], len(rows)))
        writer.write(file.end())
        writer.close()
        return replace(made, sha256=writer.sha256)

    def _timed(self, blocks: Iterable[Block]) -> Iterator[Block]:
        for block in blocks:
            self._heartbeat()
            if not self._has_time():
                raise TooSlowError
            yield block


class ParquetFiles:
    """The Parquet files of the tables of one candidate for the next sequence.

    Args:
        out: The prefix of staged results.
    """

    def __init__(self, store: SnapshotStore, converter: ParquetConverter, out: str) -> None:
        self._store = store
        self._converter = converter
        self._out = out

    def added(
        self,
        entries: Mapping[str, TableEntry],
        before: Mapping[str, TableEntry],
        copies: dict[str, str],
    ) -> tuple[dict[str, TableEntry], bool]:
        """Return the entries with the files of their snapshots, which are added to the copies.

        A file that is there already stays. The second value tells whether a table whose rows stay
        has a file that it did not have, which is news to readers.
        """
        made, is_news = {}, False
        room = _MOST_BYTES - sum(_size(entry.document()) for entry in entries.values())
        for table, entry in entries.items():
            old, to = before.get(table), f"{self._out}{table}.parquet"
            is_kept = old is not None and old.snapshot_key == entry.snapshot_key
            if old and is_kept and old.parquet and old.parquet.key:
                parquet = old.parquet
            else:
                rows = self._rows(entry, copies.get(entry.snapshot_key))
                parquet = self._converter.convert(table, entry, rows, to, most_bytes=room)
                if parquet.key:
                    copies[parquet.key] = to
                    is_news |= is_kept
            room -= bytes_of(parquet, to)
            made[table] = replace(entry, parquet=parquet)
        return made, is_news

    def _rows(self, entry: TableEntry, staged: str | None) -> Callable[[], Iterator[Block]]:
        key_of = key_of_line(entry.key)
        if staged is None:
            return lambda: self._store.blocks(entry.snapshot_key, key_of)
        return lambda: self._store.staged_blocks(staged, key_of)


def _size(document: object) -> int:
    return len(orjson.dumps(document))
