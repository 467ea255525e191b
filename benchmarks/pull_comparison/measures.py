"""The five measurements of ``benchmarks/pull.py``. Each returns plain numbers by contestant."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from statistics import median

from pull_comparison.arena import Arena, Result
from pull_comparison.contest import MODULES
from pull_comparison.results import found
from pull_comparison.rows import FIRST_ID, row_hash
from pull_comparison.scenarios import Scenario, Version, versions

FAULTS = ("page_drift", "duplicate_page", "cut_json", "server_error")
_WITHOUT_FLOOR = tuple(name for name in MODULES if name != "floor")


def rows_per_second(arena: Arena, rows: int, rounds: dict[str, int]) -> dict[str, int]:
    """Return the best of several alternating runs, so that other work disturbs all alike."""
    best: dict[str, float] = {}
    for turn in range(max(rounds.values())):
        for name in (name for name, turns in rounds.items() if turn < turns):
            seconds = _seconds(arena, name, Scenario(rows=rows))
            best[name] = min(seconds, best.get(name, seconds))
            say(f"{name}: {rows:,} rows in {seconds:.2f} s")
    return {name: round(rows / seconds) for name, seconds in best.items()}


def wall_seconds(arena: Arena, delay_ms: int, pages: int) -> dict[str, float]:
    """Return the time for a number of pages of 1,000 rows if the server delays each."""
    scenario = Scenario(rows=pages * 1_000, delay_ms=delay_ms)
    walls = {}
    for name in MODULES:
        walls[name] = round(_seconds(arena, name, scenario), 2)
        say(f"{name}: {pages} pages of {delay_ms} ms in {walls[name]} s")
    return walls


def peak_rss_mb(
    arena: Arena, names: Iterable[str], rows: int, *, rounds: int = 1
) -> dict[str, float]:
    """Return the median peak memory of a process, including its imports."""
    peaks = {}
    for name in names:
        peaks[name] = round(median(_peak_rss_mb(arena, name, rows) for _ in range(rounds)), 1)
        say(f"{name}: {rows:,} rows in {peaks[name]} MB")
    return peaks


def fetched_again(arena: Arena, name: str, pages: int, share: float) -> int:
    """Return the number of sent pages that were fetched again after a kill.

    The server kills the process when it has sent the last byte of a page. The process then starts
    again in the same folder.
    """
    killed_after = round(pages * share)
    killed = arena.run(name, Scenario(rows=pages * 1_000, delay_ms=20), kill_after=killed_after)
    if killed.is_done:
        raise RuntimeError(f"{name} outlived its kill")
    before = arena.answered()
    ended = arena.run(name, Scenario(), into=killed.folder)
    after = arena.answered()[len(before) :]
    wrong = _rows_wrong(name, ended, [Version(pages * 1_000)])
    if not ended.is_done or wrong:
        said = (ended.folder / "stderr").read_text()
        raise RuntimeError(f"{name}: {wrong} rows wrong after a kill\n{said}")
    say(f"{name}: killed after {killed_after} pages, asked for {len(after)} more")
    arena.clear(ended)
    return len(set(before) & set(after))


def after_fault(arena: Arena, name: str, fault: str, rows: int) -> dict[str, int | str]:
    """Return the end of a pull with one fault, and the number of wrong rows.

    A row is wrong if it is missing, invented, duplicated or of another moment, compared with the
    moment of the table that fits best. A contestant that reports a failure has no wrong rows.
    """
    scenario = Scenario(rows=rows, fault=fault, fault_page=max(2, rows // 2_000))
    result = arena.run(name, scenario)
    wrong = _rows_wrong(name, result, versions(rows)) if result.is_done else 0
    arena.clear(result)
    ended = "done" if result.is_done else "failed"
    say(f"{name}: {fault}: {ended}, {wrong} rows wrong")
    return {"ended": ended, "rows_wrong": wrong}


def contestants(*, with_floor: bool = True) -> tuple[str, ...]:
    """Return the names of all contestants, or of all except the floor."""
    return tuple(MODULES) if with_floor else _WITHOUT_FLOOR


def say(text: str) -> None:
    """Show progress."""
    print(f"  {text}", file=sys.stderr, flush=True)


def _peak_rss_mb(arena: Arena, name: str, rows: int) -> float:
    result = arena.run(name, Scenario(rows=rows))
    arena.clear(result)
    return result.peak_rss_mb or 0.0


def _seconds(arena: Arena, name: str, scenario: Scenario) -> float:
    result = arena.run(name, scenario)
    wrong = _rows_wrong(name, result, [Version(scenario.rows)])
    if result.seconds is None or wrong:
        said = (result.folder / "stderr").read_text()
        raise RuntimeError(f"{name}: {wrong} rows wrong without a fault\n{said}")
    arena.clear(result)
    return result.seconds


def _rows_wrong(name: str, result: Result, moments: Iterable[Version]) -> int:
    rows = Counter(found(name, result.folder))
    return min(_difference(rows, moment) for moment in moments)


def _difference(rows: Counter[tuple[str, str]], moment: Version) -> int:
    truth = Counter(_truth(moment))
    return (rows - truth).total() + (truth - rows).total()


def _truth(moment: Version) -> Iterator[tuple[str, str]]:
    for first, end in moment.pieces(0, moment.rows):
        for number in range(first, end):
            yield str(FIRST_ID + number), row_hash(number)
