"""The people who were erased from a school: a digest of each, and nothing else.

The digests are made with a key that KMS has wrapped. So neither the school's item nor a backup of
the item tells who was erased, and a pull can still tell whether a row is about one of them.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256

from xporter_bridge.errors import RequestRejectedError
from xporter_bridge.timestamps import earliest, iso, iso_or_none, to_milliseconds
from xporter_bridge.xporter.people import (
    PersonKind,
    Reference,
    Row,
    mentions_of,
    people_in,
    people_of,
    plain_id,
    without_people,
)

# An item of DynamoDB holds 400 kilobytes; so many people take about a fourth.
MOST = 1_000
# 128 bits tell a person from every other.
_DIGEST_CHARACTERS = 32
_SEARCH_CHARACTERS = 16
# The last look follows the erasure after as long as the longest delay of a queue, which is longer
# than any function may run: whatever had begun before the erasure has ended by then.
LAST_LOOK_AFTER = timedelta(minutes=15)
# Two messages at a time would take each other's leases away.
_PATIENCE = timedelta(minutes=5)
_WATCHED_EVERY = timedelta(minutes=30)


@dataclass(frozen=True)
class PersonTombstone:
    """One erased person: what is left until somebody lifts the tombstone.

    ``erased_at`` is None until the data that had been stored is deleted, and ``verified_at`` until
    the last look has found nothing more.
    """

    digest: str
    kind: PersonKind
    requested_at: datetime
    erased_at: datetime | None = None
    verified_at: datetime | None = None


@dataclass(frozen=True)
class ErasedPeople:
    """The tombstones of a school, the oldest first.

    ``lifted_at`` is when the latest of them was lifted, until every dataset is to be pulled anew.
    ``watched_at`` is when the watchdog last sent a message for work that had not ended.
    """

    wrapped_key: bytes = field(repr=False)
    tombstones: tuple[PersonTombstone, ...] = ()
    lifted_at: datetime | None = None
    watched_at: datetime | None = None

    @property
    def pending(self) -> tuple[PersonTombstone, ...]:
        """The people whose stored data is still to be deleted."""
        return tuple(each for each in self.tombstones if each.erased_at is None)

    @property
    def has_work(self) -> bool:
        """Tell whether stored data is still to be searched, or datasets are to be pulled anew."""
        return bool(self.pending) or self.lifted_at is not None or self.last_look_at is not None

    @property
    def last_look_at(self) -> datetime | None:
        """When the last look is due at people whose data was deleted; None if all were looked at.

        Before that time, a late writer may still be at work.
        """
        waiting = [each.erased_at for each in self.tombstones if each.verified_at is None]
        erased = [at for at in waiting if at is not None]
        return max(erased) + LAST_LOOK_AFTER if erased else None

    @property
    def watch_at(self) -> datetime | None:
        """When the watchdog should send a message, should the first have been lost."""
        requested = [each.requested_at for each in self.pending]
        first = earliest(*requested, self.lifted_at, self.last_look_at)
        if first is None:
            return None
        again = self.watched_at + _WATCHED_EVERY if self.watched_at else first
        return max(first + _PATIENCE, again)

    def find(self, digest: str) -> PersonTombstone | None:
        """Return the tombstone of a digest."""
        return next((each for each in self.tombstones if each.digest == digest), None)

    def adding(self, digest: str, kind: PersonKind, now: datetime) -> ErasedPeople:
        """Return these with one more; a person who was erased before is searched once more.

        Raises:
            RequestRejectedError: 409: there are too many.
        """
        new = PersonTombstone(digest, kind, to_milliseconds(now))
        others = tuple(each for each in self.tombstones if each.digest != digest)
        if len(others) >= MOST:
            raise RequestRejectedError(409, f"{MOST} people of the school are erased already")
        return replace(self, tombstones=(*others, new))

    def without(self, digest: str, now: datetime) -> ErasedPeople:
        """Return these without one; the next pulls bring that person back."""
        kept = tuple(each for each in self.tombstones if each.digest != digest)
        return replace(self, tombstones=kept, lifted_at=to_milliseconds(now))

    def erased(self, seen: Iterable[PersonTombstone], now: datetime) -> ErasedPeople:
        """Return these once the stored data of the people of ``seen`` is deleted."""
        done, at = set(seen), to_milliseconds(now)
        return self._each(
            lambda it: replace(it, erased_at=at) if it in done and it.erased_at is None else it
        )

    def verified(self, seen: Iterable[PersonTombstone], now: datetime) -> ErasedPeople:
        """Return these once the last look at the people of ``seen`` has ended."""
        done, at = set(seen), to_milliseconds(now)
        return self._each(
            lambda it: replace(it, verified_at=at) if it in done and it.erased_at else it
        )

    def pulled_anew(self, lifted_at: datetime | None) -> ErasedPeople:
        """Return these once every dataset is to be pulled anew because of what was lifted then."""
        return replace(self, lifted_at=None) if self.lifted_at == lifted_at else self

    def watched(self, now: datetime) -> ErasedPeople:
        """Return these once the watchdog has sent a message."""
        return replace(self, watched_at=to_milliseconds(now))

    def _each(self, change: Callable[[PersonTombstone], PersonTombstone]) -> ErasedPeople:
        return replace(self, tombstones=tuple(map(change, self.tombstones)))


def search_id(people: Iterable[PersonTombstone]) -> str:
    """Return what one search of the stored data is known by, however often it is repeated.

    The search for other people has another, and so has a new request for the same person, and the
    last look.
    """
    told = sorted(
        f"{each.digest} {iso(each.requested_at)} {iso_or_none(each.erased_at)}" for each in people
    )
    return sha256("\n".join(told).encode()).hexdigest()[:_SEARCH_CHARACTERS]


@dataclass(frozen=True)
class OpenedPeople:
    """The tombstones with their key in plaintext; kept in memory for one invocation at most."""

    key: bytes = field(repr=False)
    digests: frozenset[str]
    _seen: dict[Reference, bool] = field(default_factory=dict, repr=False, compare=False)

    def digest(self, who: Reference) -> str:
        """Return the digest of a person."""
        kind, identity = who
        told = f"{kind}\n{plain_id(kind, identity)}".encode("utf-8", "surrogatepass")
        return hmac.digest(self.key, told, "sha256").hex()[:_DIGEST_CHARACTERS]

    def is_erased(self, who: Reference) -> bool:
        """Tell whether the person was erased; the same question again costs nothing."""
        known = self._seen.get(who)
        if known is None:
            known = self._seen[who] = self.digest(who) in self.digests
        return known

    def allowed(self, table: str, row: Row) -> Row | None:
        """Return the row as it may be stored; None if it is about an erased person."""
        return without_people(table, row, self.is_erased)

    def erased_of(self, table: str, row: Row) -> set[str]:
        """Return the digests of the erased people whom the row is about."""
        return {self.digest(who) for who in people_of(table, row) if self.is_erased(who)}

    def erased_in(self, row: Row) -> set[str]:
        """Return the digests of the erased people whom a list of the row mentions."""
        return {self.digest(who) for who in mentions_of(row) if self.is_erased(who)}

    def are_named_in(self, document: object) -> bool:
        """Tell whether a document of objects and lists, as a writeback, names one of them."""
        return any(map(self.is_erased, people_in(document)))

    def row_digest(self, line: bytes) -> str:
        """Return a digest by which a row is counted once; it tells nobody what the row says."""
        return hmac.digest(self.key, line, "sha256").hex()[: _DIGEST_CHARACTERS // 2]
