"""Runs one contestant once, in a process: ``python -m pull_comparison.contestant NAME …``.

The process reports that it is ready, waits for a line, pulls, and reports the time and its peak
memory. Imports are not timed, because a warm Lambda has made them before.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import resource
import sys
import time
from pathlib import Path

from pull_comparison.contest import MODULES, Task


def main() -> None:
    """Take part in one measurement."""
    name, url, folder, attempt = sys.argv[1:]
    # The contestants' own output is discarded; the result goes to the real stdout.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    contestant = importlib.import_module(MODULES[name])
    logging.disable(logging.WARNING)
    print("ready", file=answers, flush=True)
    sys.stdin.readline()
    began = time.perf_counter()
    contestant.run(Task(url, Path(folder), int(attempt)))
    answer = {"seconds": time.perf_counter() - began, "peak_rss_mb": peak_rss_mb()}
    print(json.dumps(answer), file=answers, flush=True)


def peak_rss_mb() -> float:
    """Return the most memory that this process has had.

    Linux hands ``ru_maxrss`` of the process that started us down to us, so it is asked elsewhere.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
