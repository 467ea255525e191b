"""A soak: steady changes and callbacks with faults; the resources of the stack stay constant."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from statistics import fmean
from typing import Any

from tools.demo.context import Journey
from tools.load.fleet import authorise, change, faults, fleet, wait_for_truth, watchdog
from tools.load.resources import Sample, dead_letters, sample

SCHOOLS, STUDENTS = 6, 150
_CHANGE_EVERY_SECONDS = 1.5
_SAMPLE_EVERY_SECONDS = 10.0
# Of the average of the second quarter; the first quarter still imports and opens connections.
_GROWTH = 1.15
_PATH = "/api/v1/school/"
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "server_error", "rate": 0.05, "path": _PATH},
    {"kind": "dropped_connection", "rate": 0.1, "path": _PATH},
    {"kind": "cut_json", "rate": 0.05, "path": _PATH},
    {"kind": "cut_connection", "rate": 0.05, "path": _PATH},
    {"kind": "slow", "rate": 0.2, "delay_ms": 500, "path": _PATH},
    {"kind": "rate_limited", "rate": 0.05, "retry_after": 1, "path": _PATH},
    {"kind": "expired_token", "rate": 0.05, "path": _PATH},
    {"kind": "duplicate_callback", "rate": 0.3},
    {"kind": "late_callback", "rate": 0.2, "delay_ms": 2000},
    {"kind": "lost_callback", "rate": 0.2, "callback": "database"},
    {"kind": "unknown_hash", "rate": 0.02},
)


def soak(journey: Journey, say: Callable[[str], None], *, minutes: float) -> dict[str, Any]:
    """Return the figures of a soak of so many minutes."""
    chance = random.Random(11)
    schools = fleet(SCHOOLS, STUDENTS)
    with watchdog(journey, every_seconds=20):
        authorise(journey, schools)
        wait_for_truth(journey, schools, say)
        samples, changes = [sample(journey, 0)], 0
        began = time.monotonic()
        with faults(journey, FAULTS):
            while (passed := time.monotonic() - began) < minutes * 60:
                change(journey, chance.choice(schools), chance, notify=True)
                changes += 1
                if passed >= samples[-1].seconds + _SAMPLE_EVERY_SECONDS:
                    samples.append(sample(journey, passed))
                    say(_line(samples[-1], changes))
                time.sleep(_CHANGE_EVERY_SECONDS)
        # A lost callback is noticed after a day of silence; the next callback is sooner.
        for school in schools:
            change(journey, school, chance, notify=True)
        tables = wait_for_truth(journey, schools, say)
    last = sample(journey, time.monotonic() - began)
    growth = _growth(samples)
    return {
        "benchmark": "soak",
        "minutes": minutes,
        "changes": changes,
        "tables_compared": tables,
        "growth": growth,
        "is_constant": bool(growth) and all(value <= _GROWTH for value in growth.values()),
        "items": {"first": samples[0].items, "last": last.items},
        "staged": {"most": max(each.staged for each in samples), "last": last.staged},
        "last": asdict(last),
        "dead_letters": dead_letters(journey),
    }


def _growth(samples: Sequence[Sample]) -> dict[str, float]:
    """Return how the last quarter of the samples compares with the second quarter."""
    quarter = max(1, len(samples) // 4)
    second, fourth = samples[quarter : 2 * quarter], samples[-quarter:]
    if not second:
        return {}
    return {
        name: round(
            fmean(getattr(each, name) for each in fourth)
            / max(1, fmean(getattr(each, name) for each in second)),
            3,
        )
        for name in ("megabytes", "files", "threads", "items")
    }


def _line(found: Sample, changes: int) -> str:
    processes = f"{found.workers} processes of {found.megabytes} MB"
    held = f"{found.items} items, {found.staged} staged objects"
    return f"{changes} changes; {processes}, {found.files} files, {found.threads} threads; {held}"
