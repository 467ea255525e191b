"""Applies changes to a snapshot, and finds the changes between two snapshots.

Three ordered streams are merged: the previous snapshot, the pulled rows, and the deleted
identities. They are merged window by window; a window holds the rows up to the nearest end of a
block. A block that overlaps no other stream is copied without decompression, so a small change to a
large table costs little more than copying the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from xporter_bridge.snapshots.blocks import Block
from xporter_bridge.snapshots.cursor import AFTER_EVERY_LINE, Cursor, Pair
from xporter_bridge.snapshots.row_changes import IsSlight
from xporter_bridge.snapshots.row_keys import KeyOfLine


class Sink(Protocol):
    """Takes ordered, newline-terminated rows."""

    def write(self, data: bytes, rows: int) -> None:
        """Append the rows."""
        ...


@dataclass
class MergeCounts:
    """The counts of a merge; ``rows`` is the number of rows in the new snapshot.

    ``slight`` counts updated rows that only Xporter changed (``row_changes``).
    """

    previous: int = 0
    rows: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    slight: int = 0


@dataclass(frozen=True)
class Sinks:
    """The outputs of a merge.

    ``snapshot`` receives the new table, ``upserts`` the new and changed rows, and ``deletes`` the
    identities of deleted rows.
    """

    snapshot: Sink
    upserts: Sink
    deletes: Sink


class Merge:
    """The merge of a table whose rows have different identities (otherwise ``merge_by_row``).

    Args:
        key_of: Finds the order key of a row; all three streams are in the order of this key.
        identity_of: Reduces a row to the identity for the file of deletions.
        is_full: The pulled rows are the whole table: a row that is not among them is deleted.
            Otherwise, only identities in ``gone`` that the snapshot contains are deleted.
        is_slight: Tells whether only Xporter changed a row (``row_changes``).
    """

    def __init__(
        self,
        key_of: KeyOfLine,
        identity_of: Callable[[bytes], bytes],
        sinks: Sinks,
        *,
        is_full: bool,
        is_slight: IsSlight = lambda _old, _new: False,
    ) -> None:
        self._key_of = key_of
        self._identity_of = identity_of
        self._is_full = is_full
        self._is_slight = is_slight
        self._sinks = sinks
        self._counts = MergeCounts()
        # The number of deletions that name a row of the snapshot.
        self.deletions_met = 0

    def run(
        self, previous: Iterator[Block], came: Iterator[Block], gone: Iterator[Block]
    ) -> MergeCounts:
        """Merge the three streams into the sinks and return the counts."""
        old, new, lost = (Cursor(stream, self._key_of) for stream in (previous, came, gone))
        while waiting := [cursor for cursor in (old, new, lost) if cursor.has_rows()]:
            if not self._is_full and _is_alone(old, waiting):
                self._keep(old.take_block())
            elif _is_alone(new, waiting):
                self._insert(new.take_block())
            else:
                bound = min(cursor.last_key for cursor in waiting), AFTER_EVERY_LINE
                self._window(*(cursor.take(bound) for cursor in (old, new, lost)))
        return self._counts

    def _keep(self, block: Block) -> None:
        self._sinks.snapshot.write(block.data, block.rows)
        self._counts.previous += block.rows
        self._counts.rows += block.rows

    def _insert(self, block: Block) -> None:
        self._sinks.snapshot.write(block.data, block.rows)
        self._sinks.upserts.write(block.data, block.rows)
        self._counts.rows += block.rows
        self._counts.inserted += block.rows

    def _window(self, old: list[Pair], new: list[Pair], lost: list[Pair]) -> None:
        before, after = dict(old), dict(new)
        named = before.keys() & {key for key, _ in lost}
        self.deletions_met += len(named)
        deleted = (before.keys() if self._is_full else named) - after.keys()
        upserts = [(key, line) for key, line in new if before.get(key) != line]
        rows = before | after
        for key in deleted:
            del rows[key]
        write_lines(self._sinks.snapshot, map(rows.__getitem__, sorted(rows)))
        write_lines(self._sinks.upserts, (line for _, line in upserts))
        write_lines(
            self._sinks.deletes, (self._identity_of(before[key]) for key in sorted(deleted))
        )
        updated = [(before[key], line) for key, line in upserts if key in before]
        counts = self._counts
        counts.previous += len(old)
        counts.rows += len(rows)
        counts.inserted += len(upserts) - len(updated)
        counts.updated += len(updated)
        counts.slight += sum(self._is_slight(*versions) for versions in updated)
        counts.deleted += len(deleted)


def _is_alone(cursor: Cursor, waiting: list[Cursor]) -> bool:
    """Tell whether the next block of a stream ends before any other stream begins."""
    block = cursor.block
    return block is not None and all(
        other.first_key > block.last for other in waiting if other is not cursor
    )


def write_lines(sink: Sink, lines: Iterable[bytes]) -> None:
    """Append the rows, if there are any."""
    found = list(lines)
    if found:
        sink.write(b"\n".join(found) + b"\n", len(found))
