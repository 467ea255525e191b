"""Every call to AWS of a pull fails once, loses its answer once, and is the last of its process.

Whatever happens, retries and the watcher bring the dataset to the truth, by whole sequences
without a gap, and nothing is committed twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.support.fakes import Mishap
from tests.support.pull_world import DATA, KEEP, World, in_memory, verify
from tests.support.xporter import Xporter
from xporter_bridge.ingestion import fetch as fetching

DATASET = "students"
PUPILS = 25
Prepare = Callable[[World], None]


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several pages from few rows, so that a process can die between two of them."""
    monkeypatch.setattr(fetching, "PAGE_SIZE", 10)


def first_pull(world: World) -> None:
    world.ask(DATASET)


def change_pull(world: World) -> None:
    _pulled(world)
    world.change(rows=3, inserts=2, deletes=1)
    world.ask(DATASET)


def chain_broken(world: World) -> None:
    change_pull(world)
    world.xporter.control("POST", f"schools/{world.estab}/forget-hashes")


def unchanged_pull(world: World) -> None:
    _pulled(world)
    world.ask(DATASET)


def held_pull(world: World) -> None:
    _pulled(world)
    world.change(deletes=22)
    world.ask(DATASET)


def approved_pull(world: World) -> None:
    _held(world)
    _decide(world, "approve")


def rejected_pull(world: World) -> None:
    _held(world)
    _decide(world, "reject")


def retiring_pull(world: World) -> None:
    for _ in range(2):
        _pulled(world)
        world.change(rows=1)
    world.advance(seconds=KEEP.total_seconds())
    world.ask(DATASET)


def _pulled(world: World) -> None:
    world.ask(DATASET)
    world.settle()
    world.advance(hours=20)


def _held(world: World) -> None:
    held_pull(world)
    world.settle()
    assert world.item(DATASET).hold


def _decide(world: World, decision: str) -> None:
    world.aws.datasets.decide(world.estab, DATASET, decision, world.now())
    world.queue.send({"estab": world.estab, "dataset": DATASET})


def count_calls(xporter: Xporter, prepare: Prepare) -> list[str]:
    world = World(in_memory(), xporter, students=PUPILS)
    prepare(world)
    world.aws.calls.plan(None)
    world.deliver()
    return list(world.aws.calls.names)


def run(xporter: Xporter, prepare: Prepare, at: int, mishap: Mishap) -> World:
    """Let one call of the pull go wrong, then let retries and the watcher do their work."""
    world = World(in_memory(), xporter, students=PUPILS)
    prepare(world)
    world.aws.events()
    world.aws.calls.meanwhile = lambda: _overtake(world)
    world.aws.calls.plan(at, mishap)
    world.deliver()
    world.aws.calls.plan(None)
    world.settle()
    return world


def _overtake(world: World) -> None:
    """Let the lease end and another holder do all there is to do, and then one pull more."""
    world.advance(minutes=2)
    world.watch()
    world.deliver()
    world.change(rows=1)
    world.ask(DATASET)
    world.deliver()


def check(world: World, *, is_true: bool) -> None:
    verify(world, DATASET, is_true=is_true, staged=True)
    item = world.item(DATASET)
    assert (item.demand.requested, item.demand.decision) == (item.progress.served, "")
    ids = Counter(
        (event["data"]["sequence"], event["id"])
        for event in world.aws.events()
        if event["type"] == "dataset.changed"
    )
    assert len({number for number, _ in ids}) == len(ids)
    # Whatever a dead pull has left is named by nobody; the bucket's life cycle ends it.
    named = item.hold_id
    assert not named or any(named in key for key in world.staged())


KINDS = [
    (first_pull, 1, True),
    (change_pull, 2, True),
    (chain_broken, 2, True),
    (unchanged_pull, 1, True),
    (held_pull, 1, False),
    (approved_pull, 2, True),
    (rejected_pull, 1, False),
]


@pytest.mark.parametrize(("prepare", "sequence", "is_true"), KINDS)
@pytest.mark.parametrize("mishap", [each for each in Mishap if each is not Mishap.STALLED])
def test_a_pull_survives_any_call_that_goes_wrong(
    xporter: Xporter, mishap: Mishap, prepare: Prepare, sequence: int, is_true: bool
) -> None:
    calls = count_calls(xporter, prepare)
    for at, name in enumerate(calls):
        with _named(f"call {at} of {len(calls)}, {name}: {mishap}"):
            world = run(xporter, prepare, at, mishap)
            check(world, is_true=is_true)
            assert world.item(DATASET).published.sequence == sequence


@pytest.mark.parametrize(("prepare", "sequence", "is_true"), KINDS)
def test_a_holder_that_was_overtaken_changes_nothing_that_readers_see(
    xporter: Xporter, prepare: Prepare, sequence: int, is_true: bool
) -> None:
    calls = count_calls(xporter, prepare)
    for at, name in enumerate(calls):
        with _named(f"call {at} of {len(calls)}, {name}: {Mishap.STALLED}"):
            world = run(xporter, prepare, at, Mishap.STALLED)
            check(world, is_true=is_true)
            # The other holder has pulled one more change, unless that was held too.
            assert world.item(DATASET).published.sequence in {sequence, sequence + 1}


@pytest.mark.parametrize("prepare", [first_pull, change_pull, approved_pull])
@pytest.mark.parametrize("mishap", [each for each in Mishap if each is not Mishap.STALLED])
def test_what_readers_have_seen_of_a_sequence_never_changes(
    xporter: Xporter, mishap: Mishap, prepare: Prepare
) -> None:
    calls = count_calls(xporter, prepare)
    # What is visible changes from the first copy on.
    for at in range(calls.index("CopyObject"), len(calls)):
        with _named(f"call {at} of {len(calls)}, {calls[at]}: {mishap}"):
            world = World(in_memory(), xporter, students=PUPILS)
            prepare(world)
            world.aws.calls.plan(at, mishap)
            world.deliver()
            world.aws.calls.plan(None)
            seen = world.readable(DATASET)
            world.change(rows=2)
            world.ask(DATASET)
            world.settle()
            objects = world.aws.objects(DATA)
            assert {key: objects[key] for key in seen} == seen
            check(world, is_true=True)


@pytest.mark.parametrize("mishap", Mishap)
def test_old_sequences_go_whatever_goes_wrong_on_the_way(xporter: Xporter, mishap: Mishap) -> None:
    calls = count_calls(xporter, retiring_pull)
    # Before the first deletion it is a pull like any other.
    for at in range(calls.index("DeleteObjects"), len(calls)):
        with _named(f"call {at} of {len(calls)}, {calls[at]}: {mishap}"):
            world = run(xporter, retiring_pull, at, mishap)
            world.ask(DATASET)
            world.settle()
            assert world.item(DATASET).published.oldest == 2
            check(world, is_true=True)


@contextmanager
def _named(what: str) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        error.add_note(what)
        raise
