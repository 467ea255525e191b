"""Finds the changes in a table with repeated identities by comparing whole rows.

Such a table is pulled whole. A changed row appears as a deletion and an insertion with the same
identity, and counts as an update. The file of deletions holds whole rows, because the identity does
not determine the deleted row.
"""

from __future__ import annotations

from collections.abc import Iterator

from xporter_bridge.snapshots.blocks import Block
from xporter_bridge.snapshots.cursor import Cursor, Pair
from xporter_bridge.snapshots.merge import MergeCounts, Sinks, write_lines
from xporter_bridge.snapshots.row_changes import IsSlight
from xporter_bridge.snapshots.row_keys import KeyOfLine


class MergeByRow:
    """The comparison of one table; the arguments are those of ``Merge``."""

    def __init__(self, key_of: KeyOfLine, sinks: Sinks, *, is_slight: IsSlight) -> None:
        self._key_of = key_of
        self._sinks = sinks
        self._is_slight = is_slight
        self._counts = MergeCounts()
        # For the current identity: inserted minus deleted rows, and the last of these rows.
        self._key, self._surplus, self._partner = b"", 0, b""

    def run(self, previous: Iterator[Block], came: Iterator[Block]) -> MergeCounts:
        """Compare both streams, write the results to the sinks, and return the counts."""
        old, new = (Cursor(stream, self._key_of) for stream in (previous, came))
        while waiting := [cursor for cursor in (old, new) if cursor.has_rows()]:
            bound = min(cursor.last for cursor in waiting)
            self._window(old.take(bound), new.take(bound))
        return self._counts

    def _window(self, old: list[Pair], new: list[Pair]) -> None:
        deleted, inserted = sorted({*old} - {*new}), sorted({*new} - {*old})
        write_lines(self._sinks.snapshot, (line for _, line in new))
        write_lines(self._sinks.upserts, (line for _, line in inserted))
        write_lines(self._sinks.deletes, (line for _, line in deleted))
        self._counts.previous += len(old)
        self._counts.rows += len(new)
        steps = [(*pair, -1) for pair in deleted] + [(*pair, 1) for pair in inserted]
        for key, line, step in sorted(steps):
            self._count(key, line, step)

    def _count(self, key: bytes, line: bytes, step: int) -> None:
        """Count an inserted (1) or deleted (-1) row, or the update that it completes."""
        surplus = self._surplus if key == self._key else 0
        partner, counts = self._partner, self._counts
        self._key, self._surplus, self._partner = key, surplus + step, line
        if surplus * step >= 0:
            counts.inserted += step > 0
            counts.deleted += step < 0
            return
        counts.inserted -= step < 0
        counts.deleted -= step > 0
        counts.updated += 1
        versions = (partner, line) if step > 0 else (line, partner)
        counts.slight += self._is_slight(*versions)
