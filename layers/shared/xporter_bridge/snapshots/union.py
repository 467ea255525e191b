"""The union of the blocks of all pages of a table: its rows in order, each row once."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice, takewhile

from xporter_bridge.snapshots.blocks import Block, Repeats, Section, block_of, distinct
from xporter_bridge.snapshots.cursor import Cursor
from xporter_bridge.snapshots.row_keys import KeyOfLine

# The number of runs merged at a time; each has a block or two in memory (docs/performance.md).
FAN_IN = 64
# The number of blocks of a run loaded ahead, because S3 takes longer than the merge.
LOADED_AHEAD = 4

# Stores an ordered stream; returns a function that streams it again. For overlapping pages.
Spill = Callable[[Iterator[Block]], Callable[[], Iterator[Block]]]


def union(
    sections: Iterable[Section], key_of: KeyOfLine, spill: Spill, met: Repeats
) -> Iterator[Block]:
    """Stream the rows of all sections in order, each row once.

    Sections that do not overlap are chained without cost. Overlapping sections are merged in
    windows, ``FAN_IN`` runs at a time; ``spill`` stores intermediate runs.

    Args:
        met: Counts rows of merged sections that share an identity.
    """
    runs: list[Callable[[], Iterator[Block]]] = [_chained(run) for run in _runs(sections)]
    while len(runs) > FAN_IN:
        part = Repeats()
        runs = [*runs[FAN_IN:], spill(_merged([run() for run in runs[:FAN_IN]], key_of, part))]
        # The last merge finds shared identities again; rows that were left out do not reach it.
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
    """Distribute the sections, by their first key, over a few runs without overlap."""
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
    """Yield blocks in order; the next blocks are loaded and decompressed meanwhile."""
    waiting = iter(loads)
    with ThreadPoolExecutor(LOADED_AHEAD, "load") as pool:
        under_way = deque(pool.submit(load) for load in islice(waiting, LOADED_AHEAD))
        while under_way:
            block = under_way.popleft().result()
            under_way.extend(pool.submit(load) for load in islice(waiting, 1))
            yield block


def _merged(runs: list[Iterator[Block]], key_of: KeyOfLine, met: Repeats) -> Iterator[Block]:
    """Merge by windows: all rows up to the nearest end of a block are in memory and are sorted.

    Sorting a list of ordered runs is several times faster than a merge row by row.
    """
    cursors = [Cursor(run, key_of) for run in runs]
    before: tuple[bytes, bytes] | None = None
    while cursors := [cursor for cursor in cursors if cursor.has_rows()]:
        bound = min(cursor.last for cursor in cursors)
        window = sorted(chain.from_iterable(cursor.take(bound) for cursor in cursors))
        pairs = list(distinct(window, met, before))
        before = pairs[-1]
        yield block_of(pairs)
