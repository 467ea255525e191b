"""Plausible rows for the endpoints without a module of their own, from the vendor's examples."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from tools.simulator.school.people import staff_id, student_id, student_name
from tools.simulator.school.profiles import Profile
from tools.simulator.school.revisioned_tables import Build, Row
from tools.simulator.school.seeded_random import draw, guid, number, photo, row_hash
from tools.simulator.service.endpoints import Column, Shape

Value = Callable[[Profile, int, bytes], Any]

_TEXT_NUMBERS = re.compile(r"(id|code|no|number|value|mark|telephone|fax|phone|period|year|lea)$")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
STUDENT_COLUMNS = ("StudentId", "StudentMis_Id", "Student_MisId")


def _dates(example: str) -> Value:
    tail = example[10:]

    def value(profile: Profile, _n: int, drawn: bytes) -> str:
        return (profile.year_start + timedelta(days=number(drawn, 0) % 80)).isoformat() + tail

    return value


def _numbers(column: Column) -> Value:
    example = column.example or "0"
    if "." in example:
        return lambda *_: float(example)
    if example in ("0", "1"):
        # Booleans are sometimes null (xporter-api.md 5.3).
        return lambda _p, _n, drawn: drawn[3] & 1 if drawn[3] > 15 else None
    if _TEXT_NUMBERS.search(column.name.lower()):
        return lambda _p, _n, drawn: str(int(example) + drawn[4] % 7)
    return lambda _p, _n, drawn: int(example) + drawn[5] % 7


def _value(column: Column) -> Value:
    example = column.example
    if example is None:
        return lambda *_: None
    if _DAY.match(example):
        return _dates(example)
    if re.fullmatch(r"\d+(\.\d+)?", example) and not example.startswith("00"):
        return _numbers(column)
    if column.name == "Photo":
        return lambda _p, _n, drawn: photo(drawn)
    if column.name == "ExternalId":
        return lambda _p, _n, drawn: guid(drawn)
    return lambda *_: example


def _forename(profile: Profile, student: int) -> str:
    return student_name(profile, student)[0]


def _surname(profile: Profile, student: int) -> str:
    return student_name(profile, student)[1]


def first_id(shape: Shape) -> int:
    """Return where the ids of a table begin: at the vendor's example."""
    example = next((column.example for column in shape.columns if column.name == "Id"), None)
    return int(example) if example and example.isdecimal() else 1


def is_per_student(shape: Shape) -> bool:
    """Tell whether each row belongs to a pupil."""
    return shape.name == "StudentMeals" or any(name in STUDENT_COLUMNS for name in shape.names)


@lru_cache(maxsize=256)
def builder(shape: Shape, step: int) -> Build:
    """Return a function that builds rows of ``shape``; row n belongs to pupil n x ``step``."""
    label = f"{shape.resource}.{shape.name}".encode()
    values = [(column.name, _value(column)) for column in shape.columns]
    begin = first_id(shape)
    own_id = shape.name == "StudentMeals"
    people: dict[str, Callable[[Profile, int], str]] = {"Forename": _forename, "Surname": _surname}

    def build(profile: Profile, n: int, version: int, stamp: str | None) -> Row:
        drawn = draw(profile.key, label, n, version)
        row: Row = {name: value(profile, n, drawn) for name, value in values}
        student = n * step % max(1, profile.students) if step == 0 else n * step
        fixed: Row = {
            "Id": student_id(student) if own_id else str(begin + n),
            "StudentId": student_id(student),
            "StudentMis_Id": student_id(student),
            "Student_MisId": student_id(student),
            "StudentIdaasId": f"PL-{student_id(student)}",
            "StudentXid": f"x{drawn[:3].hex()}",
            "ReasonId": str(n % 12 + 1),
            "StudentExclusionId": str(2318 + n),
            "StaffId": staff_id(n % profile.staff),
            "RowHash": row_hash(drawn),
            "LastUpdated": stamp or profile.stamps[drawn[1]],
        }
        row.update((name, fixed[name]) for name in fixed.keys() & row.keys())
        if step:
            row.update(
                (name, people[name](profile, student)) for name in people.keys() & row.keys()
            )
        return row

    return build


def school_year_days(profile: Profile) -> list[date]:
    """Return the days on which the school is open in its first year."""
    days = (profile.year_start + timedelta(days=n) for n in range(330))
    return [day for day in days if profile.is_open(day)]
