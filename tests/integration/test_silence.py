"""Databases that are silent are counted, and nothing else is."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.pull_world import World, in_memory
from tests.support.xporter import Xporter
from xporter_bridge.datasets.config import configured

DATABASES = sorted({each.database for each in configured().values()})


def night(world: World, began: datetime, *, callback: bool) -> None:
    """Let a callback of each database come or not, and watch until the next night."""
    world.clock = began
    if callback:
        for database in DATABASES:
            world.hear(database)
    world.settle()
    for _ in range(8):
        world.advance(hours=3)
        if world.clock < began + timedelta(days=1):
            world.settle(minutes=2)


def silent(capsys: pytest.CaptureFixture[str]) -> int:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "{" in line]
    return sum("DatasetsSilent" in line for line in lines)


def test_nine_nights_with_a_callback_each_count_no_silence_and_one_without_counts_each_dataset(
    xporter: Xporter, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World(in_memory(), xporter, students=3)
    world.ask(*configured())
    first = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
    for number in range(9):
        night(world, first + timedelta(days=number), callback=True)
    baselines = [world.item(name).chain.baseline_at for name in configured()]
    assert all(each and each > first + timedelta(days=13) for each in baselines), "compared weekly"
    assert silent(capsys) == 0
    night(world, first + timedelta(days=9), callback=False)
    assert silent(capsys) == len(configured())
