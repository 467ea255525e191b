"""Tells the company's own software what a dataset's item has kept for it."""

from __future__ import annotations

from datetime import datetime

from xporter_bridge.adapters.dataset_table import DatasetTable
from xporter_bridge.adapters.event_bus import EventBus
from xporter_bridge.adapters.school_table import SchoolTable
from xporter_bridge.events import Event
from xporter_bridge.pulls import DatasetItem
from xporter_bridge.schools import went_live


def announce(
    item: DatasetItem, datasets: DatasetTable, schools: SchoolTable, bus: EventBus, now: datetime
) -> None:
    """Publish the item's events and, with its first data, let the school be live.

    Only after readers can see what the events speak of. Repeating it is harmless.
    """
    if item.unpublished:
        return
    if item.sequence:
        school = schools.change(item.estab, lambda school: went_live(school, now))
        if school.outbox:
            bus.publish(school.outbox)
            schools.clear_outbox(school)
    if item.outbox:
        bus.publish(Event.read(entry) for entry in item.outbox)
        datasets.clear_outbox(item)
