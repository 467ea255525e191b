"""Finds, once a day, the paused and revoked schools for which a step towards their end is next.

The run sends messages and writes nothing. It sees every paused and revoked school before it has
one erased: many that are due at once are more likely a fault than the truth, and then a person is
called and none is erased.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from xporter_bridge import telemetry
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.erasure.messages import EndSchool
from xporter_bridge.onboarding.messages import ProbeSchool
from xporter_bridge.schools.end import EndStep, most_ends, next_end_step
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.schools.states import UNUSED, SchoolState
from xporter_bridge.watchdog.sweep import sweep


def enqueue_ends(
    schools: SchoolRepository,
    erasures: Queue,
    onboarding: Queue,
    days: int,
    now: datetime,
    has_time: Callable[[], bool],
    *,
    most: int | None = None,
) -> Mapping[str, int]:
    """Send a message for each school with a next step, and return how many by step.

    A step is taken by the message's consumer, who decides anew. A repeated run sends some messages
    twice, which is harmless.

    Args:
        days: The parameter ``EndedSchoolDays``; 0 withdraws what is announced.
        has_time: Whether the run may go on. A run without time has not seen every school, and has
            none erased.
        most: How many schools may be erased; a share of all schools, if no person says.
    """
    found: dict[EndStep, list[str]] = {step: [] for step in EndStep}

    def look(estab: str) -> None:
        school = schools.get(estab)
        if school and (step := next_end_step(school, days, now)):
            found[step].append(estab)

    unused = ((estab,) for state in sorted(UNUSED) for estab in schools.in_state(state))
    looked = sweep(unused, look, has_time)
    due = found[EndStep.ERASE]
    allowed = most_ends(sum(map(schools.count, SchoolState))) if most is None else most
    held = len(due) if looked.is_cut or len(due) > allowed else 0
    if held or looked.is_cut:
        telemetry.warn("school_ends_held", due=len(due), allowed=allowed, cut=looked.is_cut)
        telemetry.count("SchoolEnd", "held")
    for step in (EndStep.ANNOUNCE, EndStep.WITHDRAW, *(() if held else (EndStep.ERASE,))):
        erasures.send_all(EndSchool(estab, str(step)).body() for estab in found[step])
    onboarding.send_all(ProbeSchool(estab).body() for estab in found[EndStep.LOOK])
    counts = {str(step): len(estabs) for step, estabs in found.items()}
    return {**counts, "held": held, "failed": looked.failed, "cut": looked.is_cut}
