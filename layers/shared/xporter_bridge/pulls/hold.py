"""The mass-change guard: a change set that would wipe out a school's data waits for a person.

Most such change sets are not the truth: options drifted, a scope went, people opted out, an
export failed half-way (xporter-api.md 13.13). The rest are the roll-over of the school year,
for which there is a calendar window.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

# A held change set lies in the staging bucket, whose life cycle ends it (template.yaml).
_LONGEST_HOLD = timedelta(days=13)


@dataclass(frozen=True)
class HoldLimits:
    """Above which a change to one table is suspicious, in percent of the rows it had."""

    max_deleted_percent: float = 10
    max_updated_percent: float = 75
    floor_rows: int = 20
    expires: timedelta = timedelta(days=7)
    roll_over: tuple[str, str] | None = None
    roll_over_deleted_percent: float = 40
    roll_over_updated_percent: float = 100

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> HoldLimits:
        """Return the limits of a configuration entry; those it omits have their defaults.

        Raises:
            ValueError: A limit is not a number, or a date is not written ``MM-DD``.
        """
        limits = cls(
            max_deleted_percent=float(entry.get("max_deleted_percent", 10)),
            max_updated_percent=float(entry.get("max_updated_percent", 75)),
            floor_rows=int(entry.get("floor_rows", 20)),
            expires=timedelta(days=float(entry.get("expires_days", 7))),
        )
        if not timedelta() < limits.expires <= _LONGEST_HOLD:
            raise ValueError(f"expires_days must be at most {_LONGEST_HOLD.days}")
        window = entry.get("roll_over")
        if not window:
            return limits
        for end in ("from", "to"):
            date.fromisoformat(f"2024-{window[end]}")
        return replace(
            limits,
            roll_over=(window["from"], window["to"]),
            roll_over_deleted_percent=float(window.get("max_deleted_percent", 40)),
            roll_over_updated_percent=float(window.get("max_updated_percent", 100)),
        )

    def on(self, today: date) -> HoldLimits:
        """Return the limits that apply on that day."""
        if self._is_roll_over(today.strftime("%m-%d")):
            return replace(
                self,
                max_deleted_percent=self.roll_over_deleted_percent,
                max_updated_percent=self.roll_over_updated_percent,
            )
        return self

    def _is_roll_over(self, day: str) -> bool:
        if self.roll_over is None:
            return False
        first, last = self.roll_over
        # A window from December to January wraps around the turn of the year.
        return first <= day <= last if first <= last else not last < day < first


@dataclass(frozen=True)
class TableChange:
    """How many rows of one table a change set touches; ``previous`` is how many it had.

    ``is_absent`` tells that the answer did not name the table, though Xporter names all of an
    endpoint's tables, empty ones too: what it had is not known to have gone.
    """

    table: str
    previous: int
    inserted: int
    updated: int
    deleted: int
    is_absent: bool = False


def suspicions(changes: list[TableChange], limits: HoldLimits) -> list[str]:
    """Return why the change set must be held, one sentence per table; empty when it need not.

    A table that was empty cannot lose anything, and a first pull has nothing to compare with.
    """
    found = []
    for change in changes:
        if change.is_absent:
            found.append(f"{change.table}: absent from the answer")
            continue
        for verb, rows, percent in (
            ("deleted", change.deleted, limits.max_deleted_percent),
            ("updated", change.updated, limits.max_updated_percent),
        ):
            if rows >= limits.floor_rows and rows * 100 > percent * change.previous:
                found.append(f"{change.table}: {rows} of {change.previous} rows {verb}")
    return found
