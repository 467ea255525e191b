"""Reads one page of a response, and verifies that all pages belong together.

The irregularities are described in xporter-api.md 5.2 to 5.5, such as ``meta`` on page 1 only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import ceil
from typing import Any

from xporter_bridge.casing import fold_keys, spelled
from xporter_bridge.errors import ContractError, PageDriftError
from xporter_bridge.exact_json import Document
from xporter_bridge.timestamps import parse, to_milliseconds
from xporter_bridge.xporter.not_ready import is_pending

ALL_ROWS = "*"
_DELETED = "_deleted"
_COUNTING = frozenset({"pagination", "changedrows"})
# A table's name becomes part of object keys: "/" or ".." would store rows under a wrong prefix.
_TABLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
# Implausible sizes, which could be neither pulled nor stored.
_MAX_ROWS = 10**9
_MAX_PAGES = 100_000
_MAX_EMPTY_PAGES = 1_000
_MAX_HASH_CHARACTERS = 500
_MAX_IGNORED = 50
# .NET writes the year 1 or 9999 for a missing time.
_FIRST_YEAR, _LAST_YEAR = 1990, 2100


@dataclass(frozen=True)
class PageMetadata:
    """The facts in a page about the whole result.

    ``requested`` and ``following`` are the hashes of the requested and of the next change set; None
    if the response has none, as for endpoints without change sets.
    """

    page_count: int
    row_count: int | None
    requested: str | None
    following: str | None

    def require_same_result(self, other: PageMetadata) -> None:
        """Raise unless another page has the same facts.

        Raises:
            PageDriftError: The school's data changed between the two pages.
        """
        for name in ("page_count", "row_count", "requested", "following"):
            if getattr(self, name) != getattr(other, name):
                raise PageDriftError(f"{name}_changed")


@dataclass(frozen=True)
class Page:
    """The parts of one response; ``tables`` and ``deleted`` are Xporter's own arrays.

    ``as_of`` is the time at which Xporter extracted the data; None if the time is missing or not
    readable, which ``has_time`` distinguishes. ``text`` is the response itself if it may contain
    numbers that the parser changed. ``page_size`` is the maximum number of rows on the page, if
    Xporter states it. ``is_pending`` means that a DBStatus beside the tables is not OK; ``ignored``
    names members that are no tables.
    """

    facts: PageMetadata
    as_of: datetime | None
    tables: Mapping[str, list[dict[str, Any]]] = field(repr=False)
    deleted: Mapping[str, list[Any]] = field(repr=False)
    text: bytes = field(default=b"", repr=False)
    page_size: int | None = None
    is_pending: bool = False
    has_time: bool = False
    ignored: tuple[str, ...] = ()

    @property
    def longest(self) -> int:
        """The number of rows of the longest table."""
        return max(map(len, self.tables.values()), default=0)

    @property
    def is_empty(self) -> bool:
        """Tell whether there are neither rows nor deletions."""
        return not any(self.tables.values()) and not any(self.deleted.values())

    @property
    def says_nothing_new(self) -> bool:
        """Tell whether the page is a whole change set without a row, and odd in nothing."""
        is_whole = self.facts.page_count <= 1 and not self.facts.row_count
        return is_whole and self.is_empty and bool(self.facts.following) and not self.ignored


def read_page(document: Mapping[str, Any], is_table: Callable[[str], bool] = bool) -> Page:
    """Return the page of a parsed response.

    Args:
        is_table: Tells whether a member with the name must be a table. Other members that are no
            arrays of objects are ignored.

    Raises:
        ContractError: A table holds values other than rows, a count is no number, or the name of a
            table cannot be part of an object's key.
    """
    special = _special(document)
    pagination = special.get("pagination") or {}
    changed = special.get("changedrows") or {}
    tables, deleted, ignored = _members(document, is_table)
    size, row_count = (_count(pagination.get(name), None) for name in ("pagesize", "rowcount"))
    facts = PageMetadata(
        page_count=_count(pagination.get("pagecount"), _pages(row_count, size)),
        row_count=row_count,
        requested=_hash(changed.get("requestedchangedrows")),
        following=_hash(changed.get("nextchangedrows")),
    )
    _check_pages(facts)
    text = document.text if isinstance(document, Document) else b""
    times = _times(document)
    as_of = next(filter(None, map(_readable, times)), None)
    return Page(
        facts,
        as_of,
        tables,
        deleted,
        text,
        size,
        is_pending(document),
        has_time=bool(times),
        ignored=tuple(ignored[:_MAX_IGNORED]),
    )


def _members(
    document: Mapping[str, Any], is_table: Callable[[str], bool]
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, list[Any]], list[str]]:
    """Return the tables, the deletions, and the names of all other members."""
    tables: dict[str, list[dict[str, Any]]] = {}
    deleted: dict[str, list[Any]] = {}
    ignored: list[str] = []
    for name, value in document.items():
        if _is_special(name) or value is None:
            continue
        is_deletion = name.casefold().endswith(_DELETED)
        table = name[: -len(_DELETED)] if is_deletion else name
        if not isinstance(value, list):
            ignored.append(name)
        elif is_deletion:
            deleted[_checked(table)] = value
        elif set(map(type, value)) <= {dict}:
            tables[_checked(table)] = value
        elif is_table(name):
            raise ContractError("row_is_no_object")
        else:
            ignored.append(name)
    return tables, deleted, ignored


def _checked(table: str) -> str:
    if not _TABLE.fullmatch(table):
        raise ContractError("table_name_unusable")
    return table


def with_requested_hash(page: Page, asked: str) -> Page:
    """Return the page with the requested hash in the form of the request.

    A page with another hash may be a part of the data and does not count as the whole.

    Raises:
        ContractError: All rows were requested, and a change set came.
    """
    echoed = page.facts.requested
    if echoed and echoed.casefold() == asked.casefold():
        return replace(page, facts=replace(page.facts, requested=asked))
    if echoed and asked == ALL_ROWS:
        raise ContractError("change_set_in_place_of_all")
    return page


def has_tables(document: Mapping[str, Any]) -> bool:
    """Tell whether a response contains tables, and not only a status or nothing."""
    return any(
        isinstance(value, list) and not _is_special(name) for name, value in document.items()
    )


def meets_row_count(
    facts: PageMetadata, rows: Mapping[str, int], deleted: Mapping[str, int]
) -> bool:
    """Tell whether the number of rows of all pages agrees with RowCount.

    The table that RowCount counts is not documented. It may be the first or the largest
    (xporter-api.md 5.4), with or without the deletions of a change set.
    """
    if facts.row_count is None or not rows:
        return True
    first, largest = next(iter(rows)), max(rows, key=lambda table: rows[table])
    plausible = {rows[first], rows[largest], sum(rows.values())}
    plausible |= {rows[table] + deleted.get(table, 0) for table in rows}
    plausible.add(max(deleted.values(), default=0))
    return facts.row_count in plausible


def _special(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the first object of each relevant ``__name__`` array, with names in lower case.

    An object instead of an array has the same meaning. It must not be ignored: without its counts,
    a part of the data would count as the whole.
    """
    found = {}
    for name, value in document.items():
        folded = name.strip("_").casefold()
        if (
            name.startswith("__")
            and folded in _COUNTING
            and isinstance(value, list | dict)
            and value
        ):
            entry = value[0] if isinstance(value, list) else value
            if not isinstance(entry, dict):
                raise ContractError("special_array_without_objects")
            found[folded] = fold_keys(entry)
    return found


def _pages(rows: int | None, size: int | None) -> int:
    """Return the number of pages for a response that has only the number of rows."""
    return max(1, ceil(rows / size)) if rows is not None and size and size > 0 else 1


def _is_special(name: str) -> bool:
    return name.startswith("__") or name.casefold() in {"meta", "dbstatus"}


def _hash(value: Any) -> str | None:
    hash_ = spelled(value).strip() if value is not None else ""
    return hash_ if 0 < len(hash_) <= _MAX_HASH_CHARACTERS else None


def _count(value: Any, default: Any) -> Any:
    if value is None:
        return default
    try:
        count = int(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ContractError("count_is_no_number") from error
    if count > _MAX_ROWS:
        raise ContractError("count_beyond_reason")
    return count if count >= 0 else default


def _check_pages(facts: PageMetadata) -> None:
    """Raise if there are too many pages to fetch.

    There may be more pages than RowCount suggests, because it may count another table.
    """
    most = _MAX_PAGES if facts.row_count is None else facts.row_count + _MAX_EMPTY_PAGES
    if facts.page_count > min(most, _MAX_PAGES):
        raise ContractError("page_count_beyond_reason")


def _times(document: Mapping[str, Any]) -> list[str]:
    """Return the times of extraction in ``meta``."""
    metas = (v for name, v in document.items() if name.casefold() == "meta")
    entries = (entry for meta in metas for entry in (meta if isinstance(meta, list) else [meta]))
    return [
        spelled(value)
        for entry in entries
        if isinstance(entry, dict)
        for name, value in entry.items()
        if name.casefold() == "datetime" and value
    ]


def _readable(time: str) -> datetime | None:
    """Return the time; None if it is not ISO 8601, and for placeholder years."""
    try:
        moment = parse(time)
    except ValueError:
        return None
    return to_milliseconds(moment) if _FIRST_YEAR <= moment.year <= _LAST_YEAR else None
