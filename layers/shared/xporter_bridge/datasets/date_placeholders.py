"""Replaces the date placeholders in the parameters of a rolling dataset by a day, week or month."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

_MARKS = ("{today}", "{week}", "{month}")


def has_marks(parameters: Mapping[str, str]) -> bool:
    """Tell whether a parameter contains a date placeholder."""
    return any(mark in value for value in parameters.values() for mark in _MARKS)


def filled(parameters: Mapping[str, str], today: date) -> dict[str, str]:
    """Return the parameters with dates in place of the placeholders.

    The first and the last day of a week are both written ``{week}``, those of a month
    ``{month}``. The name of the parameter decides which of the two days it gets.
    """
    dated = {}
    for name, value in parameters.items():
        is_end = name.casefold().endswith("to")
        dated[name] = (
            value.replace("{today}", today.isoformat())
            .replace("{week}", _of_week(today, is_end).isoformat())
            .replace("{month}", _of_month(today, is_end).isoformat())
        )
    return dated


def _of_week(today: date, is_end: bool) -> date:
    # Xporter advises ranges from Monday to Friday, because equal ranges share its caches.
    return today - timedelta(days=today.weekday() - (4 if is_end else 0))


def _of_month(today: date, is_end: bool) -> date:
    first = today.replace(day=1)
    return (first + timedelta(days=32)).replace(day=1) - timedelta(days=1) if is_end else first
