"""How threads work off pages, and what becomes of the rest when one fails."""

import threading
import time

import pytest

from xporter_bridge.ingestion.page_workers import work_off


def nothing() -> None:
    """Keep no lease."""


def test_every_page_is_done_once() -> None:
    done: list[int] = []
    work_off(range(100), done.append, nothing, threads=8)
    assert sorted(done) == list(range(100))


def test_as_many_pages_are_under_way_as_there_are_threads() -> None:
    together = threading.Barrier(8, timeout=10)
    work_off(range(16), lambda _: together.wait() and None, nothing, threads=8)


def test_the_first_failure_ends_the_work_after_the_pages_at_hand() -> None:
    done: list[int] = []

    def work(number: int) -> None:
        if number == 10:
            raise ValueError(number)
        time.sleep(0.001)
        done.append(number)

    with pytest.raises(ValueError, match="10"):
        work_off(range(1_000), work, nothing, threads=4)
    assert len(done) < 100


def test_a_heartbeat_that_raises_ends_the_work() -> None:
    done: list[int] = []

    def work(number: int) -> None:
        time.sleep(0.01)
        done.append(number)

    def stop() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        work_off(range(1_000), work, stop, threads=4)
    assert len(done) < 1_000


def test_nothing_to_do_is_done_at_once() -> None:
    done: list[int] = []
    work_off((), done.append, nothing, threads=8)
    assert done == []
