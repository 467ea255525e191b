"""Forecasts whether a night's pulls end by the morning, and how many pulls must run at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from math import ceil

from xporter_bridge.datasets.timetable import SCHOOL_TIME

# When schools open, by their own clocks; a night is the time from midnight until then.
MORNING = time(8, 0)
# How many samples are kept, five minutes apart.
SAMPLES = 5
# Fewer waiting messages than this are usual at any time, and allow no estimate of a rate.
FEW = 100
_NEVER_MINUTES = 24 * 60

# The number of pulls at a time is calculated from these (docs/parameters.md).
NIGHT_SECONDS = 4 * 3600
DATASETS_PER_SCHOOL = 8
_PULLS_PER_DATASET = 1.1


@dataclass(frozen=True)
class QueueSample:
    """How many messages waited in the pull queue at a time."""

    at: datetime
    waiting: int


@dataclass(frozen=True)
class NightForecast:
    """When the pulls that wait now will have been served.

    ``ends_at`` is None if no end can be seen: messages wait and do not become fewer.
    ``minutes_late`` is by how much the end is after the morning; 0 by day.
    """

    waiting: int
    served_per_hour: int
    ends_at: datetime | None
    minutes_late: int

    @property
    def is_late(self) -> bool:
        """Tell whether this night will not end by the morning."""
        return self.minutes_late > 0


def forecast(samples: Sequence[QueueSample], now: datetime) -> NightForecast:
    """Return when the queue will be empty at the best rate at which it shrank until now.

    While messages still arrive as fast as they are served, no end can be seen, so one forecast says
    little; several in a row are an alarm.

    Args:
        samples: Oldest first, the latest as of now; at least one.
    """
    waiting = samples[-1].waiting
    rate = _served_per_second(samples)
    if waiting < FEW:
        return NightForecast(waiting, round(rate * 3600), now, 0)
    ends_at = now + timedelta(seconds=waiting / rate) if rate > 0 else None
    morning = morning_of(now)
    late = 0
    if morning and ends_at is None:
        late = _NEVER_MINUTES
    elif morning and ends_at and ends_at > morning:
        late = min(ceil((ends_at - morning) / timedelta(minutes=1)), _NEVER_MINUTES)
    return NightForecast(waiting, round(rate * 3600), ends_at, late)


def morning_of(now: datetime) -> datetime | None:
    """Return the end of the night that it is, or None by day."""
    local = now.astimezone(SCHOOL_TIME)
    if local.time() >= MORNING:
        return None
    return datetime.combine(local.date(), MORNING, SCHOOL_TIME).astimezone(now.tzinfo)


def concurrent_pulls(schools: int, seconds_per_pull: float) -> int:
    """Return how many pulls at a time serve every dataset of the schools in four hours.

    Xporter refreshes from 03:00; four hours leave one until 08:00 for what goes wrong.
    """
    pulls = schools * DATASETS_PER_SCHOOL * _PULLS_PER_DATASET
    return max(2, ceil(pulls * seconds_per_pull / NIGHT_SECONDS))


def _served_per_second(samples: Sequence[QueueSample]) -> float:
    latest = samples[-1]
    rates = [
        (each.waiting - latest.waiting) / (latest.at - each.at).total_seconds()
        for each in samples
        if each.at < latest.at
    ]
    return max(0.0, *rates) if rates else 0.0
