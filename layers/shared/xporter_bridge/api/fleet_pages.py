"""Pages of schools by state, by trouble and by a text, each from the index that has them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from xporter_bridge import telemetry
from xporter_bridge.errors import RequestRejectedError
from xporter_bridge.schools.attention import trouble_of
from xporter_bridge.schools.model import School
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.schools.states import SchoolState

_ESTAB = re.compile(r"[0-9]{7}")
# What the positions of each order look like: DynamoDB takes no key of another form.
_PLACES = {
    "estab": _ESTAB,
    "state": re.compile(r"[^#]+#[0-9]{7}"),
    "trouble": re.compile(r"[0-9]{2}#[^#]+#[0-9]{7}"),
}
_AT_ONCE = 16
# Where most schools do not match, one call reads so many and gives a cursor for the rest.
_MOST_READ = 1000
_READ_AT_ONCE = 100
_Found = list[tuple[str, School]]


@dataclass(frozen=True)
class SchoolFilter:
    """Which schools are wanted; an empty filter wants all.

    ``is_troubled`` is as the latest pull or look has left it. ``text`` is part of the number or of
    the name, in any case.
    """

    state: SchoolState | None = None
    is_troubled: bool | None = None
    text: str = ""

    @property
    def order(self) -> str:
        """What the schools are read by; a cursor of another order means nothing."""
        if self.is_troubled:
            return "trouble"
        return f"state-{self.state}" if self.state else "estab"

    def matches(self, school: School) -> bool:
        """Tell whether the school is wanted."""
        is_of_state = self.state in {None, school.state}
        is_as_well = self.is_troubled in {None, trouble_of(school) is not None}
        named = f"{school.estab} {school.name}".casefold()
        return is_of_state and is_as_well and self.text.casefold() in named


@dataclass(frozen=True)
class FleetPages:
    """Reads schools a page at a time.

    ``skips_unreadable`` leaves out a school of an index that only a later version can read: for a
    person, one such school must hide no other; software must not take a part for all.
    """

    schools: SchoolRepository
    skips_unreadable: bool = False

    def page(
        self, wanted: SchoolFilter, limit: int, cursor: str | None
    ) -> tuple[list[School], str | None]:
        """Return at most ``limit`` schools, and the cursor of the next page; None at the end.

        A page may hold fewer schools than the limit, and even none, though others follow.

        Raises:
            RequestRejectedError: 400 for an invalid cursor.
            IndexNotReadyError: Troubled schools are wanted, and their index is being made.
        """
        after = _position(cursor, wanted) if cursor else None
        if not wanted.is_troubled and _ESTAB.fullmatch(wanted.text):
            one = self.schools.get(wanted.text)
            return [one] if one and wanted.matches(one) else [], None
        found: list[School] = []
        has_filter = bool(wanted.text) or wanted.is_troubled is False
        has_filter = has_filter or (wanted.is_troubled is True and wanted.state is not None)
        for _ in range(_MOST_READ // _READ_AT_ONCE if has_filter else 1):
            size = _READ_AT_ONCE if has_filter else limit
            read, following = self._read(wanted, size, after)
            for position, school in read:
                if not wanted.matches(school):
                    continue
                if len(found) == limit:
                    return found, _cursor(after or "", wanted)
                found.append(school)
                after = position
            after = following
            if after is None or len(found) == limit:
                break
        return found, _cursor(after, wanted) if after else None

    def _read(
        self, wanted: SchoolFilter, size: int, after: str | None
    ) -> tuple[_Found, str | None]:
        """Return the schools at the next positions, and the last position; None at the end."""
        if wanted.is_troubled:
            entries = list(islice(self.schools.troubled(size, after), size + 1))
            following = entries[size - 1][0] if len(entries) > size else None
            return self._get(entries[:size]), following
        if wanted.state:
            places, following = self.schools.page_of_state(wanted.state, size, after)
            return self._get(places), following
        schools, following = self.schools.page(size, after)
        return [(school.estab, school) for school in schools], following

    def _get(self, places: Sequence[tuple[str, str]]) -> _Found:
        """Read the schools at once; an index may still name one that has gone or has changed."""
        with ThreadPoolExecutor(_AT_ONCE, "school") as pool:
            read = pool.map(lambda place: self._read_one(place[1]), places)
            return [
                (position, school)
                for (position, _), school in zip(places, read, strict=True)
                if school
            ]

    def _read_one(self, estab: str) -> School | None:
        try:
            return self.schools.get(estab)
        except Exception as error:
            if not self.skips_unreadable:
                raise
            telemetry.report("school_not_shown", error, estab=estab)
            return None


def _cursor(position: str, wanted: SchoolFilter) -> str:
    return base64.urlsafe_b64encode(f"{wanted.order}={position}".encode()).decode().rstrip("=")


def _position(cursor: str, wanted: SchoolFilter) -> str:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError) as error:
        raise RequestRejectedError(400, "invalid cursor") from error
    order, _, position = text.partition("=")
    place = _PLACES[wanted.order.partition("-")[0]]
    if order != wanted.order or not place.fullmatch(position):
        raise RequestRejectedError(400, "invalid cursor, or one of a call with other filters")
    return position
