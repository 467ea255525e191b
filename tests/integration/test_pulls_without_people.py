"""A pull leaves erased people out, and is not doubted because of the rows that it lacks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.builders import ESTAB, NOW
from tests.support.pull_world import World, in_memory
from tests.support.xporter import Xporter
from xporter_bridge.ingestion import fetch as fetching
from xporter_bridge.pulls.record import DatasetState
from xporter_bridge.schools.erased_people import ErasedPeople, OpenedPeople
from xporter_bridge.xporter.people import PersonKind

STUDENTS = "students"


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "PAGE_SIZE", 10)


@pytest.fixture
def world(xporter: Xporter) -> World:
    return World(in_memory(), xporter, students=60)


def without(world: World, *identities: str) -> None:
    """Store tombstones, as the API does."""
    plain = OpenedPeople(b"k" * 32, frozenset())
    digests = [plain.digest((PersonKind.PUPIL, each)) for each in identities]
    people = ErasedPeople(b"wrapped")
    for digest in digests:
        people = people.adding(digest, PersonKind.PUPIL, NOW)
    opened = OpenedPeople(b"k" * 32, frozenset(digests))
    vault: Any = world.aws.vault
    vault.open_people = lambda _: opened
    world.set_school(erased_people=people)


def pulled(world: World) -> int:
    """Pull, and return how many requests for data that took."""
    before = len(world.pages_asked())
    world.ask(STUDENTS)
    world.settle()
    item = world.item(STUDENTS)
    assert (item.state, item.progress.failures) == (DatasetState.CURRENT, 0)
    assert (item.noticed.oddities_seen, item.hold) == ("", None)
    return len(world.pages_asked()) - before


def ids(world: World, table: str, column: str = "Id") -> set[str]:
    entry = world.latest(STUDENTS)["tables"][table]
    return {row[column] for row in world.rows(entry["snapshot_key"])}


def with_sibling(xporter: Xporter) -> str:
    return str(xporter.truth("StudentSiblings")[0]["StudentId"])


def test_a_pull_of_many_pages_needs_no_second_look(world: World, xporter: Xporter) -> None:
    plain = World(in_memory(), xporter, students=60)
    expected = pulled(plain)
    person = with_sibling(xporter)
    without(world, person)
    assert pulled(world) == expected > 5
    assert person not in ids(world, "Students")
    assert len(ids(world, "Students")) == 59
    for column in ("StudentId", "SiblingId"):
        assert person not in ids(world, "StudentSiblings", column)


def test_a_change_set_with_the_person_needs_no_second_look(world: World, xporter: Xporter) -> None:
    person = with_sibling(xporter)
    without(world, person)
    pulled(world)
    world.change(rows=40)
    assert pulled(world) == 4
    assert person not in ids(world, "Students")
    assert world.latest(STUDENTS)["sequence"] == 2


def test_the_person_who_leaves_the_school_is_no_deletion_that_is_not_met(
    world: World, xporter: Xporter
) -> None:
    everybody = [str(row["Id"]) for row in xporter.truth("Students")]
    without(world, *everybody[:30])
    pulled(world)
    gone = world.change(deletes=20)
    assert pulled(world) <= 7
    left = {str(row["Id"]) for row in xporter.truth("Students")} - set(everybody[:30])
    assert ids(world, "Students") == left
    assert gone


def test_whoever_was_not_erased_is_pulled_as_ever(world: World, xporter: Xporter) -> None:
    without(world, "no such person")
    pulled(world)
    truth = {str(row["Id"]) for row in xporter.truth("Students")}
    assert ids(world, "Students") == truth
    assert world.item(STUDENTS).estab == ESTAB
