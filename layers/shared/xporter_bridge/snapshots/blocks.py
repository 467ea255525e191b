"""Blocks of ordered rows, and the union of the blocks of all pages.

A table of a million rows is never whole in memory: it is processed in blocks of a few hundred rows
each, ordered within and among each other.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain, islice, takewhile

from xporter_bridge.snapshots.row_keys import KeyOfLine

ROWS_PER_BLOCK = 1_000
# How many runs are merged at a time; each holds a few blocks in memory.
FAN_IN = 16
# How many blocks of a run are loaded ahead, as S3 takes longer than merging does.
LOADED_AHEAD = 4


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


# Stores an ordered stream and returns how to stream it again: for tables whose pages overlap.
Spill = Callable[[Iterator[Block]], Callable[[], Iterator[Block]]]


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


def union(
    sections: Iterable[Section], key_of: KeyOfLine, spill: Spill, met: Repeats
) -> Iterator[Block]:
    """Stream the rows of all sections in order, each row once.

    Sections that follow each other are chained, which is free; only those that overlap are merged
    row by row, ``FAN_IN`` runs at a time, over intermediate runs that ``spill`` stores.

    Args:
        met: Learns which rows of merged sections share an identity.
    """
    runs: list[Callable[[], Iterator[Block]]] = [_chained(run) for run in _runs(sections)]
    while len(runs) > FAN_IN:
        part = Repeats()
        runs = [*runs[FAN_IN:], spill(_merged([run() for run in runs[:FAN_IN]], key_of, part))]
        # What shares an identity meets again in the last merge; what was left out does not.
        met.repeats += part.repeats
        met.evidence += part.evidence
    if len(runs) == 1:
        yield from runs[0]()
    elif runs:
        yield from _merged([run() for run in runs], key_of, met)


def follow_each_other(sections: Iterable[Section]) -> bool:
    """Tell whether chaining the sections gives their union."""
    return len(_runs(sections)) <= 1


def _runs(sections: Iterable[Section]) -> list[list[Section]]:
    """Deal the sections, by their first key, into as few non-overlapping runs as fit."""
    runs: list[list[Section]] = []
    ends: list[tuple[bytes, int]] = []
    for section in sorted(sections, key=lambda section: section.first):
        if ends and ends[0][0] < section.first:
            number = ends[0][1]
            runs[number].append(section)
            heapq.heapreplace(ends, (section.last, number))
        else:
            runs.append([section])
            heapq.heappush(ends, (section.last, len(runs) - 1))
    return runs


def _chained(run: list[Section]) -> Callable[[], Iterator[Block]]:
    near = list(takewhile(lambda section: section.is_near, run))
    far = run[len(near) :]
    return lambda: chain(
        (section.load() for section in near), _loaded_ahead(section.load for section in far)
    )


def _loaded_ahead(loads: Iterable[Callable[[], Block]]) -> Iterator[Block]:
    """Yield blocks in order while the next ones are being loaded and unpacked."""
    waiting = iter(loads)
    with ThreadPoolExecutor(LOADED_AHEAD, "load") as pool:
        under_way = deque(pool.submit(load) for load in islice(waiting, LOADED_AHEAD))
        while under_way:
            block = under_way.popleft().result()
            under_way.extend(pool.submit(load) for load in islice(waiting, 1))
            yield block


class _Head:
    """The rows of one run that stand in memory: what is left of one block."""

    def __init__(self, blocks: Iterator[Block], key_of: KeyOfLine) -> None:
        self._blocks = blocks
        self._key_of = key_of
        self._pairs: list[tuple[bytes, bytes]] = []

    @property
    def end(self) -> tuple[bytes, bytes]:
        """The last pair that stands in memory."""
        return self._pairs[-1]

    def is_filled(self) -> bool:
        """Load the next block if necessary; return False at the end of the run."""
        if not self._pairs:
            block = next(self._blocks, None)
            if block is None:
                return False
            lines = block.lines()
            self._pairs = list(zip(map(self._key_of, lines), lines, strict=True))
        return True

    def take(self, bound: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
        """Take the rows up to the bound, inclusive."""
        cut = bisect_right(self._pairs, bound)
        taken, self._pairs = self._pairs[:cut], self._pairs[cut:]
        return taken


def _merged(runs: list[Iterator[Block]], key_of: KeyOfLine, met: Repeats) -> Iterator[Block]:
    """Merge by windows: whatever lies below the nearest end of a block is there to be sorted.

    Sorting what is made of ordered pieces is several times faster than stepping row by row.
    """
    heads = [_Head(run, key_of) for run in runs]
    before: tuple[bytes, bytes] | None = None
    while heads := [head for head in heads if head.is_filled()]:
        bound = min(head.end for head in heads)
        window = sorted(chain.from_iterable(head.take(bound) for head in heads))
        pairs = list(distinct(window, met, before))
        before = pairs[-1]
        yield block_of(pairs)
