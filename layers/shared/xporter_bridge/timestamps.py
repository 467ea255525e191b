"""One form of time: aware UTC in code, ISO-8601 with ``Z`` in keys, manifests and messages."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_FRACTION = re.compile(r"\.(\d+)")


def iso(moment: datetime) -> str:
    """Return the moment as ``2026-11-24T03:00:00.000Z``, which sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse(text: str) -> datetime:
    """Return the moment that Xporter or we wrote.

    Xporter writes zero to seven fractional digits, with ``Z`` or without a zone; naive times
    are UTC (xporter-api.md 2.3, 5.2 and 13.17).

    Raises:
        ValueError: The text is not a time.
    """
    text = _FRACTION.sub(lambda match: "." + match[1][:6].ljust(6, "0"), text.strip())
    moment = datetime.fromisoformat(text)
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError("a time beyond the calendar") from error
