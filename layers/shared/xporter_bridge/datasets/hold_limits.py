"""The limits above which a change of a dataset is held for a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

# The life cycle of the staging bucket deletes a held change set (template.yaml).
_MAX_HOLD = timedelta(days=13)


@dataclass(frozen=True)
class HoldLimits:
    """The limits of a change to one table, in percent of the table's rows before the change."""

    max_deleted_percent: float = 10
    max_updated_percent: float = 75
    floor_rows: int = 20
    expires: timedelta = timedelta(days=7)
    roll_over: tuple[str, str] | None = None
    roll_over_deleted_percent: float = 40
    roll_over_updated_percent: float = 100

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> HoldLimits:
        """Return the limits of a configuration entry, with defaults for missing limits.

        Raises:
            ValueError: A limit is not a number, or a date is not written ``MM-DD``.
        """
        limits = cls(
            max_deleted_percent=float(entry.get("max_deleted_percent", 10)),
            max_updated_percent=float(entry.get("max_updated_percent", 75)),
            floor_rows=int(entry.get("floor_rows", 20)),
            expires=timedelta(days=float(entry.get("expires_days", 7))),
        )
        if not timedelta() < limits.expires <= _MAX_HOLD:
            raise ValueError(f"expires_days must be at most {_MAX_HOLD.days}")
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
        # A window from December to January crosses the end of the year.
        return first <= day <= last if first <= last else not last < day < first
