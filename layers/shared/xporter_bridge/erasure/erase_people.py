"""Deletes whatever is stored of the people whom a school's tombstones name.

State decides, not the message: a message that comes twice, late or after a crash does what the
tombstones still ask for. They keep the people out of every pull that begins after they were stored;
so what is found here was stored before, or by a pull that had begun before and cannot commit any
more. A last look follows when everything that may have run meanwhile has ended, and further ones at
the dead letters alone, until no writeback of before can become one.

Each dataset remembers the search that has cleaned it. So a message that follows a crash, or the
messages that share the search of a very large school, go on where the one before ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil

from xporter_bridge import telemetry
from xporter_bridge.erasure.audit import note_person_erased
from xporter_bridge.erasure.certificate import of_request
from xporter_bridge.erasure.clean_dataset import DatasetCleaner
from xporter_bridge.erasure.dependencies import EraseDependencies
from xporter_bridge.erasure.forget_dead_letters import forget_dead_letters
from xporter_bridge.erasure.forget_operations import forget_operations
from xporter_bridge.erasure.messages import LATE_LOOKS, ErasePeople
from xporter_bridge.erasure.pull_anew import pull_anew
from xporter_bridge.events.model import Event, new_event
from xporter_bridge.schools.erased_people import (
    LAST_LOOK_AFTER,
    ErasedPeople,
    OpenedPeople,
    PersonTombstone,
)
from xporter_bridge.schools.model import School
from xporter_bridge.schools.outbox import publish_school_events
from xporter_bridge.timestamps import has_come, iso

# The longest delay of a queue.
_LONGEST = timedelta(minutes=15)
# The function may run for ten minutes. A dataset that is begun may take the other half of them.
_LONG_ENOUGH = timedelta(minutes=5)
_AT_ONCE = timedelta(seconds=1)


def erase_people(message: ErasePeople, deps: EraseDependencies) -> None:
    """Do what the school's tombstones of people still ask for.

    Raises:
        TransientError: The message should come again.
    """
    estab = message.estab
    school, now = deps.schools.get(estab), deps.now()
    people = school.erased_people if school and not school.is_gone else None
    if school is None or people is None or not people.has_work:
        if school is not None and people is not None:
            _look_at_dead_letters(school, people, message.looks, deps)
        telemetry.record("erasure_superseded", estab=estab)
        publish_school_events(estab, deps.schools, deps.bus)
        return
    if not people.pending and people.lifted_at is None and not has_come(people.last_look_at, now):
        # A spare message: the one for the last look, or else the watchdog's, comes later.
        publish_school_events(estab, deps.schools, deps.bus)
        return
    opened = deps.vault.open_people(school)
    wait = _searched(school, people, opened, deps) if opened else timedelta()
    if people.lifted_at is not None:
        wait = max(wait, pull_anew(estab, people, deps))
    if wait:
        _look_later(message, wait, deps)
        return
    _note_done(estab, people, now, deps)
    looks = LATE_LOOKS if people.pending else message.looks
    if looks:
        _look_later(ErasePeople(estab, looks=looks - 1), LAST_LOOK_AFTER, deps)
    publish_school_events(estab, deps.schools, deps.bus)


def _searched(
    school: School, people: ErasedPeople, opened: OpenedPeople, deps: EraseDependencies
) -> timedelta:
    """Delete what is found; return how long to wait, if not all of it can be searched yet."""
    estab, pending = school.estab, people.pending
    wanted = pending or _awaiting_last_look(people, deps.now())
    if not wanted:
        return timedelta()
    for person in wanted:
        found = deps.certificates.get(estab, person.digest)
        deps.certificates.put(of_request(found, estab, person))
    cleaner = DatasetCleaner(estab, opened, wanted, deps, is_first=bool(pending))
    wait = _cleaned(estab, cleaner, deps)
    count = forget_operations(school, opened, deps.operations, deps.vault)
    letters = forget_dead_letters(estab, opened, deps.dead_writebacks)
    if count or letters:
        cleaner.note(operations=count, dead_letters=letters)
    telemetry.record(
        "people_searched",
        estab=estab,
        people=len(wanted),
        operations=count,
        dead_letters=letters,
    )
    return wait


def _cleaned(estab: str, cleaner: DatasetCleaner, deps: EraseDependencies) -> timedelta:
    """Clean the datasets for as long as is safe; return how long to wait for the others."""
    began, wait = deps.now(), timedelta()
    for item in deps.datasets.of_school(estab):
        if deps.now() - began >= _LONG_ENOUGH:
            return _AT_ONCE
        wait = max(wait, cleaner.clean(item))
    return wait


def _awaiting_last_look(people: ErasedPeople, now: datetime) -> tuple[PersonTombstone, ...]:
    if not has_come(people.last_look_at, now):
        return ()
    return tuple(each for each in people.tombstones if each.verified_at is None)


def _note_done(estab: str, seen: ErasedPeople, now: datetime, deps: EraseDependencies) -> None:
    """Mark the tombstones, write their times into the certificates, and tell readers."""
    looked_at = _awaiting_last_look(seen, now) if not seen.pending else ()

    def done(school: School) -> School:
        if school.erased_people is None:
            return school
        after = school.erased_people.erased(seen.pending, now).verified(looked_at, now)
        after = after.pulled_anew(seen.lifted_at)
        events = [_event(estab, each, now) for each in seen.pending if each in _of(school)]
        return replace(
            school,
            erased_people=after if after.tombstones or after.lifted_at else None,
            outbox=(*school.outbox, *events),
        )

    _stamp(estab, seen.erased(seen.pending, now).verified(looked_at, now).tombstones, deps)
    for person in seen.pending:
        note_person_erased(estab, person, deps.audit, now)
    deps.schools.change(estab, done)
    for _ in seen.pending:
        telemetry.count("DataErased", "person")


def _of(school: School) -> Sequence[PersonTombstone]:
    return school.erased_people.tombstones if school.erased_people else ()


def _event(estab: str, person: PersonTombstone, now: datetime) -> Event:
    return new_event(
        "person.erased",
        now,
        about=f"{person.digest}/{iso(person.requested_at)}",
        estab=estab,
        kind=str(person.kind),
        erasure_id=person.digest,
    )


def _stamp(estab: str, people: Sequence[PersonTombstone], deps: EraseDependencies) -> None:
    for person in people:
        found = deps.certificates.get(estab, person.digest)
        if found is not None and found.is_of(person):
            stamped = found.stamped(person)
            if stamped != found:
                deps.certificates.put(stamped)


def _look_at_dead_letters(
    school: School, people: ErasedPeople, looks: int, deps: EraseDependencies
) -> None:
    """Delete the writebacks that have become dead letters since the last look."""
    estab, opened = school.estab, deps.vault.open_people(school)
    if opened is None:
        return
    if letters := forget_dead_letters(estab, opened, deps.dead_writebacks):
        telemetry.record("late_dead_letters_deleted", estab=estab, dead_letters=letters)
        begun = deps.now() - LAST_LOOK_AFTER * (LATE_LOOKS + 1)
        for person in people.tombstones:
            found = deps.certificates.get(estab, person.digest)
            if found and found.is_of(person) and person.erased_at and person.erased_at > begun:
                deps.certificates.put(found.counting(dead_letters=letters))
    if looks:
        _look_later(ErasePeople(estab, looks=looks - 1), LAST_LOOK_AFTER, deps)


def _look_later(message: ErasePeople, wait: timedelta, deps: EraseDependencies) -> None:
    delay = min(max(wait, _AT_ONCE), _LONGEST)
    deps.erasures.send(message.body(), delay_seconds=ceil(delay.total_seconds()))
