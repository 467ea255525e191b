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
from xporter_bridge.schools.model import School, went_live
from xporter_bridge.schools.outbox import publish_outbox
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.schools.states import SchoolState


def publish_dataset_events(
    item: DatasetRecord,
    datasets: DatasetRepository,
    schools: SchoolRepository,
    bus: EventBus,
    now: datetime,
) -> None:
    """Publish the events in the dataset's outbox and, with its first data, ``school.live``."""
    if announced(item, None, schools, bus, now) != item:
        datasets.clear_outbox(item)


def announced(
    item: DatasetRecord,
    school: School | None,
    schools: SchoolRepository,
    bus: EventBus,
    now: datetime,
) -> DatasetRecord:
    """Publish as ``publish_dataset_events`` does, and return the record, which is not saved yet.

    Args:
        school: The school, if it was read before; one that is live needs no other look.
    """
    if item.published.unpublished:
        return item
    is_live = school is not None and school.state is SchoolState.LIVE
    if item.published.sequence and not is_live:
        publish_outbox(
            schools.change(item.estab, lambda school: went_live(school, now)), schools, bus
        )
    if item.outbox:
        bus.publish(Event.read(entry) for entry in item.outbox)
    return replace(item, outbox=())
