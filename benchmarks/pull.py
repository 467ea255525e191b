"""Compares the pull engine with alternatives by speed, memory and correctness.

All contestants pull from one server (``pull_comparison/page_server.py``), which takes almost no
processor time: the kernel sends prepared rows from a file. The server and every contestant have
processes of their own. Imports are not timed. The stored rows are compared with the true rows.

* ours: the real ``ingestion.run.pull``. S3 is a folder and the datasets table a file, because an
  emulator would cost more than the pull; the token is given. Each page is staged, compared with
  the others, merged, hashed, committed and published.
* dlt: the REST API source with default settings, into JSON lines on the file system.
* singer: a tap of Meltano's SDK, with messages into a file.
* requests: a plain loop with ``response.json()`` and ``json.dumps`` into a file.
* floor: one kept connection, orjson, ISA-L, one gzip file; without checks, not resumable.

Run ``.venv/bin/python benchmarks/pull.py``; the last line of stdout is the result as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from pull_comparison.arena import Arena, arena
from pull_comparison.measures import (
    FAULTS,
    after_fault,
    contestants,
    fetched_again,
    peak_rss_mb,
    rows_per_second,
    say,
    wall_seconds,
)
from pull_comparison.table import show

# Other work disturbs short runs most, so short runs have the most repetitions.
ROUNDS = {"ours": 5, "floor": 5, "requests": 3, "singer": 1, "dlt": 2}
# (milliseconds a page, pages): fewer slow pages, so that no contestant needs a minute.
DELAYS = ((20, 100), (100, 50), (500, 20))
KILLS = (0.1, 0.5, 0.9)
KILL_PAGES = 50
MILLION = 1_000_000


def main() -> None:
    """Measure everything, show a table, print the JSON."""
    began = time.monotonic()
    say("rendering a million rows")
    with arena(MILLION + 2) as ring:
        found = _measured(ring)
    found["goals"] = _goals(found)
    found["took_seconds"] = round(time.monotonic() - began)
    show(found, sys.stderr)
    print(json.dumps(found))


def _measured(ring: Arena) -> dict[str, Any]:
    few = contestants(with_floor=False)
    return {
        "benchmark": "pull",
        "machine": {"cores": os.cpu_count(), "python": sys.version.split()[0]},
        "rows_per_second": rows_per_second(ring, 100_000, ROUNDS),
        "wall_seconds": {f"{ms} ms x {n} pages": wall_seconds(ring, ms, n) for ms, n in DELAYS},
        "peak_rss_mb": {
            "10000": peak_rss_mb(ring, contestants(), 10_000, rounds=3),
            "100000": peak_rss_mb(ring, contestants(), 100_000),
            "1000000": peak_rss_mb(ring, ("ours", "floor", "requests"), MILLION, rounds=3),
        },
        "pages_again_after_kill": {
            name: {f"{share:.0%}": fetched_again(ring, name, KILL_PAGES, share) for share in KILLS}
            for name in few
        },
        "after_fault": {
            name: {fault: after_fault(ring, name, fault, 10_000) for fault in FAULTS}
            for name in few
        },
    }


def _goals(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Compare the result with the goals of the engine."""
    rows, memory = found["rows_per_second"], found["peak_rss_mb"]
    again = max(found["pages_again_after_kill"]["ours"].values())
    wrong = sum(fault["rows_wrong"] for fault in found["after_fault"]["ours"].values())
    failed = sum(fault["ended"] != "done" for fault in found["after_fault"]["ours"].values())
    growth = memory["1000000"]["ours"] / memory["10000"]["ours"]
    return {
        "times_dlt": _goal(rows["ours"] / rows["dlt"], at_least=12),
        "of_the_floor": _goal(rows["ours"] / rows["floor"], at_least=0.5),
        "memory_growth": _goal(growth, at_most=1.3),
        # Eight pages are fetched at a time, and page 1 is fetched again on purpose.
        "pages_again": _goal(again, at_most=8 + 1),
        "rows_wrong": _goal(wrong + failed, at_most=0),
    }


def _goal(value: float, *, at_least: float | None = None, at_most: float | None = None) -> Any:
    is_met = value >= at_least if at_least is not None else value <= (at_most or 0)
    limit = {"at_least": at_least} if at_least is not None else {"at_most": at_most}
    return {"value": round(value, 2), **limit, "is_met": is_met}


if __name__ == "__main__":
    main()
