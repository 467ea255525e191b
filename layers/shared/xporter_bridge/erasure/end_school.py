"""Takes one step towards the end of a school that is paused or revoked for long.

The message says which step somebody found to be the next one; the record says whether it still is.
"""

from __future__ import annotations

from datetime import datetime

from xporter_bridge import telemetry
from xporter_bridge.erasure.audit import note_end
from xporter_bridge.erasure.dependencies import EraseDependencies
from xporter_bridge.erasure.erase import request_erasure
from xporter_bridge.erasure.messages import EndSchool
from xporter_bridge.schools.end import (
    EndStep,
    next_end_step,
    with_announced_end,
    with_withdrawn_end,
)
from xporter_bridge.schools.history import ENDED
from xporter_bridge.schools.model import School
from xporter_bridge.schools.outbox import publish_school_events
from xporter_bridge.timestamps import iso


def end_school(message: EndSchool, days: int, deps: EraseDependencies) -> None:
    """Announce or withdraw the end of a school, or begin its erasure; idempotent.

    Args:
        days: The parameter ``EndedSchoolDays`` as it is now; 0 is never.

    Raises:
        TransientError: The message should come again.
    """
    now = deps.now()
    school = deps.schools.get(message.estab)
    step = next_end_step(school, days, now) if school else None
    if school and message.step == EndStep.ANNOUNCE:
        _announce(school, days, now, deps)
    elif school is None or step is None or step != message.step:
        telemetry.record("end_step_superseded", estab=message.estab, step=message.step)
    elif step is EndStep.WITHDRAW:
        _withdraw(school, days, now, deps)
    elif step is EndStep.ERASE:
        _erase(school, days, now, deps)
    publish_school_events(message.estab, deps.schools, deps.bus)


def _announce(school: School, days: int, now: datetime, deps: EraseDependencies) -> None:
    """Announce the end if that is the next step; note an announcement that is stored already.

    So the trail has its entry also after a crash in between; the same entry is stored once.
    """
    after = deps.schools.change(school.estab, lambda school: with_announced_end(school, days, now))
    end = after.end
    if end is None:
        return
    about = {"announced_at": iso(end.announced_at), "ends_at": iso(end.at)}
    note_end(after, "announced", about, deps.audit, end.announced_at)
    if end.announced_at == now:
        telemetry.warn("school_end_announced", estab=school.estab, ends_at=iso(end.at))
        telemetry.count("SchoolEnd", "announced")


def _withdraw(school: School, days: int, now: datetime, deps: EraseDependencies) -> None:
    about = {"announced_at": iso(school.end.announced_at)} if school.end else {}
    note_end(school, "withdrawn", about, deps.audit, now)
    deps.schools.change(school.estab, lambda school: with_withdrawn_end(school, days, now))
    telemetry.record("school_end_withdrawn", estab=school.estab)
    telemetry.count("SchoolEnd", "withdrawn")


def _erase(school: School, days: int, now: datetime, deps: EraseDependencies) -> None:
    """Begin the erasure, if the school has not come back until the write.

    The entry of the trail is written first: nothing is erased without one.
    """
    end = school.end
    about = {"announced_at": iso(end.announced_at), "ends_at": iso(end.at)} if end else {}
    note_end(school, "asked", about, deps.audit, now)
    after = request_erasure(
        school.estab,
        deps.schools,
        deps.vault,
        deps.erasures,
        now,
        only_if=lambda school: next_end_step(school, days, now) is EndStep.ERASE,
        cause=ENDED,
    )
    if after.is_being_erased:
        telemetry.warn("school_ended", estab=school.estab)
        telemetry.count("SchoolEnd", "erased")
