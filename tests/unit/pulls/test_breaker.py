"""When the pulls of all schools are held back, and what ends that."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from tests.support.dynamodb_in_memory import ItemsInMemory
from xporter_bridge.pulls.breaker import FleetBreaker

NOW = datetime(2026, 11, 26, 3, tzinfo=UTC)
SCHOOLS = [f"328{number:04d}" for number in range(40)]
Process = Callable[[], FleetBreaker]


@pytest.fixture
def process() -> Process:
    """Return what makes the breaker of another process, over one table."""
    items = cast("Any", ItemsInMemory("estab", "dataset"))
    return lambda: FleetBreaker(items)


def fail(breaker: FleetBreaker, *schools: str, now: datetime = NOW) -> None:
    for school in schools:
        breaker.note_failure(school, now)


def at(**time: float) -> datetime:
    return NOW + timedelta(**time)


def test_when_every_school_fails_the_fleet_waits_but_for_a_probe(process: Process) -> None:
    one, other = process(), process()
    assert one.may_pull(NOW)
    fail(one, *SCHOOLS)
    assert [other.may_pull(at(seconds=1)), other.may_pull(at(seconds=2))] == [True, False]
    assert not one.may_pull(at(seconds=3))
    assert one.may_pull(at(seconds=32))


def test_an_answer_ends_it_for_every_process(process: Process) -> None:
    one, other = process(), process()
    fail(one, *SCHOOLS)
    assert other.may_pull(at(seconds=1))
    other.note_answer(at(seconds=2))
    assert one.may_pull(at(seconds=15))
    assert one.may_pull(at(seconds=16))


def test_a_few_schools_that_fail_again_and_again_hold_nobody_back(process: Process) -> None:
    one = process()
    for minute in range(60):
        fail(one, *SCHOOLS[:2], now=at(minutes=minute))
    assert one.may_pull(at(minutes=61))
    assert one.may_pull(at(minutes=62))


def test_a_tenth_that_fails_between_answers_holds_nobody_back(process: Process) -> None:
    processes = [process() for _ in range(10)]
    for number in range(2_000):
        breaker = processes[number % 10]
        now = at(seconds=number / 10)
        if number % 97 < 10:
            breaker.note_failure(f"{3_280_000 + number}", now)
        else:
            breaker.note_answer(now)
        assert breaker.may_send(now)


def test_failures_of_long_ago_are_not_added_up(process: Process) -> None:
    one = process()
    for number, school in enumerate(SCHOOLS):
        one.note_failure(school, at(minutes=11 * number))
    assert one.may_send(at(minutes=11 * len(SCHOOLS)))


def test_the_watchdog_sends_for_the_next_probe_alone(process: Process) -> None:
    one, watchdog = process(), process()
    fail(one, *SCHOOLS)
    sent = [watchdog.may_send(at(seconds=second / 10)) for second in range(95)]
    assert sent.count(True) == 1
