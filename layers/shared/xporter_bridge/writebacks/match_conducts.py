"""Finds the written-back conducts in a school's data.

The data hold no id of ours, and name most values otherwise than our request. Only kind, day, note
and the participants with their points are in both. So a conduct matches if all of these match, and
absence is proved only if no conduct even resembles the one that was sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from xporter_bridge.casing import fold_keys, spelled
from xporter_bridge.writebacks.mis_values import MARGIN, days_of, identity_of, points_of, uk_day
from xporter_bridge.writebacks.model import ReadBackResult

Row = Mapping[str, Any]
_Member = tuple[str | None, Decimal | None]

_KINDS = frozenset({"ach", "beh"})


@dataclass(frozen=True)
class _Incident:
    """A conduct as both sides know it; None is what the school does not share or cannot be read.

    ``day`` is the day in UK time, ``days`` are all that the spelling may mean.
    """

    id: str = field(compare=False)
    kind: str | None
    day: date | None
    days: frozenset[date] | None = field(compare=False)
    note: str | None
    people: frozenset[_Member]

    def matches(self, sent: _Incident) -> bool:
        """Tell whether a conduct of the data equals the one that was sent."""
        return (
            (self.kind, self.people) == (sent.kind, sent.people)
            and self.days is not None
            and sent.days is not None
            and not self.days.isdisjoint(sent.days)
            and self.note in {None, sent.note}
        )

    def could_match(self, sent: _Incident) -> bool:
        """Tell whether a conduct could be the one that was sent, later altered or shown in part."""
        pupils, theirs = ({pupil for pupil, _ in it.people} for it in (self, sent))
        return (
            self.kind in {None, sent.kind}
            and self._is_near(sent)
            and (not pupils or None in pupils or not pupils.isdisjoint(theirs))
        )

    def _is_near(self, sent: _Incident) -> bool:
        """Tell whether the days are no further apart than the zones of two clocks can put them."""
        if self.days is None or sent.days is None:
            return True
        return any(abs(mine - theirs) <= MARGIN for mine in self.days for theirs in sent.days)


def match_conducts(
    body: Mapping[str, Any], tables: Mapping[str, Iterable[Row]], as_of: datetime | None
) -> ReadBackResult:
    """Return how many of the sent conducts the tables show; tables have names in lower case.

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
        day = uk_day(conduct["EntryDate"])
        yield _Incident(
            id=str(conduct["Id"]),
            kind=conduct["IncidentType"].casefold(),
            day=day,
            days=frozenset({day, *(days_of(conduct["EntryDate"]) or ())}),
            note=_note(conduct.get("Note")),
            people=frozenset(
                (identity_of(each["StudentId"]), Decimal(each["Points"]))
                for each in body["Participants"]
                if each["ConductId"] == conduct["Id"]
            ),
        )


def _held(tables: Mapping[str, Iterable[Row]]) -> list[_Incident]:
    people: dict[str, set[_Member]] = {}
    for row in map(fold_keys, tables.get("studentconducts", ())):
        member = identity_of(row.get("studentid")), points_of(row.get("points") or 0)
        people.setdefault(_link(row.get("conductid")), set()).add(member)
    return [_incident(row, people) for row in map(fold_keys, tables.get("conducts", ()))]


def _incident(row: Row, people: Mapping[str, set[_Member]]) -> _Incident:
    kind = spelled(row.get("category") or row.get("id")).strip().casefold()[:3]
    members = people.get(_link(row.get("id"))) or people.get(_link(row.get("conductid")))
    return _Incident(
        id=spelled(row.get("conductid") or row.get("id")),
        kind=kind if kind in _KINDS else None,
        day=None,
        days=days_of(row.get("date")),
        note=_note(row["description"]) if "description" in row else None,
        people=frozenset(members or ()),
    )


def _link(value: Any) -> str:
    """Return what ties a pupil's row to its conduct, with or without the kind before the number."""
    return spelled(value).strip().casefold()


def _note(value: Any) -> str:
    """Return a note without the differences in blanks and line ends that an MIS makes."""
    return " ".join(spelled(value or "").split())
