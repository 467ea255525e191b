"""Reads back what was written, when no callback tells what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from xporter_bridge import telemetry
from xporter_bridge.adapters.xporter_api import XporterApi
from xporter_bridge.errors import PermanentError, TransientError
from xporter_bridge.pages import read_page
from xporter_bridge.readings import question, reading
from xporter_bridge.scopes import covers
from xporter_bridge.times import iso, parse
from xporter_bridge.use_cases.sessions import Session
from xporter_bridge.writeback_steps import postponed, read_back, unresolved
from xporter_bridge.writebacks import Reading, Writeback, WritebackKind

Step = Callable[[Writeback], Writeback]


def look(
    writeback: Writeback,
    number: int,
    read: Callable[[], Reading],
    deadline: timedelta,
    now: datetime,
) -> Step:
    """Read what a part wrote and return the step that this leads to.

    Raises:
        TransientError: Xporter cannot be read now; a while after the deadline that is accepted.
    """
    part = writeback.parts[number]
    is_overdue = part.deadline_at <= iso(now)
    if is_overdue:
        telemetry.count("DeadlinePassed", "writeback")
    try:
        found = read()
    except TransientError:
        if not is_overdue:
            return lambda it: postponed(it, number, now)
        if parse(part.deadline_at) + deadline / 5 > now:
            raise
        return lambda it: unresolved(it, number, "not_readable", now)
    except PermanentError as error:
        reason = error.reason
        if not is_overdue:
            return lambda it: postponed(it, number, now)
        return lambda it: unresolved(it, number, reason, now)
    return lambda it: read_back(it, number, found, deadline, now)


def ask_mis(
    kind: WritebackKind, body: Mapping[str, Any], session: Session, xporter: XporterApi
) -> Reading:
    """Return what the school's data show of the body of a request.

    Raises:
        PermanentError: The school has not shared those data, or Xporter refuses them.
        TransientError: Xporter failed.
    """
    asked = question(kind, body)
    if not covers(session.school.scopes, asked.scope):
        raise PermanentError("scope_missing_to_read")
    document = session.call(
        lambda token: xporter.school_data(session.school.estab, asked.resource, token, asked.query)
    )
    return reading(kind, body, read_page(document))
