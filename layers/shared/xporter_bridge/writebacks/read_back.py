"""Reads back what was written, when no callback says what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from xporter_bridge import telemetry
from xporter_bridge.errors import PermanentError, TransientError
from xporter_bridge.schools.session import Session
from xporter_bridge.timestamps import parse
from xporter_bridge.writebacks.model import Reading, Writeback, WritebackKind
from xporter_bridge.writebacks.readings import question, reading
from xporter_bridge.writebacks.transitions import pause, postponed, read_back, unresolved
from xporter_bridge.xporter.client import XporterApi
from xporter_bridge.xporter.pages import read_page
from xporter_bridge.xporter.scopes import covers

Step = Callable[[Writeback], Writeback]
# A share of the deadline: a quarter of an hour of the default 75 minutes.
_PATIENCE = 1 / 5


def look(
    writeback: Writeback,
    number: int,
    read: Callable[[], Reading],
    deadline: timedelta,
    now: datetime,
) -> Step:
    """Read what a part wrote and return the step that this leads to.

    An Xporter that cannot be read now is asked again for a while after the deadline.
    """
    part = writeback.parts[number]
    due = parse(part.deadline_at)
    if due <= now:
        telemetry.count("DeadlinePassed", "writeback")
    try:
        found = read()
    except (PermanentError, TransientError) as error:
        reason = error.reason
        if due > now:
            return lambda it: postponed(it, number, due, now)
        if isinstance(error, TransientError) and due + deadline * _PATIENCE > now:
            return lambda it: postponed(it, number, now + pause(deadline), now)
        return lambda it: unresolved(it, number, reason, now)
    return lambda it: read_back(it, number, found, deadline, now)


def ask_mis(
    kind: WritebackKind, body: Mapping[str, Any], session: Session, xporter: XporterApi
) -> Reading:
    """Return what the school's data show of the body of a request.

    Raises:
        PermanentError: The school has not granted the scope, or Xporter refuses.
        TransientError: Xporter failed.
    """
    asked = question(kind, body)
    if not covers(session.school.scopes, asked.scope):
        raise PermanentError("scope_missing_to_read")
    document = session.call(
        lambda token: xporter.school_data(session.school.estab, asked.resource, token, asked.query)
    )
    return reading(kind, body, read_page(document))
