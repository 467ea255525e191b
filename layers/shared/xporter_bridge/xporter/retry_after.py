"""Reads a Retry-After header: a number of seconds or a date, from Xporter or its proxies."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Nobody is sent away for longer than this, whatever a Retry-After says.
MAX_SECONDS = 3600.0
# Several, joined by a proxy, are read as the first of them.
_SECONDS = re.compile(r"([+-]?)([0-9]+)(?:\.[0-9]*)?\s*(?:[,;].*)?")
# More digits than this are more than anybody waits for.
_MAX_DIGITS = 9


def seconds_of(header: str, now: datetime) -> float | None:
    """Return for how long a Retry-After asks to wait, between 0 and an hour; None if for nothing.

    A date without a zone is UTC. One that is beyond any calendar is as good as late.
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
