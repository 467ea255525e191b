"""The erasure of a person in a school so large that one message does not end it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.integration.test_erase_people import (
    CrashError,
    deps,
    erase_person,
    every_store,
    found,
    pupil,
    school,
)
from tests.support.builders import ESTAB, school_table
from tests.support.moto_cloud import Cloud
from tests.support.xporter import Xporter
from xporter_bridge.erasure.dependencies import EraseDependencies
from xporter_bridge.erasure.erase import erase
from xporter_bridge.erasure.messages import ErasePeople
from xporter_bridge.pulls.model import LEASE
from xporter_bridge.schools.erased_people import LAST_LOOK_AFTER, ErasedPeople
from xporter_bridge.snapshots.blocks import Block
from xporter_bridge.snapshots.store import SnapshotStore

__all__ = ["school"]
TEN_MINUTES = 600.0


class Watched(SnapshotStore):
    """A store that says which datasets are read; reading each of them takes a while."""

    def __init__(self, store: SnapshotStore, at_next_dataset: Callable[[], None]) -> None:
        self.__dict__ |= store.__dict__
        self.searched: Counter[str] = Counter()
        self._at_next_dataset = at_next_dataset

    def blocks(self, key: str, *arguments: Any, **given: Any) -> Iterator[Block]:
        place = re.search("dataset=([^/]+)", key)
        assert place
        if place[1] not in self.searched:
            self._at_next_dataset()
            self.searched[place[1]] += 1
        return super().blocks(key, *arguments, **given)


class Clock:
    """The time of the erasure."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def advance(self, time: timedelta) -> None:
        self.now += time


def watched(cloud: Cloud, clock: Clock, at_next: Callable[[], None]) -> EraseDependencies:
    made = deps(cloud, clock.now)
    return replace(made, store=Watched(made.store, at_next), now=lambda: clock.now)


def searched(work: EraseDependencies) -> list[str]:
    assert isinstance(work.store, Watched)
    return list(work.store.searched)


def people(cloud: Cloud) -> ErasedPeople:
    stored = school_table(cloud).get(ESTAB)
    assert stored
    assert stored.erased_people
    return stored.erased_people


def test_a_crash_after_each_dataset_is_followed_by_the_next_dataset(
    school: Cloud, xporter: Xporter
) -> None:
    row, clock = pupil(xporter), Clock()
    erase_person(school, row)
    school.take("ErasureQueue")
    every = Counter[str]()
    while people(school).pending:
        allowed = iter([None])

        def one_and_no_more(allowed: Iterator[None] = allowed) -> None:
            if next(allowed, CrashError) is CrashError:
                raise CrashError

        work = watched(school, clock, one_and_no_more)
        try:
            erase(ErasePeople(ESTAB), work)
        except CrashError:
            assert people(school).pending
        every.update(searched(work))
        assert sum(every.values()) < 20
        clock.advance(LEASE * 2)  # so that nobody has the lease of what was begun
    assert len(every) > 4
    assert set(every.values()) == {1}
    assert found(school, row) == set()


def test_a_search_that_takes_long_is_shared_by_messages_and_each_ends_in_time(
    school: Cloud, xporter: Xporter
) -> None:
    row, clock = pupil(xporter), Clock()
    erase_person(school, row)
    every, messages = Counter[str](), 0
    while people(school).pending:
        [message] = school.take("ErasureQueue")
        assert message == {"kind": "people", "estab": ESTAB}
        work = watched(school, clock, lambda: clock.advance(timedelta(minutes=4)))
        began = clock.now
        erase(ErasePeople.read(message), work)
        assert (clock.now - began).total_seconds() < TEN_MINUTES
        every.update(searched(work))
        messages += 1
    assert len(every) > 4
    assert set(every.values()) == {1}
    assert messages == -(-len(every) // 2)
    assert found(school, row) == set()

    # The last look believes nothing of that.
    clock.advance(LAST_LOOK_AFTER)
    last = watched(school, clock, lambda: None)
    erase(ErasePeople(ESTAB), last)
    assert set(searched(last)) == set(every)
    assert not people(school).has_work


def test_somebody_who_is_erased_meanwhile_is_searched_for_everywhere(
    school: Cloud, xporter: Xporter
) -> None:
    first, second = xporter.truth("Students")[3:5]
    clock = Clock()
    erase_person(school, first)
    school.take("ErasureQueue")
    begun = watched(school, clock, lambda: clock.advance(timedelta(minutes=3)))
    erase(ErasePeople(ESTAB), begun)
    assert searched(begun)
    erase_person(school, second)
    after = watched(school, clock, lambda: None)
    erase(ErasePeople(ESTAB), after)
    assert set(searched(after)) > set(searched(begun))
    assert people(school).pending == ()
    assert found(school, first) | found(school, second) == set()


def test_what_is_remembered_of_a_search_names_nobody(school: Cloud, xporter: Xporter) -> None:
    row = pupil(xporter)
    id_ = erase_person(school, row)
    school.settle("ErasureQueue")
    marks = {
        text
        for place, item in every_store(school)
        if place == "DatasetsTable"
        for text in re.findall(r"'people_search': \{'S': '([^']*)'", item)
    }
    assert len(marks) == 1
    [mark] = marks
    assert re.fullmatch("[0-9a-f]{16}", mark)
    assert mark not in id_
