"""The operation table, by one contract: on every emulator, and on its double in memory."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.support.dynamodb_in_memory import ItemsInMemory
from tests.support.emulated_aws import EmulatedAws, emulators_of
from xporter_bridge.availability.model import AvailabilityRequest, PullState, WaitOutcome
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

ESTAB = "3281102"
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
PULL = AvailabilityRequest(
    estab=ESTAB,
    id=identity(OperationKind.PULL, ESTAB, "attendance/1"),
    created_at=iso(NOW),
    watch_at=iso(NOW),
    dataset="attendancefordate-2026-11-20",
    definition={"endpoint": "attendancefordate", "options": [], "parameters": {"date": "x"}},
    state=PullState.PULLING,
    outcome=WaitOutcome.NOT_OK,
    statuses=(("XodAttendanceForDate", "Pending"),),
)
WRITEBACK = Writeback(
    estab=ESTAB,
    id=identity(OperationKind.WRITEBACK, ESTAB, "key"),
    created_at=iso(NOW),
    watch_at=iso(NOW),
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
            sent_at=iso(NOW),
            results=(("1", "1811"),),
            reading=ReadBackResult(2, 1, 1, iso(NOW), (("1", "1811"),)),
        ),
    ),
    content=b"\x00sealed",
    outbox=(new_event("writeback.completed", NOW, about="it", estab=ESTAB),),
)


@pytest.fixture(params=["memory", *emulators_of("dynamodb")])
def table(
    request: pytest.FixtureRequest, aws_of: Callable[[str], EmulatedAws]
) -> OperationRepository:
    if request.param == "memory":
        made = OperationRepository(None, "operations")
        made._items = ItemsInMemory("estab", "operation")  # type: ignore[assignment]
        return made
    aws = aws_of(request.param)
    return OperationRepository(aws.client("dynamodb"), aws.table("OperationsTable"))


def test_what_is_stored_is_read_again(table: OperationRepository) -> None:
    table.add(PULL)
    table.add(WRITEBACK)
    assert table.pull(ESTAB, PULL.id) == replace(PULL, version=1)
    assert table.writeback(ESTAB, WRITEBACK.id) == replace(WRITEBACK, version=1)


def test_an_id_is_of_one_kind_only(table: OperationRepository) -> None:
    table.add(PULL)
    assert table.writeback(ESTAB, PULL.id) is None
    assert table.pull(ESTAB, "nonsense") is None


def test_an_operation_is_added_once(table: OperationRepository) -> None:
    table.add(WRITEBACK)
    with pytest.raises(ConflictError):
        table.add(WRITEBACK)


def test_of_two_writers_one_finds_that_it_came_second(table: OperationRepository) -> None:
    table.add(WRITEBACK)
    seen = table.writeback(ESTAB, WRITEBACK.id)
    assert seen
    table.save(replace(seen, reason="first"))
    with pytest.raises(ConflictError):
        table.save(replace(seen, reason="second"))


def test_a_change_is_decided_again_on_what_another_writer_made(table: OperationRepository) -> None:
    table.add(WRITEBACK)
    rivals = [replace(WRITEBACK, version=1, mode="rival")]

    def decide(writeback: Writeback) -> Writeback:
        if rivals:
            table.save(rivals.pop())
        return replace(writeback, reason="decided")

    after = table.change_writeback(ESTAB, WRITEBACK.id, decide)
    assert after
    assert (after.mode, after.reason, after.version) == ("rival", "decided", 3)


def test_nothing_can_be_made_of_what_is_not_there(table: OperationRepository) -> None:
    assert table.change_pull(ESTAB, PULL.id, lambda pull: replace(pull, reason="x")) is None


def test_what_ends_leaves_its_content_and_its_watch_behind(table: OperationRepository) -> None:
    table.add(WRITEBACK)
    table.change_writeback(
        ESTAB, WRITEBACK.id, lambda it: replace(it, content=None, watch_at="", expires_at=9)
    )
    after = table.writeback(ESTAB, WRITEBACK.id)
    assert after
    assert (after.content, after.watch_at, after.expires_at) == (None, "", 9)
    assert list(table.due(NOW)) == []


def test_due_is_what_must_be_looked_at_by_now(table: OperationRepository) -> None:
    table.add(PULL)
    table.add(replace(WRITEBACK, watch_at=iso(NOW.replace(hour=10))))
    assert list(table.due(NOW)) == [(ESTAB, PULL.id, PULL.watch_at)]


def test_a_look_is_moved_only_by_who_saw_its_time(table: OperationRepository) -> None:
    table.add(PULL)
    later = iso(NOW.replace(hour=11))
    table.reschedule_watch(ESTAB, PULL.id, "2020-01-01T00:00:00.000Z", later)
    assert [watch_at for *_, watch_at in table.due(NOW)] == [PULL.watch_at]
    table.reschedule_watch(ESTAB, PULL.id, PULL.watch_at, later)
    assert list(table.due(NOW)) == []


def test_the_latest_pull_of_a_dataset_is_not_taken_back(table: OperationRepository) -> None:
    assert table.latest_pull(ESTAB, PULL.dataset) == (0, None, "")
    second = replace(PULL, id=identity(OperationKind.PULL, ESTAB, "attendance/2"))
    table.add(PULL)
    table.add(second)
    table.set_latest_pull(second, 2)
    table.set_latest_pull(PULL, 1)
    number, latest, requested_at = table.latest_pull(ESTAB, PULL.dataset)
    assert latest
    assert (number, latest.id, requested_at) == (2, second.id, PULL.created_at)


def test_a_school_is_forgotten_whole(table: OperationRepository) -> None:
    table.add(PULL)
    table.add(WRITEBACK)
    table.set_latest_pull(PULL, 1)
    table.delete_school(ESTAB)
    assert table.writeback(ESTAB, WRITEBACK.id) is None
    assert table.latest_pull(ESTAB, PULL.dataset)[0] == 0
