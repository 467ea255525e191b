"""The schools of a load run: created, authorised, changed, and compared with the truth."""

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

from tools.demo.context import Journey
from tools.demo.schools import DemoSchool, configured
from tools.stack.errors import StackError

DATABASE = "XodSchoolData"
_FIRST_ESTAB = 8_880_000
_AT_A_TIME = 8
_SHARED = ("School", "Student")
_PULLED = frozenset({"schoolinfo", "students", "groups"})


def fleet(schools: int, students: int) -> list[DemoSchool]:
    """Return schools that share three datasets of one database."""
    not_shared = frozenset(configured()) - _PULLED
    return [
        DemoSchool(str(_FIRST_ESTAB + number), students, number, _SHARED, not_shared)
        for number in range(schools)
    ]


def authorise(journey: Journey, schools: Sequence[DemoSchool]) -> None:
    """Create the schools and let each authorise us."""

    def one(school: DemoSchool) -> None:
        scopes = list(school.scopes or ())
        journey.simulator.found(school.estab, school.students, school.seed, scopes=scopes)
        journey.simulator.authorise(school.estab, install_completed=True)

    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        list(pool.map(one, schools))


def wait_for_truth(
    journey: Journey, schools: Sequence[DemoSchool], say: Callable[[str], None]
) -> int:
    """Wait until the data of every school equal the truth; return the number of tables compared.

    Raises:
        StepFailedError: A school still differs at the end of the wait.
    """
    compared = 0
    for number, school in enumerate(schools, start=1):
        compared += journey.wait_for_truth(school)
        if number % max(1, len(schools) // 10) == 0:
            say(f"{number} of {len(schools)} schools equal the truth")
    return compared


def change(journey: Journey, school: DemoSchool, chance: random.Random, *, notify: bool) -> None:
    """Change a few rows of the school, too few for a hold."""
    counts = {"rows": 3, "inserts": chance.randrange(2), "deletes": chance.randrange(2)}
    journey.simulator.change(school.estab, DATABASE, **counts, notify=notify)


@contextmanager
def faults(journey: Journey, failing: Sequence[dict[str, Any]]) -> Iterator[None]:
    """Let Xporter fail in these ways during the block, however the block ends."""
    journey.simulator.set_faults(*failing)
    try:
        yield
    finally:
        journey.simulator.set_faults()


@contextmanager
def watchdog(journey: Journey, every_seconds: float) -> Iterator[None]:
    """Run the watchdog regularly during the block: a local stack runs no schedule by itself."""
    has_ended = Event()

    def watch() -> None:
        while not has_ended.wait(every_seconds):
            try:
                journey.stack.trigger("watch_deadlines")
            except (StackError, OSError):
                continue  # The function was killed; EventBridge would call again in a minute.

    thread = Thread(target=watch, name="watchdog", daemon=True)
    thread.start()
    try:
        yield
    finally:
        has_ended.set()
        thread.join(timeout=30)
