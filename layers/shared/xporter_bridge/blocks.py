"""Ordered rows in handy pieces, and the union of the pieces that pages bring.

A table of a million rows never stands in memory: it flows through as blocks of some hundred rows
each, ordered within and among each other.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

from xporter_bridge.errors import PageDriftError
from xporter_bridge.ordering import KeyOfLine

ROWS_PER_BLOCK = 1_000
# So many runs are merged at a time; each holds one block in memory.
FAN_IN = 16


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of one table in order: newline-terminated JSON, with the order keys of both ends."""

    data: bytes
    rows: int
    first: bytes
    last: bytes

    def lines(self) -> list[bytes]:
        """Return the rows, without their newlines."""
        return self.data.split(b"\n")[:-1]


@dataclass(frozen=True, slots=True)
class Section:
    """A block that is stored somewhere and loaded when its turn comes."""

    rows: int
    first: bytes
    last: bytes
    load: Callable[[], Block]


# Stores an ordered stream and returns how to stream it again: for tables whose pages overlap.
Spill = Callable[[Iterator[Block]], Callable[[], Iterator[Block]]]


def block_of(pairs: Sequence[tuple[bytes, bytes]]) -> Block:
    """Return the block of ordered, non-empty (key, line) pairs."""
    data = b"\n".join(line for _, line in pairs) + b"\n"
    return Block(data, len(pairs), pairs[0][0], pairs[-1][0])


def distinct(pairs: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    """Yield ordered pairs once each.

    Xporter slices side tables beside the main one, and a side table may come whole with every
    page, so the same row twice is no fault; two different rows with one identity are.

    Raises:
        PageDriftError: Two rows have the same identity and different contents.
    """
    previous: tuple[bytes, bytes] | None = None
    for pair in pairs:
        if previous is not None and pair[0] == previous[0]:
            if pair[1] != previous[1]:
                raise PageDriftError("identity_repeated")
            continue
        previous = pair
        yield pair


def union(sections: Iterable[Section], key_of: KeyOfLine, spill: Spill) -> Iterator[Block]:
    """Stream the rows of all sections in order, each identity once.

    Sections that follow each other are chained, which is free; only those that overlap are merged
    row by row, ``FAN_IN`` runs at a time, over intermediate runs that ``spill`` stores.

    Raises:
        PageDriftError: As ``distinct``.
    """
    runs: list[Callable[[], Iterator[Block]]] = [
        _chained(run) for run in _runs(sorted(sections, key=lambda section: section.first))
    ]
    while len(runs) > FAN_IN:
        merged = _merged([run() for run in runs[:FAN_IN]], key_of)
        runs = [*runs[FAN_IN:], spill(merged)]
    if len(runs) == 1:
        yield from runs[0]()
    elif runs:
        yield from _merged([run() for run in runs], key_of)


def count(sections: Iterable[Section], key_of: KeyOfLine, spill: Spill) -> int:
    """Return how many distinct rows the sections hold; only overlapping ones must be read."""
    held = list(sections)
    if len(_runs(sorted(held, key=lambda section: section.first))) <= 1:
        return sum(section.rows for section in held)
    return sum(block.rows for block in union(held, key_of, spill))


def pairs_of(blocks: Iterable[Block], key_of: KeyOfLine) -> Iterator[tuple[bytes, bytes]]:
    """Yield every row of the blocks with its order key."""
    for block in blocks:
        for line in block.lines():
            yield key_of(line), line


def blocks_of(pairs: Iterable[tuple[bytes, bytes]]) -> Iterator[Block]:
    """Gather ordered pairs into blocks."""
    gathered: list[tuple[bytes, bytes]] = []
    for pair in pairs:
        gathered.append(pair)
        if len(gathered) == ROWS_PER_BLOCK:
            yield block_of(gathered)
            gathered = []
    if gathered:
        yield block_of(gathered)


def _runs(ordered: Iterable[Section]) -> list[list[Section]]:
    """Deal the sections, ordered by their first key, into as few non-overlapping runs as fit."""
    runs: list[list[Section]] = []
    ends: list[tuple[bytes, int]] = []
    for section in ordered:
        if ends and ends[0][0] < section.first:
            number = ends[0][1]
            runs[number].append(section)
            heapq.heapreplace(ends, (section.last, number))
        else:
            runs.append([section])
            heapq.heappush(ends, (section.last, len(runs) - 1))
    return runs


def _chained(run: list[Section]) -> Callable[[], Iterator[Block]]:
    return lambda: (section.load() for section in run)


def _merged(runs: list[Iterator[Block]], key_of: KeyOfLine) -> Iterator[Block]:
    streams = [pairs_of(run, key_of) for run in runs]
    return blocks_of(distinct(heapq.merge(*streams, key=itemgetter(0))))
