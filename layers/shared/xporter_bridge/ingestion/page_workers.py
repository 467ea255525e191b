"""Threads that fetch pages, and the heartbeat meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from threading import Event, Lock
from typing import TypeVar

T = TypeVar("T")

_HEARTBEAT_SECONDS = 1.0


def work_off(
    numbers: Iterable[int],
    work: Callable[[int], None],
    heartbeat: Callable[[], None],
    *,
    threads: int,
) -> None:
    """Call ``work`` for every page number, and ``heartbeat`` about every second meanwhile.

    Args:
        work: Does one page; called by several threads.

    Raises:
        Exception: What ``work`` or ``heartbeat`` raised first. Pages under way are finished before,
            and no other page is begun.
    """
    has_stopped, lock, rest = Event(), Lock(), iter(numbers)

    def work_on() -> None:
        while not has_stopped.is_set():
            with lock:
                number = next(rest, None)
            if number is None:
                return
            try:
                work(number)
            except BaseException:
                has_stopped.set()
                raise

    with ThreadPoolExecutor(threads, "page") as pool:
        # One task a thread: a task a page would hold a megabyte for a thousand pages.
        running = {pool.submit(work_on) for _ in range(threads)}
        try:
            while running:
                done, running = wait(running, _HEARTBEAT_SECONDS, FIRST_EXCEPTION)
                for worker in done:
                    worker.result()
                heartbeat()
        finally:
            has_stopped.set()


def work_alone(work: Callable[[], T], heartbeat: Callable[[], None]) -> T:
    """Return what ``work`` returns, and call ``heartbeat`` about every second meanwhile.

    Raises:
        Exception: What ``work`` or ``heartbeat`` raised; ``work`` is finished before.
    """
    with ThreadPoolExecutor(1, "page") as pool:
        result = pool.submit(work)
        while not wait([result], _HEARTBEAT_SECONDS).done:
            heartbeat()
        return result.result()
