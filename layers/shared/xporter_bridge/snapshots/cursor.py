"""A position in an ordered stream of rows, with one block at a time in memory."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from xporter_bridge.snapshots.blocks import Block
from xporter_bridge.snapshots.row_keys import KeyOfLine

# The order key and the text of a row: they order all rows, also those that share an identity.
Pair = tuple[bytes, bytes]
# Greater than the text of any row, because no UTF-8 text contains this byte.
AFTER_EVERY_LINE = b"\xff"


class Cursor:
    """Takes rows from the front of a stream, a whole block or up to a bound.

    ``block`` is the next block while no row of it has been taken, else None.
    """

    def __init__(self, blocks: Iterator[Block], key_of: KeyOfLine) -> None:
        self._blocks = blocks
        self._key_of = key_of
        self._pairs: list[Pair] = []
        self.block: Block | None = None

    def has_rows(self) -> bool:
        """Load the next block if necessary; return False at the end of the stream."""
        if self.block is None and not self._pairs:
            self.block = next(self._blocks, None)
        return self.block is not None or bool(self._pairs)

    @property
    def first_key(self) -> bytes:
        """The key of the next row."""
        return self.block.first if self.block else self._pairs[0][0]

    @property
    def last_key(self) -> bytes:
        """The key of the last row in memory."""
        return self.block.last if self.block else self._pairs[-1][0]

    @property
    def last(self) -> Pair:
        """The last row in memory."""
        return self._opened()[-1]

    def take_block(self) -> Block:
        """Take the whole block; no row of it has been taken yet."""
        assert self.block is not None  # noqa: S101 - the caller has looked
        block, self.block = self.block, None
        return block

    def take(self, bound: Pair) -> list[Pair]:
        """Take the rows in memory up to the bound, inclusive."""
        if self.block and self.block.first > bound[0]:
            return []
        pairs = self._opened()
        cut = bisect_right(pairs, bound)
        taken, self._pairs = pairs[:cut], pairs[cut:]
        return taken

    def _opened(self) -> list[Pair]:
        if self.block:
            lines = self.take_block().lines()
            self._pairs = list(zip(map(self._key_of, lines), lines, strict=True))
        return self._pairs
