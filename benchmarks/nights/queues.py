"""SQS and its consumers in virtual time."""

from __future__ import annotations

import json
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nights.stores import TimedCalls
from nights.virtual_time import Clock
from tests.support.fakes import KilledError
from xporter_bridge.errors import XporterBridgeError

Body = dict[str, Any]


@dataclass
class _Message:
    body: Body
    sent_at: float
    receives: int = 0


@dataclass(frozen=True)
class Consumer:
    """How Lambda reads a queue, and how much goes wrong."""

    name: str
    handle: Callable[[Body], None]
    places: int
    visibility_seconds: float = 5400
    max_receives: int = 5
    batch: int = 1
    overhead_seconds: float = 0.005
    twice_share: float = 0
    killed_share: float = 0
    # When a new version is deployed, from the beginning of the night; None: never.
    deployed_at: float | None = None
    cold_start_seconds: float = 0


class TimedQueue:
    """A standard queue with the one function that reads it; in place of a client of SQS."""

    def __init__(
        self, clock: Clock, calls: TimedCalls, consumer: Consumer, chance: random.Random
    ) -> None:
        self._clock, self._calls, self._consumer, self._chance = clock, calls, consumer, chance
        self._visible: deque[_Message] = deque()
        self._busy = 0
        self._cold_starts = 0
        self.depth = 0
        self.peak = 0
        self.counts: Counter[str] = Counter()
        self.busy_seconds = 0.0

    @property
    def oldest_seconds(self) -> float:
        """The age of the oldest message that could be received now."""
        sent = min((each.sent_at for each in self._visible), default=self._clock.seconds)
        return self._clock.seconds - sent

    def send_message(self, *, MessageBody: str, DelaySeconds: int = 0, **_: Any) -> Body:  # noqa: N803
        self._calls.make("SendMessage", lambda: None, _no_fault)
        self._add(json.loads(MessageBody), DelaySeconds)
        return {}

    def send_message_batch(self, *, Entries: list[Body], **_: Any) -> Body:  # noqa: N803
        self._calls.make("SendMessageBatch", lambda: None, _no_fault)
        for entry in Entries:
            self._add(json.loads(entry["MessageBody"]), 0)
        return {}

    def _add(self, body: Body, delay: float) -> None:
        self.counts["sent"] += 1
        self._arrive_later(_Message(body, self._clock.seconds), delay)
        if self._consumer.twice_share and self._chance.random() < self._consumer.twice_share:
            self.counts["delivered_twice"] += 1
            later = delay + self._chance.uniform(0, 60)
            self._arrive_later(_Message(body, self._clock.seconds), later)

    def _arrive_later(self, message: _Message, delay: float) -> None:
        self.depth += 1
        self.peak = max(self.peak, self.depth)
        self._clock.at(self._clock.seconds + delay, lambda: self._arrive(message))

    def _arrive(self, message: _Message) -> None:
        self._visible.append(message)
        self._dispatch()

    def _dispatch(self) -> None:
        while self._visible and self._busy < self._consumer.places:
            size = min(len(self._visible), self._consumer.batch)
            batch = [self._visible.popleft() for _ in range(size)]
            self._busy += 1
            self.counts["invocations"] += 1
            killed = self._chance.random() < self._consumer.killed_share
            deaths = self._chance.randint(1, 14) if killed else None
            self._clock.start(lambda batch=batch: self._invoke(batch), deaths)

    def _invoke(self, batch: list[_Message]) -> None:
        began = self._clock.seconds
        self._clock.spend(self._consumer.overhead_seconds + self._cold_start())
        failed = []
        for message in batch:
            message.receives += 1
            try:
                self._consumer.handle(message.body)
            except (XporterBridgeError, KilledError) as error:
                self.counts["killed" if isinstance(error, KilledError) else "failed"] += 1
                failed.append(message)
        ended = self._clock.seconds
        self.busy_seconds += ended - began
        self._clock.at(ended, lambda: self._end(failed, len(batch), began))

    def _cold_start(self) -> float:
        """Return the seconds that an environment of a new version takes at its first invocation.

        An invocation under way ends with the version with which it began, as Lambda promises.
        """
        deployed_at = self._consumer.deployed_at
        if deployed_at is None or self._clock.seconds < deployed_at:
            return 0
        if self._cold_starts == self._consumer.places:
            return 0
        self._cold_starts += 1
        return self._consumer.cold_start_seconds

    def _end(self, failed: list[_Message], size: int, began: float) -> None:
        self._busy -= 1
        self.depth -= size - len(failed)
        for message in failed:
            if message.receives >= self._consumer.max_receives:
                self.depth -= 1
                self.counts["dead"] += 1
            else:
                again = max(began + self._consumer.visibility_seconds, self._clock.seconds)
                self._clock.at(again, lambda message=message: self._arrive(message))
        self._dispatch()


def _no_fault(name: str, is_done: bool) -> Exception:
    del is_done
    return AssertionError(name)
