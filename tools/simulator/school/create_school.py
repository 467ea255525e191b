"""Creates a school from the body of a control call."""

import re
from datetime import date
from typing import Any

from tools.simulator.http.errors import ControlError
from tools.simulator.school import odd_rows
from tools.simulator.school.profiles import Profile
from tools.simulator.school.schools import School
from tools.simulator.service.endpoints import tables_named
from tools.simulator.service.scopes import ALL, USUAL

_MAX_STUDENTS = 2_000_000
_PRIMARY_BELOW = 400


def found(facts: dict[str, Any], today: date) -> School:
    """Return a new school; its facts follow from estab, seed and size.

    Raises:
        ControlError: The facts cannot be those of a school.
    """
    estab = facts.get("estab", "3281102")
    if not re.fullmatch(r"\d{7}", estab):
        raise ControlError("estab has seven digits")
    students = facts.get("students", 100)
    if not 1 <= students <= _MAX_STUDENTS:
        raise ControlError(f"students lies between 1 and {_MAX_STUDENTS}")
    phase = facts.get("phase", "Primary" if students < _PRIMARY_BELOW else "Secondary")
    if phase not in ("Primary", "Secondary"):
        raise ControlError("phase is Primary or Secondary")
    profile = Profile(
        estab=estab,
        seed=facts.get("seed", 1),
        students=students,
        today=_day(facts.get("today"), today),
        phase=phase,
        rows=_rows(facts.get("rows", {})),
    )
    return School(
        profile,
        scopes=chosen_scopes(facts.get("scopes")),
        template_scopes=chosen_scopes(facts.get("template_scopes")),
        is_paused=facts.get("paused", False),
        is_installed=facts.get("installed", True),
        odd_rows=odd_rows.read(facts.get("odd_rows", {})),
    )


def _day(text: str | None, today: date) -> date:
    if text is None:
        return today
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ControlError("today is a date: yyyy-MM-dd") from error


def _rows(sizes: dict[str, Any]) -> dict[str, int]:
    for table, size in sizes.items():
        if not tables_named(table):
            raise ControlError(f"no table {table!r}")
        if isinstance(size, bool) or not isinstance(size, int) or size < 0:
            raise ControlError(f"rows of {table} is a whole number")
    return dict(sizes)


def chosen_scopes(given: list[Any] | None, present: tuple[str, ...] = USUAL) -> tuple[str, ...]:
    """Return the scopes asked for, or those there are when none were.

    Raises:
        ControlError: One is unknown.
    """
    if given is None:
        return present
    if unknown := [scope for scope in given if scope not in ALL]:
        raise ControlError(f"unknown scopes: {unknown}")
    return tuple(dict.fromkeys(given))
