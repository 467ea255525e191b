"""What a probe asks of Xporter, and the shapes of what it was told: names and types, no values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .xporter_calls import Seen, Xporter, folded

Row = Mapping[str, Any]
# Small, so that a probe of any school takes seconds; the same on all pages.
PAGE_SIZE = 25
_NO_HASH = "0" * 32
_NO_RESOURCE = "NoSuchResource"


@dataclass(frozen=True)
class Sightings:
    """The answers of one probe; None for what could not be asked."""

    estab: str
    resource: str
    token: Seen
    details: Seen
    details_again: Seen
    plain: Seen
    first: Seen
    second: Seen | None
    last: Seen | None
    following: Seen | None
    unknown_hash: Seen
    no_resource: Seen
    status: Seen

    @property
    def data(self) -> list[Seen]:
        """The answers that have rows."""
        found = (self.plain, self.first, self.second, self.last, self.following)
        return [each for each in found if each and each.is_data]


def look(xporter: Xporter, estab: str, token: Seen) -> Sightings:
    """Ask everything; about a dozen requests, of which none changes anything."""
    details = xporter.details()
    scopes = {str(each).casefold() for each in folded(details.document).get("scopes") or ()}
    resource = "Students" if "student" in scopes else "SchoolInfo"

    def page(number: int, changed_rows: str = "*") -> Seen:
        place = {"page": str(number), "pageSize": str(PAGE_SIZE)}
        return xporter.ask(resource, changedRows=changed_rows, **place)

    first = page(1)
    pages = pagination(first).get("PageCount", 1)
    following = changes(first).get("NextChangedRows")
    last = pages if isinstance(pages, int) and 1 < pages <= 10_000 else 0
    return Sightings(
        estab=estab,
        resource=resource,
        token=token,
        details=details,
        details_again=xporter.details(),
        plain=xporter.ask("SchoolInfo"),
        first=first,
        second=page(2) if last else None,
        last=page(last) if last else None,
        following=xporter.ask(resource, changedRows=str(following)) if following else None,
        unknown_hash=page(1, _NO_HASH),
        no_resource=xporter.ask(_NO_RESOURCE),
        status=xporter.ask("SchoolInfo", onlyGetDbStatus="true"),
    )


def pagination(seen: Seen | None) -> Row:
    """Return what an answer says of its pages; empty if nothing."""
    return _first(seen, "__pagination__")


def changes(seen: Seen | None) -> Row:
    """Return what an answer says of its change set; empty if nothing."""
    return _first(seen, "__changedRows__")


def meta(seen: Seen) -> Row:
    """Return what an answer says of itself; empty if nothing."""
    return _first(seen, "meta")


def tables(seen: Seen) -> Iterator[tuple[str, list[Row]]]:
    """Yield every table of an answer with its rows, but for deletions."""
    for name, value in (seen.document or {}).items():
        is_special = name == "meta" or name.startswith("__") or name.endswith("_deleted")
        if isinstance(value, list) and not is_special:
            yield name, [row for row in value if isinstance(row, Mapping)]


def shapes(found: Sightings) -> dict[str, dict[str, list[str]]]:
    """Return the types that were seen of every column of every table; no value."""
    types: dict[str, dict[str, set[str]]] = {}
    for seen in found.data:
        for table, rows in tables(seen):
            columns = types.setdefault(table, {})
            for row in rows:
                for name, value in row.items():
                    columns.setdefault(name, set()).add(_type(value))
    return {
        table: {name: sorted(each) for name, each in columns.items()}
        for table, columns in types.items()
    }


def _first(seen: Seen | None, name: str) -> Row:
    value = (seen.document or {}).get(name) if seen else None
    first = value[0] if isinstance(value, list) and value else value
    return first if isinstance(first, Mapping) else {}


def _type(value: Any) -> str:
    names = {type(None): "null", bool: "truth", str: "text", list: "array", dict: "object"}
    return names.get(type(value), "number")
