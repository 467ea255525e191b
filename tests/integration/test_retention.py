"""What was replaced long ago goes, a few sequences with every pull; what is current never does."""

from __future__ import annotations

import orjson
import pytest

from tests.support.builders import ESTAB
from tests.support.pull_world import DATA, World, in_memory, verify
from tests.support.xporter import Xporter
from xporter_bridge.pulls.record import DatasetRecord
from xporter_bridge.snapshots.layout import DatasetLayout

STUDENTS = "students"
PLACE = DatasetLayout(ESTAB, STUDENTS)


@pytest.fixture
def world(xporter: Xporter) -> World:
    """A school with five sequences of its pupils, 29 days apart, and one table that rests."""
    world = World(in_memory(), xporter, students=30)
    for sequence in range(1, 6):
        if sequence > 1:
            world.advance(days=29)
            world.change(rows=2)
        pulled(world)
    return world


def pulled(world: World) -> DatasetRecord:
    world.ask(STUDENTS)
    world.settle()
    return world.item(STUDENTS)


def kept(world: World) -> list[str]:
    """Return the manifests that are there, without the latest."""
    manifests = (key for key in world.aws.objects(DATA) if key.startswith(PLACE.prefixes[2]))
    return [key for key in sorted(manifests) if key != PLACE.latest]


def test_a_sequence_stays_while_the_one_after_it_is_young(world: World) -> None:
    assert kept(world) == [PLACE.manifest(n) for n in range(1, 6)]
    verify(world, STUDENTS)


def test_a_sequence_goes_when_the_one_after_it_is_old_enough(world: World) -> None:
    world.advance(days=5)
    world.change(rows=2)
    assert pulled(world).published.oldest == 2
    assert kept(world) == [PLACE.manifest(n) for n in range(2, 7)]
    verify(world, STUDENTS)


def test_a_school_at_which_nothing_changes_loses_old_sequences_all_the_same(world: World) -> None:
    world.advance(days=200)
    item = pulled(world)
    assert (item.published.sequence, item.published.oldest, item.published.retire_at) == (
        5,
        5,
        None,
    )
    assert kept(world) == [PLACE.manifest(5)]
    verify(world, STUDENTS)


def test_what_went_leaves_nothing_that_no_manifest_names(world: World) -> None:
    world.advance(days=45)
    world.change(deletes=1)
    pulled(world)
    objects = world.aws.objects(DATA)
    named = {
        key
        for manifest in kept(world)
        for table in orjson.loads(objects[manifest])["tables"].values()
        for name, key in table.items()
        if name.endswith("_key")
    }
    assert {key for key in objects if not key.startswith("manifests/")} == named


def test_what_is_configured_is_never_temporary(world: World) -> None:
    world.advance(days=400)
    world.watch()
    assert world.sqs.messages
    assert all("reason" not in message for _, message in world.sqs.messages)
