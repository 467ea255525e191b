"""The timetable of a dataset: it is requested every few minutes of school days in term."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

SCHOOL_TIME = ZoneInfo("Europe/London")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Timetable:
    """The school hours in which a dataset is due; all times are the schools' own, UK local."""

    every: timedelta
    opens: time = time(0, 0)
    closes: time = time(23, 59)
    days: frozenset[int] = frozenset(range(7))
    terms: tuple[tuple[date, date], ...] = ()

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> Timetable | None:
        """Return the timetable of a configuration entry, or None if it has none.

        Raises:
            ValueError: A time, a day or a term is invalid.
        """
        if "every_minutes" not in entry:
            return None
        opens, closes = entry.get("between", ["00:00", "23:59"])
        return cls(
            every=timedelta(minutes=int(entry["every_minutes"])),
            opens=time.fromisoformat(opens),
            closes=time.fromisoformat(closes),
            days=frozenset(_DAYS.index(day) for day in entry.get("days", _DAYS)),
            terms=tuple(
                (date.fromisoformat(first), date.fromisoformat(last))
                for first, last in entry.get("terms", ())
            ),
        )

    def is_open(self, now: datetime) -> bool:
        """Tell whether the moment is within the hours, days and terms of the timetable."""
        local = now.astimezone(SCHOOL_TIME)
        in_term = not self.terms or any(a <= local.date() <= b for a, b in self.terms)
        return (
            in_term
            and local.weekday() in self.days
            and self.opens <= local.time().replace(tzinfo=None) <= self.closes
        )

    def is_due(self, now: datetime, last: datetime | None, estab: str) -> bool:
        """Tell whether to ask the school now, given when it was last asked.

        A school is asked every ``every`` from its own minute on, which is spread over the first
        interval after opening: a whole fleet must not be asked in the same minute.
        """
        local = now.astimezone(SCHOOL_TIME)
        opened = datetime.combine(local.date(), self.opens, SCHOOL_TIME).astimezone(UTC)
        first = opened + self.every * _share(estab)
        if not self.is_open(now) or now < first:
            return False
        latest = first + (now - first) // self.every * self.every
        return last is None or last < latest


def _share(estab: str) -> float:
    """Return a number from 0 to 1, below 1, that is the school's own and spreads the schools."""
    return int.from_bytes(hashlib.sha256(estab.encode()).digest()[:4]) / 2**32
