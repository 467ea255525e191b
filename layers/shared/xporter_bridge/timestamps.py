"""One form of time: aware UTC in code, ISO-8601 with ``Z`` in keys, manifests and messages."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(moment: datetime) -> str:
    """Return the moment as ``2026-11-24T03:00:00.000Z``, which sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_or_none(moment: datetime | None) -> str | None:
    """Return the moment as text; None for never, which is not stored."""
    return iso(moment) if moment else None


def parse_or_none(text: str | None) -> datetime | None:
    """Return the moment; None for never, which earlier versions also wrote as empty text.

    Raises:
        ValueError: The text is not a time.
    """
    return parse(text) if text else None


def has_come(moment: datetime | None, now: datetime) -> bool:
    """Tell whether the moment is now or in the past; False for None."""
    return moment is not None and moment <= now


def earliest(*moments: datetime | None) -> datetime | None:
    """Return the earliest of the moments; None stands for never."""
    return min(filter(None, moments), default=None)


def latest(*moments: datetime | None) -> datetime | None:
    """Return the last of the moments; None if none of them is known."""
    return max(filter(None, moments), default=None)


def to_milliseconds(moment: datetime) -> datetime:
    """Return the moment cut to milliseconds, so that it equals its stored form."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def parse(text: str) -> datetime:
    """Return the moment of a text that Xporter or Xporter Bridge wrote.

    Xporter writes zero to seven fractional digits, with ``Z`` or without a zone; naive times
    are UTC (xporter-api.md 2.3, 5.2 and 13.17).

    Raises:
        ValueError: The text is not a time.
    """
    moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo is UTC:
        return moment
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError("a time beyond the calendar") from error
