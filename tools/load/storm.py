"""A storm: every school changes at once, each webhook is called many times, and Xporter fails."""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import median, quantiles
from typing import Any

import httpx

from tools.demo.context import Journey
from tools.demo.schools import DemoSchool
from tools.load.fleet import (
    DATABASE,
    authorise,
    change,
    faults,
    fleet,
    wait_for_truth,
    watchdog,
)
from tools.load.resources import dead_letters

_STUDENTS = 40
_SENDERS = 16
_PATH = "/api/v1/school/"
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "server_error", "rate": 0.05, "path": _PATH},
    {"kind": "dropped_connection", "rate": 0.05, "path": _PATH},
    {"kind": "cut_json", "rate": 0.02, "path": _PATH},
    {"kind": "slow", "rate": 0.1, "delay_ms": 200, "path": _PATH},
)


def storm(
    journey: Journey, say: Callable[[str], None], *, schools: int, duplicates: int
) -> dict[str, Any]:
    """Return the figures of a storm over so many schools, each called so many times."""
    chance = random.Random(11)
    all_schools = fleet(schools, _STUDENTS)
    with watchdog(journey, every_seconds=30):
        say(f"{schools} schools authorise us")
        authorise(journey, all_schools)
        wait_for_truth(journey, all_schools, say)
        for school in all_schools:
            change(journey, school, chance, notify=False)
        before = journey.simulator.last_request()
        began = time.monotonic()
        say(f"{schools * duplicates:,} callbacks")
        with faults(journey, FAULTS):
            answers = _call(_urls(journey, all_schools, duplicates, chance))
            called = time.monotonic()
            tables = wait_for_truth(journey, all_schools, say)
    took = time.monotonic() - began
    pulls = _pulls(journey, before)
    statuses = Counter(str(status) for status, _ in answers)
    times = sorted(seconds for _, seconds in answers)
    return {
        "benchmark": "storm",
        "schools": schools,
        "callbacks": len(answers),
        "statuses": dict(statuses),
        "callbacks_a_second": round(len(answers) / (called - began), 1),
        "acknowledged_ms": {
            "median": round(median(times) * 1000),
            "p99": round(quantiles(times, n=100)[-1] * 1000),
        },
        "seconds_until_truth": round(took, 1),
        "tables_compared": tables,
        "questions_a_dataset": round(pulls / sum(len(each.datasets) for each in all_schools), 2),
        "dead_letters": dead_letters(journey),
    }


def _urls(
    journey: Journey, schools: Sequence[DemoSchool], duplicates: int, chance: random.Random
) -> list[str]:
    """Return the registered URLs, each as often as it is called, in random order."""
    found = []
    for school in schools:
        webhooks = journey.simulator.school(school.estab)["webhooks"]
        found += [each["url"] for each in webhooks if each["database"] == DATABASE] * duplicates
    chance.shuffle(found)
    return found


def _call(urls: Sequence[str]) -> list[tuple[int, float]]:
    """Call each URL, several at a time; return the status and the seconds of each call."""
    with httpx.Client(timeout=60, trust_env=False) as http, ThreadPoolExecutor(_SENDERS) as pool:

        def one(url: str) -> tuple[int, float]:
            began = time.monotonic()
            status = http.post(url).status_code
            return status, time.monotonic() - began

        return list(pool.map(one, urls))


def _pulls(journey: Journey, since: int) -> int:
    """Return how often a first page was requested with success."""
    return sum(
        entry["path"].lower().startswith(_PATH) and "page=1&" in entry["query"] + "&"
        for entry in journey.simulator.requests(since)
        if entry["status"] == 200
    )
