"""The operations of a night: requests and writebacks whose callbacks never come.

The company's software waits for operations, so the watchdog looks at them first. Here each school
has one, which falls due within the same minutes as the school's datasets. What they cost is not
counted among the calls of the night.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import orjson

from nights.parameters import THREE, Night
from nights.stores import TimedCalls, TimedItems
from nights.virtual_time import Clock
from xporter_bridge.aws.dynamodb import watch_attributes
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.operations.model import OperationKind
from xporter_bridge.operations.repository import OperationRepository
from xporter_bridge.timestamps import iso
from xporter_bridge.watchdog.overdue import enqueue_overdue_operations

# In a silent night, every dataset falls due then: three hours after its time to live.
_SILENT_AT = timedelta(hours=3, minutes=5)
_ENDED_AFTER_SECONDS = 1.0


class NightOperations:
    """The table of operations, and the queue whose consumer ends each soon after its message."""

    def __init__(self, clock: Clock, night: Night) -> None:
        self._clock, self._night = clock, night
        self._calls = TimedCalls(clock, night)
        self._items: Any = TimedItems(self._calls, clock.now, lambda *_: None, "estab", "operation")
        self._repository = OperationRepository(None, "operations")
        self._repository._items = self._items  # noqa: SLF001 - as the tests' worlds do
        self._queues = dict.fromkeys(OperationKind, Queue(self, "operations"))
        self.sent = self.waiting = 0

    def begin(self, estabs: Iterable[str]) -> None:
        """Let each school have one writeback whose outcome is overdue at some time."""
        chance, night = random.Random(self._night.seed), self._night
        first = THREE + (_SILENT_AT if night.scenario == "silent" else timedelta())
        for estab in estabs:
            due = first + timedelta(minutes=chance.uniform(0, night.refresh_minutes))
            id_ = f"{OperationKind.WRITEBACK}-1"
            watch = watch_attributes(iso(due), estab, id_)
            self.waiting += 1
            self._items.seed({"estab": estab, "operation": id_, **watch})

    def watch(self, shard: int, now: datetime, has_time: Callable[[], bool]) -> None:
        """Look at the operations of a shard, as the watchdog does before it looks at datasets."""
        enqueue_overdue_operations(self._repository, self._queues, (shard,), now, has_time)

    def send_message(self, *, MessageBody: str, **_: Any) -> None:  # noqa: N803
        """Do what a client of SQS does, and what the queue's consumer does a moment later."""
        body = orjson.loads(MessageBody)
        self._calls.make("SendMessage", lambda: None, lambda *_: AssertionError())
        self.sent += 1
        at = self._clock.seconds + _ENDED_AFTER_SECONDS
        self._clock.at(at, lambda: self._end(body["estab"], body["id"]))

    def _end(self, estab: str, id_: str) -> None:
        if self._items.find(estab, id_):
            self._items.forget(estab, id_)
            self.waiting -= 1

    @property
    def latest_look_seconds(self) -> float:
        """How late the latest look at an operation was."""
        return max(self._items.looks, default=0.0)
