"""Forecasts the end of the night from the pull queue, as a metric with an alarm."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from xporter_bridge import telemetry
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.watchdog.night import SAMPLES, QueueSample, forecast, morning_of
from xporter_bridge.watchdog.repository import NightRepository


def forecast_night(pulls: Queue, nights: NightRepository, now: datetime) -> Mapping[str, int]:
    """Take a sample of the queue and, while it is night, count by how much the night is late.

    A run that is repeated adds a sample, which changes no rate.
    """
    samples = [*nights.samples(), QueueSample(now, pulls.waiting())][-SAMPLES:]
    nights.save(samples)
    found = forecast(samples, now)
    if morning_of(now):
        telemetry.count("NightLateMinutes", "pull", found.minutes_late)
    return {
        "waiting": found.waiting,
        "served_per_hour": found.served_per_hour,
        "minutes_late": found.minutes_late,
    }
