"""Reads a writeback back from the MIS when no callback brings its outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from xporter_bridge import telemetry
from xporter_bridge.errors import PermanentError, TransientError
from xporter_bridge.schools.session import SchoolSession
from xporter_bridge.writebacks.match_conducts import match_conducts
from xporter_bridge.writebacks.match_marks import match_marks
from xporter_bridge.writebacks.mis_values import MARGIN, identity_of, uk_day
from xporter_bridge.writebacks.model import ReadBackResult, Writeback, WritebackKind
from xporter_bridge.writebacks.transitions import marked_unknown, pause, postponed, read_back
from xporter_bridge.xporter.client import XporterApi
from xporter_bridge.xporter.pages import Page, read_page
from xporter_bridge.xporter.scopes import covers

Step = Callable[[Writeback], Writeback]
# A share of the deadline: a quarter of an hour of the default 75 minutes.
_PATIENCE = 1 / 5


def check_overdue_part(
    writeback: Writeback,
    number: int,
    read: Callable[[], ReadBackResult],
    deadline: timedelta,
    now: datetime,
) -> Step:
    """Read back a part and return the writeback's next step.

    An Xporter that cannot be read now is asked again for a while after the deadline.
    """
    part = writeback.parts[number]
    due = part.deadline_at or now
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
        return lambda it: marked_unknown(it, number, reason, now)
    return lambda it: read_back(it, number, found, deadline, now)


def read_from_mis(
    kind: WritebackKind, body: Mapping[str, Any], session: SchoolSession, xporter: XporterApi
) -> ReadBackResult:
    """Return the rows of a request's body that the school's data show.

    Raises:
        PermanentError: The school has not granted the scope, or Xporter refuses.
        TransientError: Xporter failed.
    """
    asked = read_back_query(kind, body)
    if not covers(session.school.scopes, asked.scope):
        raise PermanentError("scope_missing_to_read")
    document = session.call(
        lambda token: xporter.school_data(session.school.estab, asked.resource, token, asked.query)
    )
    return compare(kind, body, read_page(document))


@dataclass(frozen=True)
class ReadBackQuery:
    """The data endpoint that shows a part's rows, and a query for little more than them."""

    resource: str
    scope: str
    query: Mapping[str, str] = field(repr=False)


def read_back_query(kind: WritebackKind, body: Mapping[str, Any]) -> ReadBackQuery:
    """Return the query that reads back the body of a request."""
    if kind is WritebackKind.CONDUCT:
        days = sorted(uk_day(conduct["EntryDate"]) for conduct in body["Conducts"])
        query = {
            "DateFrom": (days[0] - MARGIN).isoformat(),
            "DateTo": (days[-1] + MARGIN).isoformat(),
            "options": "includeStudentIds",
        }
        return ReadBackQuery("ConductForDateRange", "Conduct", query)
    marks = body["Marks"]
    query = {"date": marks[0]["Date"], "attendanceType": marks[0]["MarkType"]}
    pupils = {identity_of(mark["StudentId"]) for mark in marks}
    if len(pupils) == 1:
        query["id"] = str(pupils.pop())
    return ReadBackQuery("AttendanceForDate", "Attendance", query)


def compare(kind: WritebackKind, body: Mapping[str, Any], page: Page) -> ReadBackResult:
    """Return how much of the body the page shows.

    One page of several, or an answer without a table, is no proof of absence: it counts as of no
    time at all.
    """
    is_whole = page.tables and page.facts.page_count <= 1
    as_of = page.as_of if is_whole else None
    if kind is WritebackKind.CONDUCT:
        tables = {name.casefold(): rows for name, rows in page.tables.items()}
        return match_conducts(body, tables, as_of)
    return match_marks(body, chain.from_iterable(page.tables.values()), as_of)
