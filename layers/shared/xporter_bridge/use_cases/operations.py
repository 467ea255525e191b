"""Wakes whatever waits: one loop for every deadline, lost message, outbox and retry."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from xporter_bridge.adapters.operation_table import OperationTable
from xporter_bridge.adapters.queues import Queue
from xporter_bridge.operations import OperationKind, kind_of, soon


def wake(operations: OperationTable, queues: Mapping[OperationKind, Queue], now: datetime) -> int:
    """Send a message for every operation whose time has come, and return how many.

    The consumer reads from the operation what there is to do; nothing is decided here.

    Raises:
        TransientError: AWS failed; the next run goes on.
    """
    woken = 0
    for estab, id_, seen in operations.due(now):
        kind = kind_of(id_)
        if kind is None:
            continue
        queues[kind].send({"estab": estab, "id": id_})
        operations.look_again(estab, id_, seen, soon(now))
        woken += 1
    return woken
