"""Threads that fetch pages: many while they wait for Xporter, few while we are the bottleneck.

Python computes with one thread at a time, and threads that compete for it cost more than
they bring: two are faster than eight where pages come at once (docs/performance.md). Xporter is
also not asked for more at a time than helps.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from threading import Lock

FEWEST = 2
# A thread that computes for less than this share of its time leaves room for another.
_BUSY_SHARE = 1 / 4
_LOOK_SECONDS = 1.0


class WaitRatio:
    """Tells whether a thread has mostly waited since the watch was made."""

    def __init__(self) -> None:
        self._began, self._worked = time.perf_counter(), time.thread_time()

    def has_mostly_waited(self) -> bool:
        """Tell for the calling thread, which must be the one that made the watch."""
        elapsed = time.perf_counter() - self._began
        return time.thread_time() - self._worked < elapsed * _BUSY_SHARE


class PageWorkers:
    """Works off page numbers.

    Args:
        work: Does one page; called by several threads.
        most: How many threads there may be.
    """

    def __init__(self, work: Callable[[int], None], *, most: int) -> None:
        self._work = work
        self._most = most
        self._missing: deque[int] = deque()
        self._workers: list[Future[None]] = []
        self._workers_lock = Lock()

    def run_all(
        self, numbers: Iterable[int], heartbeat: Callable[[], None], *, is_slow: bool = True
    ) -> None:
        """Do all pages, and call ``heartbeat`` about every second meanwhile.

        Args:
            is_slow: Begin with all threads, because pages are known to be waited for.

        Raises:
            Exception: What ``work`` or ``heartbeat`` raised first; pages under way are finished.
        """
        self._missing.extend(numbers)
        with ThreadPoolExecutor(self._most, "page") as pool:
            try:
                for _ in range(self._most if is_slow else FEWEST):
                    self._add_worker(pool)
                while running := [worker for worker in self._workers if not worker.done()]:
                    wait(running, timeout=_LOOK_SECONDS, return_when=FIRST_EXCEPTION)
                    for ended in [worker for worker in self._workers if worker.done()]:
                        ended.result()
                    heartbeat()
            finally:
                self._missing.clear()  # whoever is still at work ends with the page at hand
        for ended in self._workers:
            ended.result()

    def _add_worker(self, pool: ThreadPoolExecutor) -> None:
        with self._workers_lock:
            if self._missing and len(self._workers) < self._most:
                self._workers.append(pool.submit(self._worker_loop, pool))

    def _worker_loop(self, pool: ThreadPoolExecutor) -> None:
        watch = WaitRatio()
        while self._missing:
            try:
                number = self._missing.popleft()
            except IndexError:
                return  # Another was quicker.
            self._work(number)
            if watch.has_mostly_waited():
                self._add_worker(pool)
