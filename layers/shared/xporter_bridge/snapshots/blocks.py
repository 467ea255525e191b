"""Blocks of ordered rows.

A table of a million rows is never whole in memory: it is processed in blocks of a few hundred rows
each, ordered within and among each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from xporter_bridge.snapshots.row_keys import KeyOfLine

ROWS_PER_BLOCK = 1_000


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of one table in order: newline-terminated JSON, with the order keys of both ends.

    ``packed`` is the same rows compressed, if they were compressed before. ``repeats`` counts rows
    that were left out because the same row had come already; ``clashes`` counts those that share
    their identity with another row before them.
    """

    data: bytes
    rows: int
    first: bytes
    last: bytes
    packed: bytes | None = None
    repeats: int = 0
    clashes: int = 0

    def lines(self) -> list[bytes]:
        """Return the rows, without their newlines."""
        return self.data.split(b"\n")[:-1]


@dataclass(frozen=True, slots=True)
class Section:
    """A block that is stored somewhere and loaded only when its rows are needed.

    ``is_near`` means that loading it needs no network.
    """

    rows: int
    first: bytes
    last: bytes
    load: Callable[[], Block]
    is_near: bool = False
    repeats: int = 0
    clashes: int = 0


@dataclass
class Repeats:
    """What ``distinct`` met of rows that share an identity.

    ``evidence`` sums up which rows they were, in whatever order they were met: two answers with
    the same evidence repeat the same rows.
    """

    repeats: int = 0
    clashes: int = 0
    evidence: int = 0

    def add_repeat(self, pair: tuple[bytes, bytes]) -> None:
        """Count a row that came before, to the byte."""
        self.repeats += 1
        self._add(b"repeat", pair)

    def add_clash(self, pair: tuple[bytes, bytes]) -> None:
        """Count a row whose identity another row has."""
        self.clashes += 1
        self._add(b"clash", pair)

    def _add(self, kind: bytes, pair: tuple[bytes, bytes]) -> None:
        digest = sha256(b"\0".join((kind, *pair))).digest()
        self.evidence = (self.evidence + int.from_bytes(digest)) % (1 << 256)


def block_of(pairs: Sequence[tuple[bytes, bytes]], met: Repeats | None = None) -> Block:
    """Return the block of ordered, non-empty (key, line) pairs; ``met`` is what was met of them."""
    data = b"\n".join([line for _, line in pairs]) + b"\n"
    met = met or Repeats()
    ends = (pairs[0][0], pairs[-1][0])
    return Block(data, len(pairs), *ends, repeats=met.repeats, clashes=met.clashes)


def in_order(blocks: Iterable[Block], key_of: KeyOfLine) -> Iterator[Block]:
    """Stream the rows of a small table that was ordered by another key."""
    lines = [line for block in blocks for line in block.lines()]
    pairs = sorted(zip(map(key_of, lines), lines, strict=True))
    for start in range(0, len(pairs), ROWS_PER_BLOCK):
        yield block_of(pairs[start : start + ROWS_PER_BLOCK])


def distinct(
    pairs: Iterable[tuple[bytes, bytes]], met: Repeats, before: tuple[bytes, bytes] | None = None
) -> Iterator[tuple[bytes, bytes]]:
    """Yield ordered pairs once each, and note in ``met`` those that share an identity.

    Xporter slices side tables beside the main one, and a side table may come whole with every
    page; and MIS do give several rows one Id (xporter-api.md 5.3). Such rows are kept apart by
    their whole text.

    Args:
        before: The pair that was yielded before these.
    """
    previous = before
    for pair in pairs:
        if previous is not None and pair[0] == previous[0]:
            if pair[1] == previous[1]:
                met.add_repeat(pair)
                continue
            met.add_clash(pair)
        previous = pair
        yield pair
