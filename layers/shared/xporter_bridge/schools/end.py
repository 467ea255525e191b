"""When a school that is paused or revoked for long comes to its end: decisions alone.

Every decision is made from the record, the time and the parameter ``EndedSchoolDays``. The record
of a school may be years old when the parameter is set for the first time: the announcement is
stored, and nothing is erased sooner than ``NOTICE`` after it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from xporter_bridge.schools.announced_end import AnnouncedEnd, end_event
from xporter_bridge.schools.model import School, without_end
from xporter_bridge.schools.states import UNUSED

# So long before a school is erased its end is announced.
NOTICE = timedelta(days=14)
# An answer of Xporter that is older does not show how the school stands now.
_CONFIRMATION_LASTS = timedelta(days=2)
# So many schools come to their end in one run: a hundredth of all, but within these bounds.
_FEWEST, _MOST = 3, 50


class EndStep(StrEnum):
    """What is to be done next about the end of a school."""

    ANNOUNCE = "announce"
    WITHDRAW = "withdraw"
    LOOK = "look"
    ERASE = "erase"


def unused_since(school: School) -> datetime | None:
    """Return since when the school is paused or revoked without interruption; None if it is not.

    A pause that became a revocation counts from the pause.
    """
    since = school.state_since
    if school.state not in UNUSED or since is None:
        return None
    for change in reversed(school.history):
        if change.state not in UNUSED:
            break
        since = min(since, change.at)
    return since


def next_end_step(school: School, days: int, now: datetime) -> EndStep | None:
    """Return what is to be done about the end of the school now; None if there is nothing.

    Args:
        days: The parameter ``EndedSchoolDays``; 0 is never.
    """
    since, end = unused_since(school), school.end
    if school.is_gone or since is None:
        return None
    if not days:
        return EndStep.WITHDRAW if end else None
    due = since + timedelta(days=days)
    if end is None:
        return EndStep.ANNOUNCE if now >= due - NOTICE else None
    # The school was back in between, or the parameter grants more time since.
    if end.announced_at < since or end.at < due:
        return EndStep.WITHDRAW
    if now < end.at:
        return None
    return EndStep.ERASE if _is_confirmed(school, end, now) else EndStep.LOOK


def with_announced_end(school: School, days: int, now: datetime) -> School:
    """Return the school with its end announced; itself unless that is the next step."""
    since = unused_since(school)
    if next_end_step(school, days, now) is not EndStep.ANNOUNCE or since is None:
        return school
    end = AnnouncedEnd(now, max(now + NOTICE, since + timedelta(days=days)))
    event = end_event(school.estab, school.state, end, now)
    return replace(school, end=end, outbox=(*school.outbox, event))


def with_withdrawn_end(school: School, days: int, now: datetime) -> School:
    """Return the school without an announced end; itself unless that is the next step."""
    is_next = next_end_step(school, days, now) is EndStep.WITHDRAW
    return without_end(school, now) if is_next else school


def most_ends(schools: int) -> int:
    """Return how many of so many schools may come to their end in one run without a person."""
    return min(_MOST, max(_FEWEST, schools // 100))


def _is_confirmed(school: School, end: AnnouncedEnd, now: datetime) -> bool:
    """Tell whether Xporter, asked after the time of the end, still does not let us in.

    Nobody can be asked about a school without a secret that ever worked; nothing was pulled of it.
    """
    if not school.has_working_secret:
        return True
    at = end.confirmed_at
    return at is not None and end.at <= at <= now and now - at <= _CONFIRMATION_LASTS
