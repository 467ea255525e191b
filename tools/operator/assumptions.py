"""Holds the numbered assumptions of docs/xporter-api.md against what a probe has seen: pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from .not_asked import NOT_ASKED
from .sightings import PAGE_SIZE, Row, Sightings, changes, meta, pagination, tables
from .xporter_calls import Seen, folded

_BASE64 = re.compile(r"[A-Za-z0-9+/]+=*")
_HASH = re.compile(r"[0-9a-fA-F]{32}")
_ROW_HASH = re.compile(r"[0-9a-fA-F]{40}")
_ZONE = re.compile(r"(Z|[+-]\d\d:?\d\d)$")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?(Z|[+-]\d\d:?\d\d)?")
_OLD = timedelta(days=10)


class Verdict(StrEnum):
    """What was seen of an assumption."""

    CONFIRMED = "confirmed"
    CONTRADICTED = "contradicted"
    NOT_SEEN = "not seen"


@dataclass(frozen=True)
class Judged:
    """An assumption by its number in docs/xporter-api.md, and what was seen of it: no values."""

    number: str
    title: str
    verdict: Verdict
    says: str


Judge = Callable[[Sightings, datetime], str | None]


def judge(found: Sightings, now: datetime) -> list[Judged]:
    """Return every assumption with its verdict, in the order of the page."""
    return [*_judged(found, now), *_unseen()]


def _judged(found: Sightings, now: datetime) -> Iterator[Judged]:
    for number, title, needs, decide in _ASSUMPTIONS:
        if not all(seen is not None and (seen.is_data or needs is _any) for seen in needs(found)):
            yield Judged(number, title, Verdict.NOT_SEEN, "The answers that show it did not come.")
            continue
        wrong = decide(found, now)
        if wrong is None:
            yield Judged(number, title, Verdict.CONFIRMED, "As assumed.")
        elif wrong:
            yield Judged(number, title, Verdict.CONTRADICTED, wrong)
        else:
            yield Judged(number, title, Verdict.NOT_SEEN, "What came shows neither.")


def _unseen() -> Iterator[Judged]:
    for number, (title, why) in NOT_ASKED.items():
        yield Judged(number, title, Verdict.NOT_SEEN, why)


# Each returns None for "as assumed", a sentence for a contradiction, and "" for neither.


def _token_succeeds(found: Sightings, _: datetime) -> str | None:
    keys = set(folded(found.token.document))
    missing = {"expires", "message", "exceptionmessage"} - keys
    return f"Beside the token there is no {', '.join(sorted(missing))}." if missing else None


def _token_is_base64(found: Sightings, now: datetime) -> str | None:
    said = folded(found.token.document)
    if not _BASE64.fullmatch(str(said["token"]).strip()):
        return "The token has characters that base64 has not."
    expires = _moment(said.get("expires"))
    if expires is None or expires <= now:
        return "`expires` is no time in the future."
    return None


def _details_are_complete(found: Sightings, _: datetime) -> str | None:
    said = folded(found.details.document)
    wrong = []
    if not re.fullmatch(r"\d{7}", str(said.get("estab"))):
        wrong.append("Estab has not seven digits")
    if not isinstance(said.get("relyingparty"), str):
        wrong.append("RelyingParty is no text")
    if not isinstance(said.get("scopes"), list):
        wrong.append("Scopes is no list")
    return f"{'; '.join(wrong)}." if wrong else None


def _envelope_is_known(found: Sightings, _: datetime) -> str | None:
    for seen in (found.plain, found.first):
        if not isinstance(meta(seen).get("DateTime"), str) or not _moment(meta(seen)["DateTime"]):
            return "`meta` has no DateTime that is a time."
        if "exceptionmessage" in folded(seen.document):
            return "A success has the envelope of errors too."
    return None


def _rows_are_known(found: Sightings, _: datetime) -> str | None:
    wrong = set()
    for _table, row in _rows(found):
        if "Id" in row and not isinstance(row["Id"], str):
            wrong.add("Id is no text")
        if isinstance(row.get("RowHash"), str) and not _ROW_HASH.fullmatch(row["RowHash"]):
            wrong.add("RowHash has not 40 hex digits")
    return f"{'; '.join(sorted(wrong))}." if wrong else None


def _pages_are_counted(found: Sightings, _: datetime) -> str | None:
    said = pagination(found.first)
    missing = {"PageSize", "PageNumber", "PageCount", "RowCount", "NextPage"} - set(said)
    if missing:
        return f"`__pagination__` has no {', '.join(sorted(missing))}."
    if "__pagination__" in (found.plain.document or {}):
        return "There is a `__pagination__` although no page was asked for."
    pages, rows, size = said["PageCount"], said["RowCount"], said["PageSize"]
    if not all(isinstance(each, int) for each in (pages, rows, size)):
        return "Its counts are no whole numbers."
    if size != PAGE_SIZE:
        return "Another page size than the one that was asked for is used."
    if not (pages - 1) * size < max(rows, 1) <= max(pages, 1) * size:
        return "PageCount is not what RowCount and PageSize make."
    return None


def _change_sets_follow(found: Sightings, _: datetime) -> str | None:
    given = changes(found.first).get("NextChangedRows")
    if not isinstance(given, str) or not _HASH.fullmatch(given):
        return "NextChangedRows has not 32 hex digits."
    if found.following is None or not found.following.is_data:
        return "The hash that was just given is refused."
    if changes(found.following).get("RequestedChangedRows") != given:
        return "The hash that was asked with is not echoed."
    names = {name for name, _rows_ in tables(found.following)}
    lists = {name for name in found.following.document or {} if name.endswith("_deleted")}
    missing = {f"{name}_deleted" for name in names} - lists
    return f"There is no {', '.join(sorted(missing))}." if missing else None


def _status_is_found(found: Sightings, _: datetime) -> str | None:
    has_one = any(
        any(name.casefold().endswith("status") for name in each)
        for each in _objects(found.status.document)
    )
    return None if has_one else "No object of the answer has a status."


def _unknown_hash_is_noticed(found: Sightings, _: datetime) -> str | None:
    seen = found.unknown_hash
    asked = changes(seen).get("RequestedChangedRows")
    is_echoed = seen.is_data and asked not in {None, "", "*"}
    if not is_echoed:
        return None
    has_rows = any(rows for _table, rows in tables(seen))
    return "" if has_rows else "A hash that it never gave is answered as if nothing had changed."


def _pages_belong_together(found: Sightings, _: datetime) -> str | None:
    first, second = found.first, found.second
    for name in ("RowCount", "PageCount"):
        if pagination(first).get(name) != pagination(second).get(name):
            return f"{name} differs between two pages."
    if changes(first).get("NextChangedRows") != changes(second).get("NextChangedRows"):
        return "NextChangedRows differs between two pages."
    return None


def _errors_come_with_200(found: Sightings, _: datetime) -> str | None:
    seen = found.no_resource
    if seen.status != 200:
        return f"A resource that does not exist is answered with HTTP {seen.status}."
    return None if seen.error else "A resource that does not exist is answered without an error."


def _columns_are_in_all_rows(found: Sightings, _: datetime) -> str | None:
    columns: dict[str, list[frozenset[str]]] = {}
    for table, row in _rows(found):
        columns.setdefault(table, []).append(frozenset(row))
    wrong = sorted(table for table, rows in columns.items() if len(set(rows)) > 1)
    return f"Rows of {', '.join(wrong)} have different columns." if wrong else None


def _times_have_no_zone(found: Sightings, _: datetime) -> str | None:
    times = [meta(seen).get("DateTime") for seen in found.data]
    times += [row.get("LastUpdated") for _table, row in _rows(found)]
    known = [each for each in times if isinstance(each, str)]
    if not known:
        return ""
    return "Times have a zone." if any(map(_ZONE.search, known)) else None


def _details_agree(found: Sightings, _: datetime) -> str | None:
    said = [folded(each.document).get("scopes") for each in (found.details, found.details_again)]
    return None if said[0] == said[1] else "Two looks at TokenDetails name different scopes."


def _number_is_the_same(found: Sightings, _: datetime) -> str | None:
    named = str(folded(found.details.document).get("estab"))
    return None if named == found.estab else "The token is that of a school of another number."


def _old_data_are_answered(found: Sightings, now: datetime) -> str | None:
    at = _moment(meta(found.plain).get("DateTime"))
    return None if at and at + _OLD < now else ""


def _rows(found: Sightings) -> Iterator[tuple[str, Row]]:
    for seen in found.data:
        for table, rows in tables(seen):
            for row in rows:
                yield table, row


def _objects(value: Any) -> Iterator[Row]:
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from _objects(each)
    elif isinstance(value, list):
        for each in value:
            yield from _objects(each)


def _moment(text: Any) -> datetime | None:
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        return None
    try:
        at = datetime.fromisoformat(re.sub(r"(\.\d{6})\d", r"\1", text))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


Needs = Callable[[Sightings], tuple[Seen | None, ...]]


def _any(_: Sightings) -> tuple[Seen | None, ...]:
    return ()


def _data(found: Sightings) -> tuple[Seen | None, ...]:
    return found.plain, found.first


def _two_pages(found: Sightings) -> tuple[Seen | None, ...]:
    return found.first, found.second


def _status(found: Sightings) -> tuple[Seen | None, ...]:
    return (found.status,)


_ASSUMPTIONS: tuple[tuple[str, str, Needs, Judge], ...] = (
    ("2.2", "a token comes with `expires` and the envelope", _any, _token_succeeds),
    ("2.3", "a token is base64 and expires in the future", _any, _token_is_base64),
    ("2.5", "TokenDetails names school, application and scopes", _any, _details_are_complete),
    ("5.2", "an answer has a time and no envelope of errors", _data, _envelope_is_known),
    ("5.3", "ids are text, hashes of rows 40 hex digits", _data, _rows_are_known),
    ("5.4", "pages are counted, and only where they are asked for", _data, _pages_are_counted),
    ("5.5", "a change set follows the hash that was given", _data, _change_sets_follow),
    ("13.7", "a DBStatus is an object with a status", _status, _status_is_found),
    ("13.12", "an unknown hash is not answered as no change", _any, _unknown_hash_is_noticed),
    ("13.14", "pages of one pull agree", _two_pages, _pages_belong_together),
    ("13.15", "errors come with HTTP 200", _any, _errors_come_with_200),
    ("13.16", "a column is in all rows of a table or in none", _data, _columns_are_in_all_rows),
    ("13.17", "times have no zone", _data, _times_have_no_zone),
    ("13.22", "two looks at TokenDetails agree", _any, _details_agree),
    ("13.23", "the token is that of the number asked for", _any, _number_is_the_same),
    ("13.24", "old data are answered with their old time", _data, _old_data_are_answered),
)
