"""Enqueues schools for the timetables of datasets that Xporter refreshes on request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from xporter_bridge.availability.messages import TimetableOpen
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.datasets.config import DatasetConfig
from xporter_bridge.schools.state_index import StateIndex
from xporter_bridge.schools.states import PULLABLE


def schedule(
    schools: StateIndex, requests: Queue, config: DatasetConfig, now: datetime
) -> Mapping[str, int]:
    """Enqueue every pullable school while a timetable is open; return their number.

    The consumer decides from the time of the last request which datasets are due, so a school
    that is enqueued twice gets one request. Outside the hours of all timetables, nothing is read.
    """
    timetables = [each.timetable for each in config.values() if each.timetable]
    if not any(timetable.is_open(now) for timetable in timetables):
        return {"due": 0}

    def due() -> Iterator[Mapping[str, Any]]:
        for state in sorted(PULLABLE):
            for estab in schools.in_state(state):
                yield TimetableOpen(estab).body()

    return {"due": requests.send_all(due())}
