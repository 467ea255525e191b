"""The days, weeks and months that a rolling dataset is about: parameters filled in with dates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

_MARKS = ("{today}", "{week}", "{month}")


def has_marks(parameters: Mapping[str, str]) -> bool:
    """Tell whether a parameter still holds a date to be filled in."""
    return any(mark in value for value in parameters.values() for mark in _MARKS)


def filled(parameters: Mapping[str, str], today: date) -> dict[str, str]:
    """Return the parameters with their marks replaced.

    ``{week}`` and ``{month}`` stand in a parameter that begins a period; the parameter that ends
    it is written ``{week}`` or ``{month}`` too and is told by its name.
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
    # Monday to Friday: the ranges that Xporter advises, because its caches are shared by them.
    return today - timedelta(days=today.weekday() - (4 if is_end else 0))


def _of_month(today: date, is_end: bool) -> date:
    first = today.replace(day=1)
    return (first + timedelta(days=32)).replace(day=1) - timedelta(days=1) if is_end else first
