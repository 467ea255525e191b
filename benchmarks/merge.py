"""Compares the merge of changes into a snapshot with the shortest correct code.

Both process the same blocks of the same 200,000 rows without storing the result, alternating in one
process; the best processor time of several repetitions counts. The shortest correct code reads the
whole snapshot into a dictionary, changes it, sorts and compares. Both find keys without parsing
rows.

Run ``.venv/bin/python benchmarks/merge.py``; the last line of stdout is the result as JSON.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import orjson

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "layers" / "shared"))

from xporter_bridge.snapshots.blocks import Block, block_of  # noqa: E402
from xporter_bridge.snapshots.merge import Merge, MergeCounts, Sinks  # noqa: E402
from xporter_bridge.snapshots.row_keys import identity_line, key_of_line, order_key  # noqa: E402

ROWS = 200_000
ROUNDS = 5
FIRST_ID = 100_000
KEY_OF = key_of_line("Id")
# Blocks end where 128 KiB of a compressed snapshot end; pages have 1,000 rows.
ROWS_OF_SNAPSHOT_BLOCK, ROWS_OF_PAGE = 700, 1_000
Counted = tuple[int, int, int]


class Nowhere:
    """A sink that discards all rows."""

    def write(self, data: bytes, rows: int) -> None:
        """Discard the rows."""


def main() -> None:
    """Measure every case, show a table, print the JSON."""
    before = _blocks(dict.fromkeys(range(ROWS), "a"), ROWS_OF_SNAPSHOT_BLOCK)
    found = {}
    print(f"{'rows/s of processor time':28}{'ours':>12}{'dictionary':>12}", file=sys.stderr)
    for name, (came, is_full) in _cases().items():
        best = {"ours": float("inf"), "dictionary": float("inf")}
        for _ in range(ROUNDS):
            ours, best["ours"] = _timed(_ours, before, came, is_full, best["ours"])
            theirs, best["dictionary"] = _timed(
                _dictionary, before, came, is_full, best["dictionary"]
            )
            if ours != theirs:
                raise RuntimeError(f"{name}: {ours} is not {theirs}")
        found[name] = {who: round(ROWS / seconds) for who, seconds in best.items()}
        figures = "".join(f"{each:12,}" for each in found[name].values())
        print(f"{name:28}{figures}", file=sys.stderr, flush=True)
    print(json.dumps({"benchmark": "merge", "rows": ROWS, "rows_per_second": found}))


def _cases() -> dict[str, tuple[list[Block], bool]]:
    """Return the changes by name of the case, and whether they are the whole table."""
    pick = random.Random(1)
    everyone = range(ROWS)

    def changed(numbers: Sequence[int]) -> list[Block]:
        return _blocks(dict.fromkeys(sorted(numbers), "b"), ROWS_OF_PAGE)

    tenth = {number: "b" if number % 10 == 0 else "a" for number in everyone}
    return {
        "20 rows changed": (changed(pick.sample(everyone, 20)), False),
        "1 % changed, all over": (changed(pick.sample(everyone, ROWS // 100)), False),
        "every seventh changed": (changed(everyone[::7]), False),
        "all compared, none changed": (_blocks(dict.fromkeys(everyone, "a"), ROWS_OF_PAGE), True),
        "all compared, 10 % changed": (_blocks(tenth, ROWS_OF_PAGE), True),
    }


def _blocks(values: dict[int, str], size: int) -> list[Block]:
    pairs = []
    for number, value in values.items():
        identity = str(FIRST_ID + number)
        line = orjson.dumps({"Id": identity, "Value": value, "Padding": "x" * 200})
        pairs.append((order_key(identity), line))
    return [block_of(pairs[start : start + size]) for start in range(0, len(pairs), size)]


def _timed(
    merge: Callable[[list[Block], list[Block], bool], Counted],
    before: list[Block],
    came: list[Block],
    is_full: bool,
    best: float,
) -> tuple[Counted, float]:
    began = time.process_time()
    counted = merge(before, came, is_full)
    return counted, min(best, time.process_time() - began)


def _ours(before: list[Block], came: list[Block], is_full: bool) -> Counted:
    sinks = Sinks(Nowhere(), Nowhere(), Nowhere())
    merge = Merge(KEY_OF, identity_line("Id"), sinks, is_full=is_full)
    counts: MergeCounts = merge.run(iter(before), iter(came), iter(()))
    return counts.rows, counts.updated, counts.deleted


def _dictionary(before: list[Block], came: list[Block], is_full: bool) -> Counted:
    old = {KEY_OF(line): line for block in before for line in block.lines()}
    new = {KEY_OF(line): line for block in came for line in block.lines()}
    rows = new if is_full else {**old, **new}
    b"\n".join(rows[key] for key in sorted(rows))
    updated = sum(old.get(key) != line for key, line in new.items())
    return len(rows), updated, len(old.keys() - rows.keys())


if __name__ == "__main__":
    main()
