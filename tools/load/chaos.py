"""Chaos: processes of functions are killed at random; then every school equals the truth again."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from tools.demo.context import Journey
from tools.load.fleet import authorise, change, fleet, wait_for_truth, watchdog
from tools.load.resources import dead_letters, staged, workers
from tools.load.soak import SCHOOLS, STUDENTS

_CHANGE_EVERY_SECONDS = 1.0
_KILL_EVERY_SECONDS = (1.0, 4.0)


def chaos(journey: Journey, say: Callable[[str], None], *, minutes: float) -> dict[str, Any]:
    """Return the figures of so many minutes of chaos.

    Killed are the processes that run functions: receivers, consumers, the watchdog. The emulator
    stands in for AWS's stores, and the simulator for Xporter: neither is part of the product.
    """
    chance = random.Random(11)
    schools = fleet(SCHOOLS, STUDENTS)
    killed: Counter[str] = Counter()
    with watchdog(journey, every_seconds=15):
        authorise(journey, schools)
        wait_for_truth(journey, schools, say)
        began = time.monotonic()
        next_kill = said = 0.0
        changes = 0
        while (passed := time.monotonic() - began) < minutes * 60:
            change(journey, chance.choice(schools), chance, notify=True)
            changes += 1
            if passed >= next_kill:
                _kill_one(journey, chance, killed)
                next_kill = passed + chance.uniform(*_KILL_EVERY_SECONDS)
            if passed >= said + 20:
                said = passed
                say(f"{changes} changes, {sum(killed.values())} processes killed")
            time.sleep(_CHANGE_EVERY_SECONDS)
        # The callback of a killed receiver got no 2xx, and the simulator does not repeat callbacks.
        for school in schools:
            change(journey, school, chance, notify=True)
        ended = time.monotonic()
        tables = wait_for_truth(journey, schools, say)
    return {
        "benchmark": "chaos",
        "minutes": minutes,
        "changes": changes,
        "killed": dict(killed),
        "seconds_until_truth": round(time.monotonic() - ended, 1),
        "tables_compared": tables,
        "staged": staged(journey),
        "dead_letters": dead_letters(journey),
    }


def _kill_one(journey: Journey, chance: random.Random, killed: Counter[str]) -> None:
    found = workers(journey)
    if not found:
        return
    victim = chance.choice(found)
    try:
        os.kill(victim.pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # It has just ended by itself.
    killed[victim.function] += 1
