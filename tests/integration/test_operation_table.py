"""The operation table, by one contract: on every emulator, and on its double in memory."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.dynamodb_in_memory import ItemsInMemory
from tests.support.emulated_aws import EmulatedAws, emulators_of
from xporter_bridge.availability.model import AvailabilityRequest, PullState, WaitOutcome
from xporter_bridge.availability.repository import AvailabilityRepository
from xporter_bridge.aws.dynamodb import WATCH_SHARDS
from xporter_bridge.errors import ConflictError
from xporter_bridge.events.model import new_event
from xporter_bridge.operations.model import OperationKind, identity
from xporter_bridge.operations.repository import OperationRepository
from xporter_bridge.timestamps import iso
from xporter_bridge.writebacks.model import (
    Part,
    PartState,
    ReadBackResult,
    Writeback,
    WritebackKind,
    WritebackState,
)
from xporter_bridge.writebacks.repository import WritebackRepository

ESTAB = "3281102"
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
PULL = AvailabilityRequest(
    estab=ESTAB,
    id=identity(OperationKind.PULL, ESTAB, "attendance/1"),
    created_at=NOW,
    watch_at=NOW,
    dataset="attendancefordate-2026-11-20",
    definition={"endpoint": "attendancefordate", "options": [], "parameters": {"date": "x"}},
    state=PullState.PULLING,
    outcome=WaitOutcome.NOT_OK,
    statuses=(("XodAttendanceForDate", "Pending"),),
)
WRITEBACK = Writeback(
    estab=ESTAB,
    id=identity(OperationKind.WRITEBACK, ESTAB, "key"),
    created_at=NOW,
    watch_at=NOW,
    kind=WritebackKind.CONDUCT,
    mode="sync",
    payload_digest="digest",
    state=WritebackState.SENT,
    parts=(
        Part(
            date="2026-11-20",
            rows=2,
            state=PartState.SENT,
            attempts=1,
            sent_at=NOW,
            results=(("1", "1811"),),
            reading=ReadBackResult(2, 1, 1, NOW, (("1", "1811"),)),
        ),
    ),
    content=b"\x00sealed",
    outbox=(new_event("writeback.completed", NOW, about="it", estab=ESTAB),),
)


@dataclass
class Repositories:
    """The three views of one table."""

    every: OperationRepository
    pulls: AvailabilityRepository
    writebacks: WritebackRepository


@pytest.fixture(params=["memory", *emulators_of("dynamodb")])
def table(request: pytest.FixtureRequest, aws_of: Callable[[str], EmulatedAws]) -> Repositories:
    if request.param == "memory":
        made = _repositories(None, "operations")
        items: Any = ItemsInMemory("estab", "operation")
        for repository in (made.every, made.pulls, made.writebacks):
            repository._items = items
        return made
    aws = aws_of(request.param)
    return _repositories(aws.client("dynamodb"), aws.table("OperationsTable"))


def _repositories(client: Any, name: str) -> Repositories:
    return Repositories(
        OperationRepository(client, name),
        AvailabilityRepository(client, name),
        WritebackRepository(client, name),
    )


def test_what_is_stored_is_read_again(table: Repositories) -> None:
    table.pulls.add(PULL)
    table.writebacks.add(WRITEBACK)
    assert table.pulls.get(ESTAB, PULL.id) == replace(PULL, version=1)
    assert table.writebacks.get(ESTAB, WRITEBACK.id) == replace(WRITEBACK, version=1)


def test_an_id_is_of_one_kind_only(table: Repositories) -> None:
    table.pulls.add(PULL)
    assert table.writebacks.get(ESTAB, PULL.id) is None
    assert table.pulls.get(ESTAB, "nonsense") is None


def test_an_operation_is_added_once(table: Repositories) -> None:
    table.writebacks.add(WRITEBACK)
    with pytest.raises(ConflictError):
        table.writebacks.add(WRITEBACK)


def test_of_two_writers_one_finds_that_it_came_second(table: Repositories) -> None:
    table.writebacks.add(WRITEBACK)
    seen = table.writebacks.get(ESTAB, WRITEBACK.id)
    assert seen
    table.writebacks.save(replace(seen, reason="first"))
    with pytest.raises(ConflictError):
        table.writebacks.save(replace(seen, reason="second"))


def test_a_change_is_decided_again_on_what_another_writer_made(table: Repositories) -> None:
    table.writebacks.add(WRITEBACK)
    rivals = [replace(WRITEBACK, version=1, mode="rival")]

    def decide(writeback: Writeback) -> Writeback:
        if rivals:
            table.writebacks.save(rivals.pop())
        return replace(writeback, reason="decided")

    after = table.writebacks.change(ESTAB, WRITEBACK.id, decide)
    assert after
    assert (after.mode, after.reason, after.version) == ("rival", "decided", 3)


def test_nothing_can_be_made_of_what_is_not_there(table: Repositories) -> None:
    assert table.pulls.change(ESTAB, PULL.id, lambda pull: replace(pull, reason="x")) is None


def test_what_ends_leaves_its_content_and_its_watch_behind(table: Repositories) -> None:
    table.writebacks.add(WRITEBACK)
    table.writebacks.change(
        ESTAB, WRITEBACK.id, lambda it: replace(it, content=None, watch_at=None, expires_at=9)
    )
    after = table.writebacks.get(ESTAB, WRITEBACK.id)
    assert after
    assert (after.content, after.watch_at, after.expires_at) == (None, None, 9)
    assert list(table.every.due(NOW, WATCH_SHARDS)) == []


def test_due_is_what_must_be_looked_at_by_now(table: Repositories) -> None:
    table.pulls.add(PULL)
    table.writebacks.add(replace(WRITEBACK, watch_at=NOW.replace(hour=10)))
    assert list(table.every.due(NOW, WATCH_SHARDS)) == [(ESTAB, PULL.id, iso(NOW))]


def test_a_look_is_moved_only_by_who_saw_its_time(table: Repositories) -> None:
    table.pulls.add(PULL)
    later = NOW.replace(hour=11)
    table.every.reschedule_watch(ESTAB, PULL.id, "2020-01-01T00:00:00.000Z", later)
    assert [watch_at for *_, watch_at in table.every.due(NOW, WATCH_SHARDS)] == [iso(NOW)]
    table.every.reschedule_watch(ESTAB, PULL.id, iso(NOW), later)
    assert list(table.every.due(NOW, WATCH_SHARDS)) == []


def test_the_latest_pull_of_a_dataset_is_not_taken_back(table: Repositories) -> None:
    assert table.pulls.latest_pull(ESTAB, PULL.dataset) == (0, None, None)
    second = replace(PULL, id=identity(OperationKind.PULL, ESTAB, "attendance/2"))
    table.pulls.add(PULL)
    table.pulls.add(second)
    table.pulls.set_latest_pull(second, 2)
    table.pulls.set_latest_pull(PULL, 1)
    number, latest, requested_at = table.pulls.latest_pull(ESTAB, PULL.dataset)
    assert latest
    assert (number, latest.id, requested_at) == (2, second.id, PULL.created_at)


def test_a_school_is_forgotten_whole(table: Repositories) -> None:
    table.pulls.add(PULL)
    table.writebacks.add(WRITEBACK)
    table.pulls.set_latest_pull(PULL, 1)
    table.every.delete_school(ESTAB)
    assert table.writebacks.get(ESTAB, WRITEBACK.id) is None
    assert table.pulls.latest_pull(ESTAB, PULL.dataset)[0] == 0
