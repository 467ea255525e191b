"""Reads a Retry-After header: a number of seconds or a date, from Xporter or its proxies."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# The longest wait, whatever the value of Retry-After.
MAX_SECONDS = 3600.0
# A proxy may join several values; the first counts.
_SECONDS = re.compile(r"([+-]?)([0-9]+)(?:\.[0-9]*)?\s*(?:[,;].*)?")
# A number with more digits exceeds the longest wait.
_MAX_DIGITS = 9


def seconds_of(header: str, now: datetime) -> float | None:
    """Return the wait of a Retry-After, between 0 and an hour; None for an unreadable value.

    A date without a zone is UTC. A date beyond the calendar means the longest wait.
    """
    text = header.strip()
    if found := _SECONDS.fullmatch(text):
        sign, digits = found[1], found[2].lstrip("0")
        if sign == "-":
            return 0.0
        return MAX_SECONDS if len(digits) > _MAX_DIGITS else _bounded(float(digits or 0))
    try:
        moment = _moment(text)
    except OverflowError:
        return MAX_SECONDS
    return None if moment is None else _bounded((moment - now).total_seconds())


def _moment(text: str) -> datetime | None:
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = read(text)
        except (ValueError, TypeError, IndexError):
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


def _bounded(seconds: float) -> float:
    return min(max(0.0, seconds), MAX_SECONDS)
