"""Compares the processor time of a warm acknowledgement with that of alternatives.

The contestants alternate in short blocks, so that other work on the machine disturbs all alike; the
median of the blocks counts.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from statistics import median
from typing import IO

CONTESTANTS = {
    "ours": "functions.receive_database.handler",
    "plain": "receiver_comparison.plain",
    "powertools": "receiver_comparison.powertools_resolver",
    "fastapi_mangum": "receiver_comparison.fastapi_mangum",
}
TURNS = 40
CALLS = 50


def compared(environment: Mapping[str, str], turns: int = TURNS) -> dict[str, float]:
    """Return the microseconds of one call by contestant, and ``ratio``: ours to the plain one."""
    with ExitStack() as held:
        running = {
            name: held.enter_context(_started(module, environment))
            for name, module in CONTESTANTS.items()
        }
        for process in running.values():
            _turn(process)
        taken: dict[str, list[float]] = {name: [] for name in running}
        for _ in range(turns):
            for name, process in running.items():
                taken[name].append(_turn(process))
    found = {name: round(median(times), 1) for name, times in taken.items()}
    return {**found, "ratio": round(found["ours"] / found["plain"], 3)}


def _started(module: str, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "receiver_comparison.contestant", module]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen(command, env=dict(environment), text=True, **pipes)


def _turn(process: subprocess.Popen[str]) -> float:
    """Let a contestant acknowledge some callbacks; return the microseconds of one."""
    asking, answering = _pipe(process.stdin), _pipe(process.stdout)
    asking.write(f"{CALLS}\n")
    asking.flush()
    return int(answering.readline()) / CALLS / 1000


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise RuntimeError("a contestant was started without pipes")
    return pipe
