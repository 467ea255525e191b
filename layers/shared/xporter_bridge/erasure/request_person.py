"""Takes a request to erase one person, and one to lift the tombstone.

The tombstone is one conditional write to the school's item. From then on no pull that begins
stores the person. The watchdog finds a tombstone whose message was never sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from xporter_bridge.aws.sqs import Queue
from xporter_bridge.erasure.messages import ErasePeople
from xporter_bridge.errors import ConflictError, RequestRejectedError
from xporter_bridge.schools.erased_people import ErasedPeople, OpenedPeople, PersonTombstone
from xporter_bridge.schools.model import School
from xporter_bridge.schools.refusal import why_refused
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.schools.vault import SchoolVault
from xporter_bridge.xporter.people import Reference, is_requested_for

_ATTEMPTS = 5


def request_person(
    estab: str,
    who: Reference,
    schools: SchoolRepository,
    vault: SchoolVault,
    erasures: Queue,
    now: datetime,
) -> PersonTombstone:
    """Store the tombstone of a person, and request the search of all stored data.

    The same request again, while the search goes on, finds its tombstone; after the search, the
    data is searched once more.

    Raises:
        RequestRejectedError: 404 for an unknown school, 409 for one that is erased, or that has
            too many tombstones.
        TransientError: The tombstone may or may not be stored; the request should come again.
    """
    for _ in range(_ATTEMPTS):
        school = _school(estab, schools)
        key, wrapped = vault.people_key(school)
        digest = OpenedPeople(key, frozenset()).digest(who)
        after = schools.change(estab, _adding(wrapped, digest, who, now))
        stored = after.erased_people.find(digest) if after.erased_people else None
        if stored is not None and stored.erased_at is None:
            erasures.send(ErasePeople(estab).body())
            return stored
        if after.is_gone:
            break
    raise ConflictError("school_changed")


def lift_tombstone(
    estab: str, digest: str, schools: SchoolRepository, erasures: Queue, now: datetime
) -> None:
    """Let a person be stored again, and request a pull of all rows, which brings the person back.

    Raises:
        RequestRejectedError: 404 if there is no such school or tombstone, 409 for an erased school.
        TransientError: The request should come again.
    """
    people = _school(estab, schools).erased_people
    if people is None or (people.find(digest) is None and people.lifted_at is None):
        raise RequestRejectedError(404, "there is no such erased person")

    def lifted(school: School) -> School:
        held = school.erased_people
        if held is None or held.find(digest) is None:
            return school
        return replace(school, erased_people=held.without(digest, now))

    schools.change(estab, lifted)
    erasures.send(ErasePeople(estab).body())


def require_not_erased(
    school: School, endpoint: str, parameters: Mapping[str, object], vault: SchoolVault
) -> None:
    """Refuse a request for the data of an erased person.

    Raises:
        RequestRejectedError: 409.
    """
    people = vault.open_people(school)
    if people and is_requested_for(endpoint.casefold(), parameters, people.is_erased):
        raise RequestRejectedError(409, "the parameters name a person who was erased")


def _school(estab: str, schools: SchoolRepository) -> School:
    school = schools.get(estab)
    if school is None:
        raise RequestRejectedError(404, "there is no such school")
    if school.is_gone:
        raise RequestRejectedError(409, why_refused(school))
    return school


def _adding(
    wrapped: bytes, digest: str, who: Reference, now: datetime
) -> Callable[[School], School]:
    """Return the change that adds a tombstone, if the school still has the key of the digest."""

    def add(school: School) -> School:
        held = school.erased_people or ErasedPeople(wrapped)
        known = held.find(digest)
        if held.wrapped_key != wrapped or (known is not None and known.erased_at is None):
            return school
        return replace(school, erased_people=held.adding(digest, who[0], now))

    return add
