"""Finds in the school's data what was written back, to learn what no callback said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xporter_bridge.writebacks.match_conducts import Row, folded, plain, read_conducts
from xporter_bridge.writebacks.model import Reading, WritebackKind
from xporter_bridge.xporter.pages import Page


@dataclass(frozen=True)
class Question:
    """The data endpoint that shows what a part wrote, and a query for little more than that."""

    resource: str
    scope: str
    query: Mapping[str, str] = field(repr=False)


def question(kind: WritebackKind, body: Mapping[str, Any]) -> Question:
    """Return where to read back what the body of a request wrote."""
    if kind is WritebackKind.CONDUCT:
        days = sorted(conduct["EntryDate"][:10] for conduct in body["Conducts"])
        query = {"DateFrom": days[0], "DateTo": days[-1], "options": "includeStudentIds"}
        return Question("ConductForDateRange", "Conduct", query)
    marks = body["Marks"]
    query = {"date": marks[0]["Date"], "attendanceType": marks[0]["MarkType"]}
    pupils = {plain(mark["StudentId"]) for mark in marks}
    if len(pupils) == 1:
        query["id"] = pupils.pop()
    return Question("AttendanceForDate", "Attendance", query)


def reading(kind: WritebackKind, body: Mapping[str, Any], page: Page) -> Reading:
    """Return how much of the body the page shows."""
    if kind is WritebackKind.CONDUCT:
        tables = {name.casefold(): rows for name, rows in page.tables.items()}
        return read_conducts(body, tables, page.as_of)
    held = {
        _place(row): str(folded(row).get("mark")) for rows in page.tables.values() for row in rows
    }
    found = sum(held.get(_place(mark)) == mark["Mark"] for mark in body["Marks"])
    return Reading(expected=len(body["Marks"]), found=found, as_of=page.as_of)


def _place(row: Row) -> tuple[str, str, str]:
    """Return whose mark it is and for when: the same for a row of data and a mark that was sent."""
    said = folded(row)
    kind = str(said.get("marktype") or said.get("type") or "S")
    when = said.get("instanceid") if kind == "L" else said.get("session")
    return plain(said.get("studentid")), str(said.get("date"))[:10], f"{kind}/{when}"
