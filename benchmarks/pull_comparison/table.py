"""Shows the result of ``benchmarks/pull.py`` to a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TextIO

from pull_comparison.contest import MODULES

_WIDTH = 30


def show(found: Mapping[str, Any], to: TextIO) -> None:
    """Print one line per measurement and one column per contestant."""
    lines = [_line("", {name: name for name in MODULES})]
    lines.append(_line("rows/s, 100 pages of 1,000", found["rows_per_second"]))
    for label, walls in found["wall_seconds"].items():
        lines.append(_line(f"seconds, {label}", walls))
    for rows, memory in found["peak_rss_mb"].items():
        lines.append(_line(f"peak MB, {int(rows):,} rows", memory))
    for share in ("10%", "50%", "90%"):
        again = {name: kills[share] for name, kills in found["pages_again_after_kill"].items()}
        lines.append(_line(f"pages again, killed at {share}", again))
    faults = found["after_fault"]
    for fault in next(iter(faults.values())):
        outcomes = {name: _outcome(ends[fault]) for name, ends in faults.items()}
        lines.append(_line(f"rows wrong, {fault}", outcomes))
    lines += ["", *(_goal(name, goal) for name, goal in found["goals"].items())]
    print("\n".join(("", *lines, "")), file=to, flush=True)


def _line(label: str, values: Mapping[str, Any]) -> str:
    cells = (values.get(name, "-") for name in MODULES)
    return f"{label:{_WIDTH}}" + "".join(
        f"{cell:>12,}" if isinstance(cell, int | float) else f"{cell:>12}" for cell in cells
    )


def _outcome(end: Mapping[str, Any]) -> int | str:
    return int(end["rows_wrong"]) if end["ended"] == "done" else "failed"


def _goal(name: str, goal: Mapping[str, Any]) -> str:
    limit = f">= {goal['at_least']}" if "at_least" in goal else f"<= {goal['at_most']}"
    verdict = "met" if goal["is_met"] else "NOT MET"
    return f"{name:{_WIDTH}}{goal['value']:>12}   goal {limit}: {verdict}"
