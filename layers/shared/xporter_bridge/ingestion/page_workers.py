"""Threads that fetch pages, and the heartbeat meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from threading import Event
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
    has_failed = Event()

    def work_unless_failed(number: int) -> None:
        if has_failed.is_set():
            return
        try:
            work(number)
        except BaseException:
            has_failed.set()
            raise

    with ThreadPoolExecutor(threads, "page") as pool:
        running = {pool.submit(work_unless_failed, number) for number in numbers}
        try:
            while running:
                done, running = wait(running, _HEARTBEAT_SECONDS, FIRST_EXCEPTION)
                for page in done:
                    page.result()
                heartbeat()
        finally:
            pool.shutdown(cancel_futures=True)


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
