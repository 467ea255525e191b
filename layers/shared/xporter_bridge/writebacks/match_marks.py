"""Finds the written-back marks in a school's register, and the other marks in their places.

A place is a pupil's session or lesson of a day. A mark that is there and is not ours may be a
person's, made after ours: then nothing proves that ours did not arrive, and it is not to be written
over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from xporter_bridge.casing import fold_keys, spelled
from xporter_bridge.writebacks.mis_values import days_of, identity_of, session_of
from xporter_bridge.writebacks.model import ReadBackResult

Row = Mapping[str, Any]

# A register's value without a mark: SIMS writes a hyphen.
_NO_MARK = frozenset({"", "-"})
_UNREADABLE = "?"


@dataclass(frozen=True)
class _Place:
    """The pupil and time of a mark; None is a value of the MIS that could not be read."""

    pupil: str | None
    days: frozenset[date] | None
    kind: str | None
    session: str | None
    lesson: str | None

    def could_be(self, sent: _Place) -> bool:
        """Tell whether nothing that could be read says that this is another place."""
        return (
            self.pupil in {None, sent.pupil}
            and (self.days is None or sent.days is None or not self.days.isdisjoint(sent.days))
            and self.kind in {None, sent.kind}
            and self._slot(sent.kind) in {None, sent._slot(sent.kind)}
        )

    def is_readable(self, kind: str | None) -> bool:
        """Tell whether all that makes a place of this kind could be read."""
        return None not in {self.pupil, self.days, self._slot(kind)}

    def _slot(self, kind: str | None) -> str | None:
        return self.lesson if kind == "L" else self.session


@dataclass(frozen=True)
class _HeldMark:
    place: _Place
    code: str


def match_marks(
    body: Mapping[str, Any], rows: Iterable[Row], as_of: datetime | None
) -> ReadBackResult:
    """Return how many marks of the body the rows show, and which others stand in their places."""
    held: dict[str | None, list[_HeldMark]] = {}
    for row in rows:
        mark = _held(row)
        held.setdefault(mark.place.pupil, []).append(mark)
    found, others = 0, Counter[str]()
    for mark in body["Marks"]:
        place, ours = _sent_place(mark), _code(mark["Mark"])
        here = [
            each
            for each in (*held.get(place.pupil, ()), *held.get(None, ()))
            if each.code not in _NO_MARK and each.place.could_be(place)
        ]
        if any(each.code == ours and each.place.is_readable(place.kind) for each in here):
            found += 1
        elif here:
            others[here[0].code] += 1
    return ReadBackResult(
        expected=len(body["Marks"]),
        found=found,
        similar=others.total(),
        as_of=as_of,
        seen=tuple(sorted(others.items())),
    )


def _sent_place(mark: Mapping[str, Any]) -> _Place:
    return _Place(
        pupil=identity_of(mark["StudentId"]),
        days=days_of(mark["Date"]),
        kind=mark["MarkType"],
        session=session_of(mark.get("Session")),
        lesson=identity_of(mark.get("InstanceId")),
    )


def _held(row: Row) -> _HeldMark:
    said = fold_keys(row)
    kind = spelled(said.get("marktype") or said.get("type") or "").strip().upper()[:1]
    place = _Place(
        pupil=identity_of(said.get("studentid")),
        days=days_of(said.get("date")),
        kind=kind if kind in {"S", "L"} else None,
        session=session_of(said.get("session")),
        lesson=identity_of(said.get("instanceid")),
    )
    return _HeldMark(place, _code(said["mark"]) if "mark" in said else _UNREADABLE)


def _code(value: Any) -> str:
    return "" if value is None else spelled(value).strip().upper()[:10]
