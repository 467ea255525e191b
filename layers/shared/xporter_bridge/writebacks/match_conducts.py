"""Finds the conducts that were written back among those in a school's data.

The data name no id of ours, and what they call things differs from what was sent: only kind, day,
note and who took part with how many points stand on both sides. So a match is a match of all of
these, and absence is proved only where nothing even resembles what was sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from xporter_bridge.casing import fold_keys
from xporter_bridge.writebacks.model import ReadBackResult

Row = Mapping[str, Any]


@dataclass(frozen=True)
class _Incident:
    """A conduct as both sides know it; ``note`` is None where the school does not share it."""

    id: str = field(compare=False)
    kind: str
    day: str
    note: str | None
    people: frozenset[tuple[str, int]]

    def matches(self, sent: _Incident) -> bool:
        """Tell whether this, in the data, is what was sent or just like it."""
        return (
            (self.kind, self.day, self.people) == (sent.kind, sent.day, sent.people)
            and self.note in {None, sent.note}
        )  # fmt: skip

    def could_match(self, sent: _Incident) -> bool:
        """Tell whether this could be what was sent, altered since or shown in part."""
        pupils, theirs = ({pupil for pupil, _ in it.people} for it in (self, sent))
        is_same_day = (self.kind, self.day) == (sent.kind, sent.day)
        return is_same_day and (not pupils or not pupils.isdisjoint(theirs))


def match_conducts(
    body: Mapping[str, Any], tables: Mapping[str, Iterable[Row]], as_of: str | None
) -> ReadBackResult:
    """Return how much of what was sent the tables show; their names are in lower case.

    Two alike on one day cannot be told apart, so that more of them than were sent prove nothing.
    """
    held = _held(tables)
    wanted: dict[_Incident, list[str]] = {}
    for incident in _sent(body):
        wanted.setdefault(incident, []).append(incident.id)
    shown = {sent: [each.id for each in held if each.matches(sent)] for sent in wanted}
    return ReadBackResult(
        expected=len(body["Conducts"]),
        found=sum(map(len, shown.values())),
        similar=sum(any(each.could_match(sent) for sent in wanted) for each in held),
        as_of=as_of,
        results=tuple(
            pair
            for sent, ours in wanted.items()
            if len(ours) == len(shown[sent])
            for pair in zip(ours, shown[sent], strict=True)
        ),
    )


def _sent(body: Mapping[str, Any]) -> Iterable[_Incident]:
    for conduct in body["Conducts"]:
        yield _Incident(
            id=str(conduct["Id"]),
            kind=conduct["IncidentType"].casefold(),
            day=conduct["EntryDate"][:10],
            note=conduct.get("Note", "").strip(),
            people=frozenset(
                (plain(each["StudentId"]), each["Points"])
                for each in body["Participants"]
                if each["ConductId"] == conduct["Id"]
            ),
        )


def _held(tables: Mapping[str, Iterable[Row]]) -> list[_Incident]:
    people: dict[str, set[tuple[str, int]]] = {}
    for row in map(fold_keys, tables.get("studentconducts", ())):
        member = plain(row.get("studentid")), int(row.get("points") or 0)
        people.setdefault(str(row.get("conductid")), set()).add(member)
    return [
        _Incident(
            id=str(row.get("conductid") or row.get("id")),
            kind=str(row.get("category") or row.get("id")).casefold()[:3],
            day=str(row.get("date"))[:10],
            note=str(row["description"] or "").strip() if "description" in row else None,
            people=frozenset(people.get(str(row.get("id")), ())),
        )
        for row in map(fold_keys, tables.get("conducts", ()))
    ]


def plain(identity: Any) -> str:
    """Return a pupil's id of the MIS without the prefix of an IdaasId."""
    return str(identity).removeprefix("PL-")
