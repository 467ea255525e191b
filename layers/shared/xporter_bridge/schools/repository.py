"""The schools: profile, state, sealed credentials and registrations, one item each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from datetime import datetime

import orjson

from xporter_bridge.aws.dynamodb import Item, watch_attributes
from xporter_bridge.errors import ConflictError
from xporter_bridge.events.model import Event
from xporter_bridge.schools.announced_end import end_attributes, read_end
from xporter_bridge.schools.attention import trouble_of
from xporter_bridge.schools.credentials import Credentials, ErasedSecrets
from xporter_bridge.schools.history import StateChange
from xporter_bridge.schools.model import Registration, School
from xporter_bridge.schools.people_form import people_attributes, read_people
from xporter_bridge.schools.state_index import NEVER_DUE
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.schools.trouble import parse_trouble
from xporter_bridge.schools.trouble_index import TroubleIndex, trouble_attributes
from xporter_bridge.timestamps import earliest, iso, iso_or_none, parse, parse_or_none

_ATTEMPTS = 5
_OF_OTHER_FORM = frozenset(
    {
        "credentials",
        "registrations",
        "outbox",
        "erased_secrets",
        "erased_people",
        "history",
        "data_trouble",
        "end",
    }
)
_TIMES = (
    "state_since",
    "registrations_due_at",
    "registrations_checked_at",
    "first_refused_at",
    "refused_at",
    "probe_at",
    "erasure_requested_at",
)


class SchoolRepository(TroubleIndex):
    """The table keyed by estab, with its indexes by state and by trouble."""

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

    def claim_token(self, estab: str, now: datetime, until: datetime) -> bool:
        """Note that the caller requests a token of the school; False if another caller does so now.

        The note ends at ``until``, and before that with the next change of the school, such as its
        new token. The school's record and its version stay as they are.
        """
        try:
            self._items.update(
                estab,
                set_={"token_claimed_until": iso(until)},
                condition="attribute_exists(estab) AND"
                " (attribute_not_exists(token_claimed_until) OR token_claimed_until <= :now)",
                now=iso(now),
            )
        except ConflictError:
            return False
        return True

    def release_token(self, estab: str) -> None:
        """Let others request a token: the request that was noted has failed."""
        try:
            self._items.update(
                estab, set_={"token_claimed_until": None}, condition="attribute_exists(estab)"
            )
        except ConflictError:
            return  # The school is gone.

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

    def _save(self, school: School) -> School:
        item = stored_form(replace(school, version=school.version + 1))
        item["token_claimed_until"] = None  # A token that was requested is stored with this.
        return _read(
            self._items.update(
                school.estab,
                set_={name: value for name, value in item.items() if name != "estab"},
                condition="attribute_not_exists(version) OR version = :seen",
                seen=school.version,
            )
        )


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
    item |= people_attributes(school.erased_people)
    item |= end_attributes(school.end)
    item["state"] = str(school.state)
    due_at = school.registrations_due_at if school.is_pullable else None
    item["due_at"] = iso(due_at) if due_at else NEVER_DUE
    item |= {name: iso_or_none(getattr(school, name)) for name in _TIMES}
    item["missing_scopes"] = {
        scope: iso_or_none(until) or "" for scope, until in school.missing_scopes.items()
    }
    item["scopes"] = list(school.scopes)
    held = asdict(school.credentials) if school.credentials else {}
    item |= {name: held.get(name) for name in Credentials.__dataclass_fields__}
    item["more_pending"] = list(item["more_pending"] or ())
    item["token_expires_at"] = iso_or_none(held.get("token_expires_at"))
    registrations = [
        asdict(entry) | {"registered_at": iso(entry.registered_at)}
        for entry in school.registrations.values()
    ]
    item["registrations"] = orjson.dumps(registrations).decode() if registrations else None
    outbox = [event.document() for event in school.outbox]
    item["outbox"] = orjson.dumps(outbox).decode() if outbox else None
    history = [[iso(each.at), each.state, each.cause] for each in school.history]
    item["history"] = orjson.dumps(history).decode() if history else None
    item["data_trouble"] = school.data_trouble.text() if school.data_trouble else None
    item |= trouble_attributes(trouble_of(school), school.estab)
    return item | watch_attributes(iso_or_none(_next_look(school)) or "", school.estab)


def _next_look(school: School) -> datetime | None:
    """Return when to look again: at once for an erasure or an event, else for a probe.

    An event that is not of the state's change may wait for as long as the state is old: it is due.
    """
    if school.is_gone:
        return school.erasure_requested_at or (school.state_since if school.outbox else None)
    people = school.erased_people.watch_at if school.erased_people else None
    return earliest(people, school.state_since if school.outbox else school.probe_at)


def _read(item: Item) -> School:
    known = {name: value for name, value in item.items() if name in School.__dataclass_fields__}
    known["state"] = SchoolState(known.get("state", SchoolState.INVITED))
    known["scopes"] = tuple(known.get("scopes", ()))
    known |= {name: parse_or_none(known[name]) for name in _TIMES if name in known}
    missing = known.get("missing_scopes", {})
    known["missing_scopes"] = {scope: parse_or_none(until) for scope, until in missing.items()}
    registrations = [
        Registration(**entry | {"registered_at": parse(entry["registered_at"])})
        for entry in orjson.loads(known.get("registrations", "[]"))
    ]
    known["registrations"] = {entry.database: entry for entry in registrations}
    known["outbox"] = tuple(Event.read(entry) for entry in orjson.loads(known.get("outbox", "[]")))
    changes = orjson.loads(known.get("history", "[]"))
    known["history"] = tuple(StateChange(parse(at), *facts) for at, *facts in changes)
    if "data_trouble" in known:
        known["data_trouble"] = parse_trouble(known["data_trouble"])
    known["erased_people"] = read_people(item)
    known["end"] = read_end(item)
    digests = tuple(known.pop("erased_secrets", ()))
    if digests:
        known["erased_secrets"] = ErasedSecrets(item["erased_key"], digests)
    if "wrapped_key" in item:
        names = Credentials.__dataclass_fields__
        held = {name: value for name, value in item.items() if name in names}
        held["more_pending"] = tuple(held.get("more_pending", ()))
        held["token_expires_at"] = parse_or_none(held.get("token_expires_at"))
        known["credentials"] = Credentials(**held)
    return School(**known)
