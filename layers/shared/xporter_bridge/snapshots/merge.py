"""Applies what changed to a snapshot, and finds what changed between two.

Three ordered streams meet: the previous snapshot, the rows that came, and the identities that
went. Where they do not overlap, whole blocks pass untouched, so that a small change to a large
table costs little more than copying it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from xporter_bridge.snapshots.blocks import ROWS_PER_BLOCK, Block
from xporter_bridge.snapshots.row_changes import IsSlight
from xporter_bridge.snapshots.row_keys import KeyOfLine

# A thousand rows of photos are a hundred megabytes.
_BYTES_PER_BLOCK = 4 * 1024 * 1024


class Sink(Protocol):
    """Takes ordered, newline-terminated rows."""

    def write(self, data: bytes, rows: int) -> None:
        """Append the rows."""
        ...


@dataclass
class MergeCounts:
    """How many rows a merge met and made; ``rows`` is what the new snapshot holds.

    ``slight`` counts those of the updated rows in which the school itself changed nothing.
    """

    previous: int = 0
    rows: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    slight: int = 0


class Cursor:
    """Walks an ordered stream of blocks row by row, or block by block where nobody interferes."""

    def __init__(self, blocks: Iterator[Block], key_of: KeyOfLine) -> None:
        self._blocks = blocks
        self._key_of = key_of
        self._lines: list[bytes] | None = None
        self._at = 0
        self.block: Block | None = None
        self.key: bytes | None = None
        self.next_block()

    @property
    def is_at_block_start(self) -> bool:
        """Tell whether no row of the current block has been taken yet."""
        return self._lines is None

    @property
    def line(self) -> bytes:
        """The current row."""
        return self._opened()[self._at]

    def next_block(self) -> None:
        """Step over the rest of the current block."""
        self.block = next(self._blocks, None)
        self.key = self.block.first if self.block else None
        self._lines, self._at = None, 0

    def next_row(self) -> None:
        """Step over the current row."""
        lines = self._opened()
        self._at += 1
        if self._at == len(lines):
            self.next_block()
        else:
            self.key = self._key_of(lines[self._at])

    def skip_below(self, key: bytes) -> None:
        """Step forward until the current row is not below the key."""
        while self.block is not None and self.block.last < key:
            self.next_block()
        while self.key is not None and self.key < key:
            self.next_row()

    def _opened(self) -> list[bytes]:
        if self._lines is None:
            assert self.block is not None  # noqa: S101 - the caller looked at ``key`` first
            self._lines = self.block.lines()
        return self._lines


class _Rows:
    """Gathers single rows, so that a sink sees blocks."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._lines: list[bytes] = []
        self._bytes = 0

    def add(self, line: bytes) -> None:
        self._lines.append(line)
        self._bytes += len(line)
        if self._bytes >= _BYTES_PER_BLOCK or len(self._lines) == ROWS_PER_BLOCK:
            self.flush()

    def add_block(self, block: Block) -> None:
        self.flush()
        self._sink.write(block.data, block.rows)

    def flush(self) -> None:
        if self._lines:
            self._sink.write(b"\n".join(self._lines) + b"\n", len(self._lines))
            self._lines, self._bytes = [], 0


class Merge:
    """One table's merge.

    Args:
        key_of: Finds the order key of a row; the same that ordered all three streams.
        is_full: The rows that came are the whole table: whatever did not come has gone. Otherwise
            only what ``gone`` names has, and only if the snapshot really holds it.
        is_slight: Tells whether two versions of a row differ in nothing that the school did.
        is_by_row: Rows may share an identity, so that only the whole row tells them apart; the
            table is full then, and a deletion keeps the whole row.
        identity_of: Reduces a row to what the file of deletions may keep of it.
        snapshot: Takes the new table; ``upserts`` the rows that are new or different in it;
            ``deletes`` the identities of the rows that it no longer holds.
    """

    def __init__(
        self,
        key_of: KeyOfLine,
        identity_of: Callable[[bytes], bytes],
        *,
        is_full: bool,
        is_slight: IsSlight | None = None,
        is_by_row: bool = False,
        snapshot: Sink,
        upserts: Sink,
        deletes: Sink,
    ) -> None:
        self._key_of = key_of
        self._identity_of = identity_of
        self._is_full = is_full
        self._is_by_row = is_by_row
        self._is_slight = is_slight or (lambda _old, _new: False)
        # Of the identity at hand, how many more rows came than went, with ``is_by_row``, and the
        # last of them.
        self._pairing: tuple[bytes, int, bytes] = (b"", 0, b"")
        self._snapshot, self._upserts, self._deletes = map(_Rows, (snapshot, upserts, deletes))
        self._counts = MergeCounts()
        # How many of the deletions named a row that the snapshot had.
        self.deletions_met = 0

    def run(
        self, previous: Iterator[Block], came: Iterator[Block], gone: Iterator[Block]
    ) -> MergeCounts:
        """Drain the three streams into the sinks and return the counts."""
        old, new, lost = (Cursor(stream, self._key_of) for stream in (previous, came, gone))
        while old.key is not None:
            if self._passes_untouched(old, new, lost):
                continue
            if new.key is not None and new.key < old.key:
                self._insert(new, before=old.key)
            elif new.key == old.key and not self._is_by_row:
                self._is_deleted(old, lost)  # and given again: it stays
                self._update(old, new)
            elif new.key == old.key and new.line <= old.line:
                self._keep_or_insert(old, new)
            else:
                self._keep_or_delete(old, lost)
        while new.block is not None:
            self._insert(new, before=None)
        for rows in (self._snapshot, self._upserts, self._deletes):
            rows.flush()
        return self._counts

    def _passes_untouched(self, old: Cursor, new: Cursor, lost: Cursor) -> bool:
        """Copy a whole block of the previous snapshot if nothing touches it."""
        if self._is_full or not old.is_at_block_start or old.block is None or old.key is None:
            return False
        lost.skip_below(old.key)
        if any(other.key is not None and other.key <= old.block.last for other in (new, lost)):
            return False
        self._snapshot.add_block(old.block)
        self._counts.previous += old.block.rows
        self._counts.rows += old.block.rows
        old.next_block()
        return True

    def _insert(self, new: Cursor, *, before: bytes | None) -> None:
        block = new.block
        if block and new.is_at_block_start and (before is None or block.last < before):
            self._snapshot.add_block(block)
            self._upserts.add_block(block)
            self._counts.rows += block.rows
            self._counts.inserted += block.rows
            new.next_block()
        else:
            self._snapshot.add(new.line)
            self._upserts.add(new.line)
            self._counts.rows += 1
            self._counts.inserted += 1 - self._is_other_half(new, 1)
            new.next_row()

    def _update(self, old: Cursor, new: Cursor) -> None:
        self._snapshot.add(new.line)
        if old.line != new.line:
            self._upserts.add(new.line)
            self._counts.updated += 1
            self._counts.slight += self._is_slight(old.line, new.line)
        self._counts.previous += 1
        self._counts.rows += 1
        old.next_row()
        new.next_row()

    def _keep_or_insert(self, old: Cursor, new: Cursor) -> None:
        """Of rows that may share an identity: keep one that both have, else insert the new one."""
        if old.line == new.line:
            self._update(old, new)
        else:
            self._insert(new, before=old.key)

    def _is_other_half(self, row: Cursor, step: int) -> bool:
        """Tell whether a row that came (1) or went (-1) is one half of an update, and count it.

        Where only whole rows identify, an update is a deletion and an insertion of one identity.
        """
        if not self._is_by_row or row.key is None:
            return False
        key, surplus, partner = self._pairing
        surplus = surplus if key == row.key else 0
        self._pairing = (row.key, surplus + step, row.line)
        if surplus * step >= 0:
            return False
        versions = (partner, row.line) if step > 0 else (row.line, partner)
        self._counts.slight += self._is_slight(*versions)
        self._counts.updated += 1
        self._counts.inserted -= step < 0
        self._counts.deleted -= step > 0
        return True

    def _is_deleted(self, old: Cursor, lost: Cursor) -> bool:
        assert old.key is not None  # noqa: S101 - ``run`` looked
        lost.skip_below(old.key)
        is_deleted = lost.key == old.key
        self.deletions_met += is_deleted
        return is_deleted

    def _keep_or_delete(self, old: Cursor, lost: Cursor) -> None:
        if self._is_deleted(old, lost) or self._is_full:
            line = old.line if self._is_by_row else self._identity_of(old.line)
            self._deletes.add(line)
            self._counts.deleted += 1 - self._is_other_half(old, -1)
        else:
            self._snapshot.add(old.line)
            self._counts.rows += 1
        self._counts.previous += 1
        old.next_row()
