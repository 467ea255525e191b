"""Blocks of ordered rows.

A table of a million rows does not fit into memory. It is processed in blocks of a few hundred rows;
the rows of a block, and the blocks, are in order.
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

    ``packed`` holds the same rows compressed, if they were compressed before. ``repeats`` counts
    duplicate rows that were left out; ``clashes`` counts rows that share their identity with a
    different earlier row.
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
    """The rows that share an identity, as counted by ``distinct``.

    ``evidence`` is a digest of these rows that does not depend on their order: two responses with
    the same evidence repeat the same rows.
    """

    repeats: int = 0
    clashes: int = 0
    evidence: int = 0

    def add_repeat(self, pair: tuple[bytes, bytes]) -> None:
        """Count a row that equals an earlier row byte for byte."""
        self.repeats += 1
        self._add(b"repeat", pair)

    def add_clash(self, pair: tuple[bytes, bytes]) -> None:
        """Count a row that shares its identity with a different row."""
        self.clashes += 1
        self._add(b"clash", pair)

    def _add(self, kind: bytes, pair: tuple[bytes, bytes]) -> None:
        digest = sha256(b"\0".join((kind, *pair))).digest()
        self.evidence = (self.evidence + int.from_bytes(digest)) % (1 << 256)


def block_of(pairs: Sequence[tuple[bytes, bytes]], met: Repeats | None = None) -> Block:
    """Return the block of ordered, non-empty (key, line) pairs; ``met`` counts their repeats."""
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
    """Yield ordered pairs once each, and count in ``met`` the rows that share an identity.

    Xporter pages side tables together with the main table, and every page may contain a whole side
    table. Some MIS also give several rows one Id (xporter-api.md 5.3). The whole text
    distinguishes such rows.

    Args:
        before: The last pair before these.
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
