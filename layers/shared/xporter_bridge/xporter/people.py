"""Which rows of Xporter's tables are about a person, and which only mention a person in a list.

Columns are known by name in every table, also in tables that nobody has catalogued. A person's Id
is written plain (``9919``) or with the letters of its kind (``PL-9919``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

Row = Mapping[str, Any]


class PersonKind(StrEnum):
    """The kinds of people of a school."""

    PUPIL = "pupil"
    CONTACT = "contact"
    STAFF = "staff"


Reference = tuple[PersonKind, str]
IsErased = Callable[[Reference], bool]

_LETTERS = {"PL": PersonKind.PUPIL, "PC": PersonKind.CONTACT, "PWT": PersonKind.STAFF}
_WITH_LETTERS = re.compile(r"(PL|PC|PWT)-(.+)", re.IGNORECASE)
# Columns whose one value says whom the row is about.
_ABOUT = {
    **dict.fromkeys(("studentid", "studentmis_id", "student_misid", "siblingid"), PersonKind.PUPIL),
    "mis_id": PersonKind.PUPIL,
    "contactid": PersonKind.CONTACT,
    "staffid": PersonKind.STAFF,
}
# Tables in which the row's own Id, or another column of one table, is a person's.
_ABOUT_IN = {
    **{
        (table, "id"): PersonKind.PUPIL
        for table in (
            "students",
            "studentmedical",
            "studentmeals",
            "attendancesummary",
            "conductpoints",
            "weeklystats",
            "termlystats",
        )
    },
    ("contacts", "id"): PersonKind.CONTACT,
    ("staff", "id"): PersonKind.STAFF,
    ("lessonstaff", "staff"): PersonKind.STAFF,
}
# Columns whose value begins with the letters of a kind, if it is a person's.
_LETTERED = frozenset({"id", "idaasid", "studentidaasid", "staffidaasid", "contactidaasid"})
_MENTIONED = {
    **dict.fromkeys(
        ("studentids", "studentidaasids", "studentsiblingids", "childidaasids"), PersonKind.PUPIL
    ),
    **dict.fromkeys(("contactids", "contactidaasids", "parentidaasids"), PersonKind.CONTACT),
    **dict.fromkeys(
        ("staffids", "staffidaasids", "primarystaffid", "recordedbyid"), PersonKind.STAFF
    ),
}
_TYPES = {
    "student": PersonKind.PUPIL,
    "pupil": PersonKind.PUPIL,
    "contact": PersonKind.CONTACT,
    "staff": PersonKind.STAFF,
}
_PARAMETERS = {
    **dict.fromkeys(("studentid", "students", "studentids"), (PersonKind.PUPIL,)),
    "staffid": (PersonKind.STAFF,),
    "id": tuple(PersonKind),
}
# Endpoints whose parameter ``id`` names no person.
_ID_IS_NOBODY = frozenset({"groups"})


def plain_id(kind: PersonKind, identity: object) -> str:
    """Return a person's Id as it is compared: without blanks and the letters of its kind."""
    text = str(identity).strip()
    found = _WITH_LETTERS.fullmatch(text)
    return found[2] if found and _LETTERS[found[1].upper()] is kind else text


@dataclass(frozen=True)
class _Columns:
    """The columns of one table that can name people, found once for all its rows."""

    about: tuple[tuple[str, PersonKind], ...]
    lettered: tuple[str, ...]
    mentioned: tuple[tuple[str, PersonKind], ...]
    person_id: str = ""
    person_type: str = ""


@lru_cache(maxsize=1024)
def _columns_of(table: str, names: tuple[str, ...]) -> _Columns:
    folded = [(name, name.casefold()) for name in names]
    in_table = table.casefold()
    kinds = [
        (name, _ABOUT_IN.get((in_table, column)) or _ABOUT.get(column)) for name, column in folded
    ]
    return _Columns(
        about=tuple((name, kind) for name, kind in kinds if kind),
        lettered=tuple(name for name, column in folded if column in _LETTERED),
        mentioned=tuple((name, _MENTIONED[each]) for name, each in folded if each in _MENTIONED),
        person_id=next((name for name, column in folded if column == "personid"), ""),
        person_type=next((name for name, column in folded if column == "persontype"), ""),
    )


def people_of(table: str, row: Row) -> Iterator[Reference]:
    """Yield everybody whom the row is about; it may name the same person more than once.

    A row that belongs to another row of a person without naming the person, as the reasons of an
    exclusion do, yields nobody.
    """
    columns = _columns_of(table, tuple(row))
    for name, kind in columns.about:
        if row[name] is not None:
            yield kind, plain_id(kind, row[name])
    for name in columns.lettered:
        if isinstance(row[name], str):
            yield from _lettered(row[name])
    if columns.person_id and row[columns.person_id] is not None:
        typed = _TYPES.get(str(row.get(columns.person_type)).strip().casefold())
        if typed:
            yield typed, plain_id(typed, row[columns.person_id])


def without_mentions(row: Row, is_erased: IsErased) -> Row:
    """Return the row without erased people in its lists; the row itself if it mentions none."""
    changed = {}
    for name, kind in _columns_of("", tuple(row)).mentioned:
        value = row[name]
        if value:
            kept = _kept(kind, value, is_erased)
            if kept != value:
                changed[name] = kept
    return {**row, **changed} if changed else row


def mentions_of(row: Row) -> Iterator[Reference]:
    """Yield everybody whom a list of the row mentions."""
    for name, kind in _columns_of("", tuple(row)).mentioned:
        value = row[name]
        if value:
            entries = value if isinstance(value, list) else str(value).split(",")
            yield from ((kind, plain_id(kind, each)) for each in entries)


def without_people(table: str, row: Row, is_erased: IsErased) -> Row | None:
    """Return the row without the people; None if it is about one, the row itself if it names none.

    This is the rule of erasures, pulls and exports alike.
    """
    if any(map(is_erased, people_of(table, row))):
        return None
    return without_mentions(row, is_erased)


def people_in(document: object) -> Iterator[Reference]:
    """Yield everybody whom a document of objects and lists names, as a writeback does."""
    if isinstance(document, Mapping):
        yield from people_of("", document)
        yield from mentions_of(document)
        for value in document.values():
            yield from people_in(value)
    elif isinstance(document, list | tuple):
        for value in document:
            yield from people_in(value)


def may_concern(tables: Mapping[str, Iterable[str]]) -> bool:
    """Tell whether rows with such columns, by table, may be about people or mention them.

    Only an Id that has the letters of a kind is not seen from the columns. Xporter has such Ids in
    tables that have a column of the person as well.
    """
    return any(
        (table.casefold(), column.casefold()) in _ABOUT_IN
        or column.casefold() in _ABOUT.keys() | _MENTIONED.keys() | (_LETTERED - {"id"})
        or column.casefold() == "personid"
        for table, columns in tables.items()
        for column in columns
    )


def is_requested_for(endpoint: str, parameters: Mapping[str, object], is_erased: IsErased) -> bool:
    """Tell whether a request with these parameters asks for an erased person's data.

    What the parameter ``id`` means depends on the endpoint. Where it may be a person's, it is taken
    for a person's of any kind: a request too many that is refused does less harm than a person who
    comes back.
    """
    return any(
        is_erased((kind, plain_id(kind, each)))
        for name, value in parameters.items()
        if name.casefold() != "id" or endpoint not in _ID_IS_NOBODY
        for kind in _PARAMETERS.get(name.casefold(), ())
        for each in str(value).split(",")
    )


def _lettered(value: str) -> Iterator[Reference]:
    """Yield the people in an Id that is made of several, as ``PL-10000.PC-10001`` is."""
    if "-" not in value:
        return
    for part in value.split("."):
        if found := _WITH_LETTERS.fullmatch(part.strip()):
            yield _LETTERS[found[1].upper()], found[2]


def _kept(kind: PersonKind, value: Any, is_erased: IsErased) -> Any:
    if isinstance(value, list):
        return [each for each in value if not is_erased((kind, plain_id(kind, each)))]
    if not isinstance(value, str) or "," not in value:
        return None if is_erased((kind, plain_id(kind, value))) else value
    parts = value.split(",")
    kept = [each for each in parts if not is_erased((kind, plain_id(kind, each)))]
    return value if len(kept) == len(parts) else ",".join(kept) or None
