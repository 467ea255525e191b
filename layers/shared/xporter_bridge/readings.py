"""Finds in the school's data what was written back, to learn what no callback told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from xporter_bridge.pages import Page
from xporter_bridge.writebacks import Reading, WritebackKind

Row = Mapping[str, Any]
# Kind, day, note, and how often whom with how many points.
Looks = tuple[str, str, str, frozenset[tuple[tuple[str, int], int]]]


@dataclass(frozen=True)
class Question:
    """The data endpoint that shows what a part wrote, and how to ask it for little more."""

    resource: str
    scope: str
    parameters: Mapping[str, str] = field(repr=False)


def question(kind: WritebackKind, body: Mapping[str, Any]) -> Question:
    """Return where to read back what the body of a request wrote."""
    if kind is WritebackKind.CONDUCT:
        days = sorted(str(conduct["EntryDate"])[:10] for conduct in body["Conducts"])
        return Question("ConductForDateRange", "Conduct", {"DateFrom": days[0], "DateTo": days[-1]})
    marks = body["Marks"]
    parameters = {
        "date": marks[0]["Date"],
        "attendanceType": "S" if kind is WritebackKind.ATTENDANCE else "L",
    }
    pupils = {_plain(mark["StudentId"]) for mark in marks}
    if len(pupils) == 1:
        parameters["id"] = pupils.pop()
    return Question("AttendanceForDate", "Attendance", parameters)


def reading(kind: WritebackKind, body: Mapping[str, Any], page: Page) -> Reading:
    """Return how much of the body the page shows."""
    tables = {name.casefold(): rows for name, rows in page.tables.items()}
    if kind is not WritebackKind.CONDUCT:
        rows = [row for table in tables.values() for row in table]
        held = {_place(row): str(_folded(row).get("mark")) for row in rows}
        found = sum(held.get(_place(mark)) == mark["Mark"] for mark in body["Marks"])
        return Reading(len(body["Marks"]), found, page.as_of)
    return _read_conducts(body, tables, page.as_of)


def _read_conducts(
    body: Mapping[str, Any], tables: Mapping[str, list[dict[str, Any]]], as_of: str | None
) -> Reading:
    """Match by what both sides know: kind, day, note, and who took part with how many points.

    Two alike on one day cannot be told apart, so that more of them than were sent prove nothing.
    """
    held = _conducts_held(tables)
    wanted: dict[Looks, list[str]] = {}
    for conduct in body["Conducts"]:
        wanted.setdefault(_looks(conduct, body["Participants"]), []).append(str(conduct["Id"]))
    found = sum(len(held.get(looks, ())) for looks in wanted)
    results = [
        pair
        for looks, ours in wanted.items()
        if len(ours) == len(held.get(looks, ()))
        for pair in zip(ours, held[looks], strict=True)
    ]
    return Reading(len(body["Conducts"]), found, as_of, tuple(results))


def _conducts_held(tables: Mapping[str, list[dict[str, Any]]]) -> dict[Looks, list[str]]:
    """Return the MIS ids of the conducts in the data, by what they look like."""
    involved: dict[str, Counter[tuple[str, int]]] = {}
    for row in map(_folded, tables.get("studentconducts", [])):
        member = (_plain(row.get("studentid")), int(row.get("points") or 0))
        involved.setdefault(str(row.get("conductid")), Counter())[member] += 1
    held: dict[Looks, list[str]] = {}
    for row in map(_folded, tables.get("conducts", [])):
        kind, _, number = str(row.get("id")).partition(".")
        looks = (
            str(row.get("category") or kind)[:3].casefold(),
            str(row.get("date"))[:10],
            str(row.get("description") or "").strip(),
            frozenset(involved.get(str(row.get("id")), Counter()).items()),
        )
        held.setdefault(looks, []).append(str(row.get("conductid") or number))
    return held


def _looks(conduct: Row, participants: Iterable[Row]) -> Looks:
    own = Counter(
        (_plain(each["StudentId"]), int(each["Points"]))
        for each in participants
        if each["ConductId"] == conduct["Id"]
    )
    return (
        str(conduct["IncidentType"]).casefold(),
        str(conduct["EntryDate"])[:10],
        str(conduct.get("Note") or "").strip(),
        frozenset(own.items()),
    )


def _place(row: Row) -> tuple[str, str, str]:
    """Return whose mark it is and of when: the same for a row of data and a mark that was sent."""
    said = _folded(row)
    kind = str(said.get("marktype") or said.get("type") or "S")
    when = said.get("instanceid") if kind == "L" else said.get("session")
    return _plain(said.get("studentid")), str(said.get("date"))[:10], f"{kind}/{when}"


def _plain(identity: Any) -> str:
    return str(identity).removeprefix("PL-")


def _folded(row: Row) -> dict[str, Any]:
    return {str(name).casefold(): value for name, value in row.items()}
