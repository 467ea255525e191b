"""The calls of AWS that a pull and a callback make, and that none is made for nothing."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.support.builders import ESTAB
from tests.support.fakes import Mishap
from tests.support.pull_world import DATA, World, in_memory, verify
from tests.support.xporter import Xporter
from xporter_bridge.datasets.config import configured
from xporter_bridge.errors import TransientError
from xporter_bridge.events.bus import EventBus
from xporter_bridge.ingestion import fetch as fetching
from xporter_bridge.ingestion import staged_pages
from xporter_bridge.snapshots.layout import DatasetLayout

STUDENTS = "students"
OF_DATABASE = [each.name for each in configured().of_database("XodSchoolData")]


@pytest.fixture
def world(xporter: Xporter) -> World:
    """Return a school of one page, whose pupils were pulled and have changed before."""
    made = World(in_memory(), xporter, students=20)
    for _ in range(2):
        made.ask(*OF_DATABASE)
        made.settle()
        made.advance(hours=20)
        made.change(rows=1)
    made.ask(*OF_DATABASE)
    made.settle()
    made.advance(hours=2)
    return made


def calls_of(world: World) -> list[str]:
    """Deliver all messages, and return the names of the calls."""
    world.aws.calls.plan(None)
    world.deliver()
    return list(world.aws.calls.names)


def test_a_commit_of_one_page_lists_nothing_and_stages_only_what_is_copied(world: World) -> None:
    world.change(rows=1)
    world.ask(STUDENTS)
    calls = Counter(calls_of(world))
    assert world.item(STUDENTS).published.sequence == 4
    assert calls["ListObjectsV2"] == 0
    # Staged: the snapshot, the changed rows, and one object for all files without rows. Besides:
    # the manifest, twice.
    assert calls["PutObject"] == 5
    # The slot and the lease; the commit; the lease and the slot again.
    assert calls["UpdateItem"] == 5
    verify(world, STUDENTS)


def test_a_pull_without_news_calls_s3_not_at_all(world: World) -> None:
    world.ask(STUDENTS)
    calls = Counter(calls_of(world))
    assert not [name for name in calls if "Object" in name]
    assert calls["UpdateItem"] == 4
    assert calls["GetItem"] + calls["Query"] == 4


def test_the_only_page_is_staged_if_it_is_large(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staged_pages, "_KEPT_BYTES", 10)
    world.change(rows=1)
    world.ask(STUDENTS)
    calls = Counter(calls_of(world))
    assert (calls["PutObject"], calls["ListObjectsV2"]) == (6, 0)
    verify(world, STUDENTS)


@pytest.mark.parametrize("rows_a_page", [10, 1000])
def test_what_a_holder_that_died_had_staged_is_deleted_by_the_next(
    xporter: Xporter, monkeypatch: pytest.MonkeyPatch, rows_a_page: int
) -> None:
    monkeypatch.setattr(fetching, "PAGE_SIZE", rows_a_page)

    def begun() -> World:
        world = World(in_memory(), xporter, students=25)
        world.ask(STUDENTS)
        return world

    calls = calls_of(begun())
    # After the last deletion nothing is staged; a holder that dies just before it leaves the rest
    # to the bucket's life cycle, since its lease was released.
    released = len(calls) - 1 - calls[::-1].index("DeleteObjects")
    has_staged = False
    for at in range(calls.index("PutObject"), released):
        world = begun()
        world.aws.calls.plan(at, Mishap.KILLED_BEFORE)
        world.deliver()
        has_staged = has_staged or bool(world.staged())
        world.aws.calls.plan(None)
        world.settle()
        verify(world, STUDENTS)
    assert has_staged


def test_a_holder_that_stood_still_after_its_commit_publishes_nothing(xporter: Xporter) -> None:
    def begun() -> World:
        world = World(in_memory(), xporter, students=20)
        world.ask(STUDENTS)
        return world

    calls = calls_of(begun())
    first = calls.index("CopyObject")
    for at in range(first, first + calls.count("CopyObject")):
        world = begun()

        def begin_erasure(world: World = world) -> None:
            world.advance(seconds=100)
            assert world.aws.datasets.lease_to_erase(world.item(STUDENTS), world.now())

        world.aws.calls.meanwhile = begin_erasure
        world.aws.calls.plan(at, Mishap.STALLED)
        world.deliver()
        assert DatasetLayout(ESTAB, STUDENTS).latest not in world.aws.objects(DATA)
        assert world.aws.events() == []


# ---------------------------------------------------------------------- events


def test_events_that_cannot_be_published_fail_the_message_and_are_published_by_the_watchdog(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise TransientError("events:PutEvents: refused")

    world.change(rows=1)
    world.ask(STUDENTS)
    with monkeypatch.context() as failing:
        failing.setattr(EventBus, "publish", fail)
        with pytest.raises(TransientError):
            world.pull(STUDENTS)
        world.sqs.messages.clear()
    item = world.item(STUDENTS)
    assert item.outbox
    assert not item.is_leased(world.now())
    assert world.latest(STUDENTS)["sequence"] == item.published.sequence
    world.aws.events()
    world.settle()
    [event] = world.aws.events()
    assert event["data"]["sequence"] == item.published.sequence
    assert not world.item(STUDENTS).outbox


# ---------------------------------------------------------------------- callbacks


def test_a_second_callback_before_the_pull_writes_nothing_and_sends_a_message(
    world: World,
) -> None:
    world.hear()
    requested = world.item(STUDENTS).demand.requested
    world.sqs.messages.clear()
    world.advance(seconds=5)
    world.aws.calls.plan(None)
    world.hear()
    assert "UpdateItem" not in world.aws.calls.names
    assert world.item(STUDENTS).demand.requested == requested
    assert len(world.sqs.messages) == 1
    world.change(rows=1)
    world.settle()
    verify(world, STUDENTS)


def test_what_changed_last_is_pulled_first_and_explains_the_callback_to_the_others(
    world: World,
) -> None:
    world.change(rows=1)
    world.hear()
    world.deliver()
    asked = [
        each["path"] for each in world.xporter.requests() if "/school/" in each["path"].lower()
    ]
    assert asked[-len(OF_DATABASE)].lower().endswith("/students")
    unchanged = [world.item(name) for name in OF_DATABASE]
    unchanged = [item for item in unchanged if item.published.sequence == 1]
    assert unchanged
    assert not [item.dataset for item in unchanged if item.looks.at]


def test_a_callback_that_no_dataset_explains_is_looked_into(world: World) -> None:
    world.hear()
    world.deliver()
    assert all(world.item(name).looks.at for name in OF_DATABASE)
