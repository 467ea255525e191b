"""The schools: profile, state, sealed credentials and registrations, one item each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from heapq import merge
from operator import itemgetter
from typing import Any

import orjson

from xporter_bridge.aws.dynamodb import DynamoTable, Item, watch_attributes
from xporter_bridge.errors import ConfigurationError, ConflictError, TransientError
from xporter_bridge.events.model import Event
from xporter_bridge.schools.attention import trouble_of
from xporter_bridge.schools.credentials import Credentials, ErasedSecrets
from xporter_bridge.schools.history import StateChange
from xporter_bridge.schools.model import School, SchoolState
from xporter_bridge.schools.registration import Registration
from xporter_bridge.schools.trouble import parse_trouble
from xporter_bridge.timestamps import iso, parse

STATE_INDEX = "by_state"
TROUBLE_INDEX = "by_trouble"
# Of the index of troubled schools: an outage may put thousands of them there within minutes.
TROUBLE_SHARDS = range(8)
# Sorts before every entry of that index.
_FIRST = "0"
_ATTEMPTS = 5
_OF_OTHER_FORM = frozenset(
    {"credentials", "registrations", "outbox", "erased_secrets", "history", "data_trouble"}
)
# Sorts behind every time, so that a school that is not due is still counted by its state.
_NEVER = "9999"


class IndexNotReadyError(TransientError):
    """The index of troubled schools is being made: a deployment adds it to a table in use."""


class SchoolRepository:
    """The table keyed by estab."""

    def __init__(self, client: Any, table: str) -> None:
        self._items = DynamoTable(client, table, "estab")

    def get(self, estab: str) -> School | None:
        """Return the school, or None if it is unknown."""
        item = self._items.get(estab)
        return _read(item) if item else None

    def change(
        self, estab: str, decide: Callable[[School], School], *, of_erased: bool = False
    ) -> School:
        """Read the school, let ``decide`` say what it becomes, and write that if it differs.

        Calls ``decide`` again if another writer changed the item meanwhile: it must be pure.

        Args:
            of_erased: Whether also a school is changed that is erased or being erased. That is
                for its erasure, and for what ends the erasure; all others leave it as it is.

        Raises:
            ConflictError: Other writers changed the school at every attempt.
        """
        for _ in range(_ATTEMPTS):
            before = self.get(estab) or School(estab)
            after = before if before.is_gone and not of_erased else decide(before)
            if after == before:
                return before
            try:
                return self._save(after)
            except ConflictError:
                continue
        raise ConflictError("school_changed")

    def clear_outbox(self, school: School) -> None:
        """Remove the school's published events from the outbox."""
        sent = {event.id for event in school.outbox}
        self.change(
            school.estab,
            lambda now: replace(now, outbox=tuple(e for e in now.outbox if e.id not in sent)),
            of_erased=True,
        )

    def due(self, now: datetime, shards: Iterable[int]) -> Iterator[tuple[str, str]]:
        """Yield (estab, watch_at) of every school of the shards that must be looked at."""
        for item in self._items.query_due(iso(now), shards):
            yield item["estab"], item["watch_at"]

    def page(self, limit: int, after: str | None) -> tuple[list[School], str | None]:
        """Return one page of schools in no particular order, and what to give for the next."""
        items, following = self._items.scan_page(limit, {"estab": after} if after else None)
        return [_read(item) for item in items], following["estab"] if following else None

    def registrations_due(self, state: SchoolState, now: datetime) -> Iterator[tuple[str, str]]:
        """Yield (estab, since when) of every school in the state whose registrations are due."""
        yield from self._in_state(state, iso(now))

    def postpone_registrations(self, estab: str, seen: str, until: datetime) -> None:
        """Make the registrations due at a later time, unless their due time has changed since."""
        times = dict.fromkeys(("registrations_due_at", "due_at"), iso(until))
        try:
            self._items.update(estab, set_=times, condition="due_at = :seen", seen=seen)
        except ConflictError:
            return  # The school was looked at meanwhile, or is not pulled any more.

    def in_state(self, state: SchoolState) -> Iterator[str]:
        """Yield every school in the state, page by page."""
        for estab, _ in self._in_state(state, _NEVER):
            yield estab

    def count(self, state: SchoolState) -> int:
        """Return how many schools are in the state."""
        return self._items.count_index(STATE_INDEX, "state", state)

    def page_of_state(
        self, state: SchoolState, limit: int, after: str | None
    ) -> tuple[list[tuple[str, str]], str | None]:
        """Return (position, estab) of one page of schools in the state, and the last position.

        That is what to give for the next page; it is None at the end.
        """
        start: dict[str, str] | None = None
        if after:
            due_at, _, estab = after.partition("#")
            start = {"estab": estab, "state": str(state), "due_at": due_at}
        items, following = self._items.query_index_page(
            STATE_INDEX, "state", str(state), limit, start
        )
        last = _place(following) if following else None
        return [(_place(item), item["estab"]) for item in items], last

    def troubled(self, page: int, after: str | None = None) -> Iterator[tuple[str, str]]:
        """Yield (position, estab) of every troubled school: the worst first, then the longest.

        Args:
            page: How many schools the caller is likely to want.
            after: The position after which to begin.

        Raises:
            IndexNotReadyError: The index is being made; schools enter it for a day after that.
        """
        shards = [
            self._items.query_index_after(
                TROUBLE_INDEX, "trouble_shard", shard, "trouble", after or _FIRST, page
            )
            for shard in TROUBLE_SHARDS
        ]
        with _index_may_be_missing():
            for item in merge(*shards, key=itemgetter("trouble")):
                yield item["trouble"], item["estab"]

    def count_troubled(self) -> int:
        """Return how many schools are in trouble.

        Raises:
            IndexNotReadyError: See ``troubled``.
        """
        with _index_may_be_missing():
            return sum(
                self._items.count_index(TROUBLE_INDEX, "trouble_shard", shard)
                for shard in TROUBLE_SHARDS
            )

    def _in_state(self, state: SchoolState, due_until: str) -> Iterator[tuple[str, str]]:
        for item in self._items.query_index(STATE_INDEX, "state", state, "due_at", due_until):
            yield item["estab"], item["due_at"]

    def _save(self, school: School) -> School:
        item = stored_form(replace(school, version=school.version + 1))
        return _read(
            self._items.update(
                school.estab,
                set_={name: value for name, value in item.items() if name != "estab"},
                condition="attribute_not_exists(version) OR version = :seen",
                seen=school.version,
            )
        )


def _place(item: Item) -> str:
    return f"{item['due_at']}#{item['estab']}"


@contextmanager
def _index_may_be_missing() -> Iterator[None]:
    """Tell an index that is still being made from a deployment that is wrong.

    Raises:
        IndexNotReadyError: See the class.
    """
    try:
        yield
    except ConfigurationError as error:
        if not str(error).endswith(": ValidationException"):
            raise
        raise IndexNotReadyError("index_not_ready") from error


def stored_form(school: School) -> Item:
    """Return the school as an item; empty attributes are not stored."""
    item = {
        name: getattr(school, name)
        for name in School.__dataclass_fields__
        if name not in _OF_OTHER_FORM
    }
    erased = school.erased_secrets
    item["expires_at"] = school.expires_at or None
    item["erased_key"] = erased.wrapped_key if erased else None
    item["erased_secrets"] = list(erased.digests) if erased else None
    item["state"] = str(school.state)
    item["due_at"] = (school.is_pullable and school.registrations_due_at) or _NEVER
    item["scopes"] = list(school.scopes)
    held = asdict(school.credentials) if school.credentials else {}
    item |= {name: held.get(name) for name in Credentials.__dataclass_fields__}
    item["more_pending"] = list(item["more_pending"] or ())
    registrations = [asdict(entry) for entry in school.registrations.values()]
    item["registrations"] = orjson.dumps(registrations).decode() if registrations else None
    outbox = [event.document() for event in school.outbox]
    item["outbox"] = orjson.dumps(outbox).decode() if outbox else None
    history = [[iso(each.at), each.state, each.cause] for each in school.history]
    item["history"] = orjson.dumps(history).decode() if history else None
    item["data_trouble"] = school.data_trouble.text() if school.data_trouble else None
    item |= _trouble_attributes(school)
    return item | watch_attributes(_next_look(school), school.estab)


def _trouble_attributes(school: School) -> Item:
    """Return the attributes that put the school into the index of troubled ones, or take it out."""
    trouble = trouble_of(school)
    shard = hashlib.sha256(school.estab.encode()).digest()[0] % len(TROUBLE_SHARDS)
    return {
        "trouble": f"{trouble.text()}#{school.estab}" if trouble else None,
        "trouble_shard": shard if trouble else None,
    }


def _next_look(school: School) -> str:
    """Return when to look again: at once for an erasure or an event, else for a probe."""
    return school.erasure_requested_at or (school.state_since if school.outbox else school.probe_at)


def _read(item: Item) -> School:
    known = {name: value for name, value in item.items() if name in School.__dataclass_fields__}
    known["state"] = SchoolState(known.get("state", SchoolState.INVITED))
    known["scopes"] = tuple(known.get("scopes", ()))
    registrations = [
        Registration(**entry) for entry in orjson.loads(known.get("registrations", "[]"))
    ]
    known["registrations"] = {entry.database: entry for entry in registrations}
    known["outbox"] = tuple(Event.read(entry) for entry in orjson.loads(known.get("outbox", "[]")))
    changes = orjson.loads(known.get("history", "[]"))
    known["history"] = tuple(StateChange(parse(at), *facts) for at, *facts in changes)
    if "data_trouble" in known:
        known["data_trouble"] = parse_trouble(known["data_trouble"])
    digests = tuple(known.pop("erased_secrets", ()))
    if digests:
        known["erased_secrets"] = ErasedSecrets(item["erased_key"], digests)
    if "wrapped_key" in item:
        names = Credentials.__dataclass_fields__
        held = {name: value for name, value in item.items() if name in names}
        held["more_pending"] = tuple(held.get("more_pending", ()))
        known["credentials"] = Credentials(**held)
    return School(**known)
