"""Publishes the events in a dataset's outbox.

Events are published after readers can see the data that the events are about. Publishing is
idempotent, so the next invocation repeats it after a crash.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from xporter_bridge.events.bus import EventBus
from xporter_bridge.events.model import Event
from xporter_bridge.pulls.record import DatasetRecord
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.schools.model import went_live
from xporter_bridge.schools.outbox import publish_outbox
from xporter_bridge.schools.repository import SchoolRepository


def publish_dataset_events(
    item: DatasetRecord,
    datasets: DatasetRepository,
    schools: SchoolRepository,
    bus: EventBus,
    now: datetime,
) -> None:
    """Publish the events in the dataset's outbox and, with its first data, ``school.live``."""
    publish_first_data(item, schools, bus, now)
    if announced(item, bus) != item:
        datasets.clear_outbox(item)


def publish_first_data(
    item: DatasetRecord, schools: SchoolRepository, bus: EventBus, now: datetime
) -> None:
    """Publish ``school.live`` if readers find the first data of the school."""
    if item.published.sequence and not item.published.unpublished:
        publish_outbox(
            schools.change(item.estab, lambda school: went_live(school, now)), schools, bus
        )


def announced(item: DatasetRecord, bus: EventBus) -> DatasetRecord:
    """Publish the events in the outbox; return the record without them, which is not saved yet."""
    if item.published.unpublished or not item.outbox:
        return item
    bus.publish(Event.read(entry) for entry in item.outbox)
    return replace(item, outbox=())
