"""The announced end of a school that is paused or revoked for long, and how it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from xporter_bridge.events.model import Event, new_event
from xporter_bridge.timestamps import iso, iso_or_none, parse_or_none


@dataclass(frozen=True)
class AnnouncedEnd:
    """The school will be erased, not before ``at``, unless Xporter lets us in again by then.

    ``confirmed_at`` is when Xporter last said that the school is still paused, or refused its
    secret; None if it has not since the announcement.
    """

    announced_at: datetime
    at: datetime
    confirmed_at: datetime | None = None

    def confirmed(self, now: datetime) -> AnnouncedEnd:
        """Return the end after Xporter's answer has not changed."""
        return replace(self, confirmed_at=now)


def end_event(
    estab: str, state: str, end: AnnouncedEnd, now: datetime, *, is_withdrawn: bool = False
) -> Event:
    """Return the event that the end of a school is announced, or withdrawn."""
    return new_event(
        "school.end_withdrawn" if is_withdrawn else "school.end_announced",
        now,
        about=iso(end.announced_at),
        estab=estab,
        state=str(state),
        announced_at=iso(end.announced_at),
        ends_at=iso(end.at),
    )


def end_attributes(end: AnnouncedEnd | None) -> dict[str, str | None]:
    """Return the attributes that store the end; all empty if none is announced."""
    return {
        "end_announced_at": iso_or_none(end.announced_at) if end else None,
        "end_at": iso_or_none(end.at) if end else None,
        "end_confirmed_at": iso_or_none(end.confirmed_at) if end else None,
    }


def read_end(item: Mapping[str, Any]) -> AnnouncedEnd | None:
    """Return the announced end of a school's item; None if there is none."""
    announced_at, at = (parse_or_none(item.get(name)) for name in ("end_announced_at", "end_at"))
    if announced_at is None or at is None:
        return None
    return AnnouncedEnd(announced_at, at, parse_or_none(item.get("end_confirmed_at")))
