"""Virtual time: a heap of actions by their time, and invocations that wait in it.

An invocation runs in a greenlet of its own so that the product's code can wait in the middle of a
call; one greenlet runs at a time, and the result depends on the seed alone.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from typing import TypeVar

from greenlet import getcurrent, greenlet

# An invocation runs ahead of the others by no more than this, to save switches.
_AHEAD_SECONDS = 0.1
_HEARTBEAT_SECONDS = 1.0  # as ingestion/page_workers.py
Work = Callable[[], None]
T = TypeVar("T")


class Clock:
    """Seconds since the night began, and what happens at each."""

    def __init__(self, began: datetime) -> None:
        self._began = began
        self._heap: list[tuple[float, int, Work]] = []
        self._numbers = count()
        self._idle: list[_Worker] = []
        self.global_seconds = 0.0
        self.running: _Worker | None = None
        self.main = getcurrent()
        self.is_over = False

    @property
    def seconds(self) -> float:
        """The time of the running invocation, which may be a little ahead of the others."""
        return self.running.local if self.running else self.global_seconds

    def now(self) -> datetime:
        return self._began + timedelta(seconds=self.seconds)

    def at(self, seconds: float, work: Work) -> None:
        """Do something at a time; not in an invocation."""
        heapq.heappush(self._heap, (seconds, next(self._numbers), work))

    def run(self) -> None:
        """Let everything happen until it is over."""
        while self._heap and not self.is_over:
            self.global_seconds, _, work = heapq.heappop(self._heap)
            work()

    def start(self, work: Work, deaths: int | None = None) -> None:
        """Begin an invocation now.

        Args:
            deaths: At which of its calls of AWS it is killed.
        """
        worker = self._idle.pop() if self._idle else _Worker(self)
        worker.begin(work, deaths)

    def spend(self, seconds: float) -> None:
        """Let time pass for the running invocation."""
        worker = self.running
        if worker is None or worker.greenlet is not getcurrent():
            return  # a thread of the product's own, which works beside its invocation
        heartbeat = worker.heartbeat
        while heartbeat and seconds > _HEARTBEAT_SECONDS:
            seconds -= _HEARTBEAT_SECONDS
            worker.spend(_HEARTBEAT_SECONDS)
            worker.heartbeat = None  # what the heartbeat itself takes has no heartbeat
            heartbeat()
            worker.heartbeat = heartbeat
        worker.spend(seconds)

    def work_alone(self, work: Callable[[], T], heartbeat: Work) -> T:
        """Do what ``ingestion.page_workers.work_alone`` does, without a thread.

        No virtual time would pass for the invocation while a thread works.
        """
        worker = self.running
        if worker is None:
            return work()
        worker.heartbeat = heartbeat
        try:
            return work()
        finally:
            worker.heartbeat = None

    def ended(self, worker: _Worker) -> None:
        self._idle.append(worker)


class _Worker:
    """A greenlet that runs one invocation after the other."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._work: Work = lambda: None
        self.local = 0.0
        self.deaths: int | None = None
        self.calls = 0
        self.used: Counter[str] = Counter()
        self.heartbeat: Work | None = None
        self.greenlet = greenlet(self._serve)

    def begin(self, work: Work, deaths: int | None) -> None:
        self._work, self.deaths, self.calls = work, deaths, 0
        self.local = self._clock.global_seconds
        self._resume()

    def spend(self, seconds: float) -> None:
        """Let time pass for the invocation, and others run if they are behind."""
        self.local += seconds
        if self.local - self._clock.global_seconds > _AHEAD_SECONDS:
            self.pause()

    def pause(self) -> None:
        """Let others run until their time is this invocation's."""
        self._clock.at(self.local, self._resume)
        self._clock.main.switch()

    def _resume(self) -> None:
        self._clock.running = self
        self.greenlet.switch()
        self._clock.running = None

    def _serve(self) -> None:
        while True:
            self._work()
            self._clock.ended(self)
            self._clock.main.switch()
