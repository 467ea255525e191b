from datetime import UTC, datetime, timedelta

import pytest

from xporter_bridge.watchdog.night import (
    QueueSample,
    concurrent_pulls,
    forecast,
    morning_of,
)

NOW = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)


def samples(*waiting: int, now: datetime = NOW) -> list[QueueSample]:
    """Return samples five minutes apart, the last of them now."""
    first = now - timedelta(minutes=5 * (len(waiting) - 1))
    return [QueueSample(first + timedelta(minutes=5 * n), each) for n, each in enumerate(waiting)]


def test_a_night_that_ends_by_eight_is_not_late() -> None:
    found = forecast(samples(49_000, 48_000), NOW)
    assert (found.served_per_hour, found.ends_at) == (12_000, NOW + timedelta(hours=4))
    assert not found.is_late


def test_a_night_that_ends_after_eight_says_by_how_much() -> None:
    found = forecast(samples(55_000, 54_000), NOW)
    assert (found.minutes_late, found.is_late) == (30, True)


@pytest.mark.parametrize("waiting", [(54_000,), (54_000, 54_000), (40_000, 47_000, 54_000)])
def test_a_queue_that_does_not_shrink_has_no_end(waiting: tuple[int, ...]) -> None:
    found = forecast(samples(*waiting), NOW)
    assert (found.ends_at, found.served_per_hour, found.minutes_late) == (None, 0, 24 * 60)


def test_what_arrived_before_the_fullest_sample_hides_no_rate() -> None:
    assert forecast(samples(0, 50_000, 49_000, 48_000), NOW).served_per_hour == 12_000


def test_a_few_messages_are_no_night() -> None:
    found = forecast(samples(99, 99), NOW)
    assert (found.waiting, found.ends_at, found.is_late) == (99, NOW, False)


@pytest.mark.parametrize("now", [NOW.replace(hour=8), NOW.replace(hour=23), NOW.replace(hour=14)])
def test_by_day_nothing_is_late(now: datetime) -> None:
    found = forecast(samples(90_000, 90_000, now=now), now)
    assert (found.waiting, found.ends_at, found.is_late) == (90_000, None, False)


def test_the_morning_is_the_schools_own() -> None:
    assert morning_of(NOW) == NOW.replace(hour=8)
    summer = datetime(2026, 7, 1, 4, 0, tzinfo=UTC)
    assert morning_of(summer) == summer.replace(hour=7)
    assert morning_of(summer.replace(hour=7)) is None


@pytest.mark.parametrize(
    ("schools", "seconds", "places"), [(25_000, 3, 46), (25_000, 0.8, 13), (100, 1, 2)]
)
def test_the_places_follow_from_the_schools(schools: int, seconds: float, places: int) -> None:
    assert concurrent_pulls(schools, seconds) == places
