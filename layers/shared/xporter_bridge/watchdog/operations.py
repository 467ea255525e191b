"""Wakes whatever waits: one loop for every deadline, lost message, outbox and retry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from xporter_bridge.aws.sqs import Queue
from xporter_bridge.operations.model import OperationKind, kind_of, soon
from xporter_bridge.operations.repository import OperationRepository
from xporter_bridge.watchdog.sweep import SweepResult, sweep


def enqueue_overdue_operations(
    operations: OperationRepository,
    queues: Mapping[OperationKind, Queue],
    now: datetime,
    has_time: Callable[[], bool],
) -> SweepResult:
    """Send a message for every operation whose time has come.

    What there is to do, its consumer reads off the operation; so nothing is decided here.
    """

    def send(estab: str, id_: str, seen: str) -> None:
        if kind := kind_of(id_):
            queues[kind].send({"estab": estab, "id": id_})
            operations.reschedule_watch(estab, id_, seen, soon(now))

    return sweep(operations.due(now), send, has_time)
