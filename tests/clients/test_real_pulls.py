"""The client follows what the product's own pulls publish, against the simulator's truth."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.builders import ESTAB
from tests.support.pull_world import DATA, World, in_memory
from tests.support.xporter import Xporter
from xporter_bridge_client import Bridge


@pytest.mark.parametrize("dataset", ["students", "groups", "attendancecodes"])
def test_a_copy_follows_pulls_and_ends_at_the_snapshots(xporter: Xporter, dataset: str) -> None:
    world = World(in_memory(), xporter, students=30)
    bridge = Bridge(DATA, world.aws.store._published._client)
    copy: dict[str, Any] = {}
    cursor, kinds = "", []
    for number in range(4):
        if number:
            world.advance(days=1)
            world.change(rows=3, deletes=number % 2)
        world.ask(dataset)
        world.settle()
        for step in bridge.follow(ESTAB, dataset, cursor):
            step.apply(copy)
            cursor = step.cursor
            kinds.append(step.replaces)
    assert kinds[0]
    assert not any(kinds[1:])
    assert dataset != "students" or len(kinds) == 4
    for table in bridge.school(ESTAB).dataset(dataset).tables():
        rows = list(table.rows())
        assert len(copy[table.name]) == len(rows)
        assert sorted(map(str, rows)) == sorted(map(str, copy[table.name].values()))
    assert bridge.verify(ESTAB, dataset).is_ok
