"""Reads the MIS's ids of people, days and points, each in any of its spellings.

Xporter returns written values in the spelling of the MIS: ``pl-010003`` for 10003, a UTC midnight
for a day in summer, ``10.00`` for ten points (xporter-api.md 8). An unreadable value is None, which
proves neither the presence nor the absence of a record.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from xporter_bridge.casing import spelled

MARGIN = timedelta(days=1)

_UK = ZoneInfo("Europe/London")
_PREFIX = re.compile(r"P(L|WT|C)\s*-\s*", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]+(?=(\.0*)?$)")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_BRITISH = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})\b")
_TICKS = re.compile(r"/Date\((-?[0-9]{1,14})")
_ZONE = re.compile(r"(Z|[+-][0-9]{2}:?[0-9]{2})$", re.IGNORECASE)
_FRACTION = re.compile(r"(\.[0-9]{1,6})[0-9]*")
_POINTS = re.compile(r"[+-]?[0-9]{1,12}(\.[0-9]{0,12})?")
_SESSIONS: Mapping[str, str] = {"A": "AM", "AM": "AM", "P": "PM", "PM": "PM"}


def identity_of(value: Any) -> str | None:
    """Return an id as the MIS compares it: a number without prefix and zeros, or a GUID."""
    if value is None or isinstance(value, bool):
        return None
    text = _PREFIX.sub("", spelled(value).strip(), count=1).casefold()
    if number := _NUMBER.match(text):
        return number[0].lstrip("0") or "0"
    return text if _GUID.fullmatch(text) else None


def uk_day(text: str) -> date:
    """Return the school's day of a checked date or time: UK time, as is a time without a zone.

    Raises:
        ValueError: It is neither.
    """
    moment = datetime.fromisoformat(_FRACTION.sub(r"\1", text))
    return (moment.astimezone(_UK) if moment.tzinfo else moment).date()


def days_of(value: Any) -> frozenset[date] | None:
    """Return the days that a date or time of the MIS may mean: as written, and in UK time."""
    text = spelled(value).strip()
    try:
        if found := _TICKS.match(text):
            moment = datetime.fromtimestamp(int(found[1]) / 1000, UTC)
            return frozenset({moment.date(), moment.astimezone(_UK).date()})
        if found := _BRITISH.match(text):
            return frozenset({date(int(found[3]), int(found[2]), int(found[1]))})
        if found := _DAY.match(text):
            written = date(*map(int, found.groups()))
            return frozenset({written, *_in_uk_time(text)})
    except (ValueError, OverflowError, OSError):
        pass
    return None


def _in_uk_time(text: str) -> list[date]:
    """Return the UK day of a time, which without a zone is UTC (xporter-api.md 13.17)."""
    if len(text) <= len("2026-11-17"):
        return []
    try:
        return [uk_day(text if _ZONE.search(text) else text + "Z")]
    except (ValueError, OverflowError):
        return []


def points_of(value: Any) -> Decimal | None:
    """Return points as a number: ``10``, ``10.0`` and ``10.00`` are equal."""
    text = spelled(value).strip()
    try:
        return Decimal(text) if _POINTS.fullmatch(text) else None
    except InvalidOperation:
        return None


def session_of(value: Any) -> str | None:
    """Return AM or PM."""
    return _SESSIONS.get(spelled(value).strip().upper())
