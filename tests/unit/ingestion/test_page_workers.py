"""How many threads work off pages, and what becomes of the rest when one fails."""

import threading
import time

import pytest

from xporter_bridge.ingestion.page_workers import FEWEST, PageWorkers


def nothing() -> None:
    """Beat for a crew whose lease nobody keeps."""


def compute() -> None:
    deadline = time.thread_time() + 0.002
    while time.thread_time() < deadline:
        pass


@pytest.mark.parametrize("is_slow", [True, False])
def test_every_page_is_done_once(is_slow: bool) -> None:
    done: list[int] = []
    PageWorkers(done.append, most=8).run_all(range(100), nothing, is_slow=is_slow)
    assert sorted(done) == list(range(100))


def test_threads_join_while_pages_are_waited_for() -> None:
    seen = set()
    together = threading.Barrier(8, timeout=10)

    def work(number: int) -> None:
        seen.add(threading.get_ident())
        # The last eight can only end together.
        if number >= 92:
            together.wait()
        else:
            time.sleep(0.005)

    PageWorkers(work, most=8).run_all(range(100), nothing, is_slow=False)
    assert len(seen) == 8


def test_few_threads_compute() -> None:
    seen = set()

    def work(number: int) -> None:
        seen.add(threading.get_ident())
        compute()

    PageWorkers(work, most=FEWEST).run_all(range(20), nothing, is_slow=True)
    assert len(seen) <= FEWEST


def test_the_first_failure_ends_the_work_after_the_pages_at_hand() -> None:
    done: list[int] = []

    def work(number: int) -> None:
        if number == 10:
            raise ValueError(number)
        time.sleep(0.001)
        done.append(number)

    with pytest.raises(ValueError, match="10"):
        PageWorkers(work, most=4).run_all(range(1_000), nothing)
    assert len(done) < 100


def test_a_beat_that_raises_stops_everybody() -> None:
    def stop() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        PageWorkers(lambda _: time.sleep(0.01), most=4).run_all(range(1_000), stop)


def test_nothing_to_do_is_done_at_once() -> None:
    done: list[int] = []
    PageWorkers(done.append, most=8).run_all((), nothing)
    assert done == []
