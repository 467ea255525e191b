"""Lets a dataset take its turn: only a few of one school are pulled at a time.

The place comes before the lease, so whoever finds none has written nothing: while a school's
first pulls run, all its other datasets come back again and again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from xporter_bridge.aws.sqs import Queue
from xporter_bridge.events.bus import EventBus
from xporter_bridge.pulls.model import DatasetItem, wait_for_place, wants_pull
from xporter_bridge.pulls.repository import DatasetTable
from xporter_bridge.pulls.slots import Slot
from xporter_bridge.schools.session import Sessions
from xporter_bridge.snapshots.store import Lake


@dataclass(frozen=True)
class PullDesk:
    """Everything that pulling needs; ``keep`` is for how long what is replaced stays."""

    datasets: DatasetTable
    lake: Lake
    sessions: Sessions
    queue: Queue
    bus: EventBus
    keep: timedelta
    now: Callable[[], datetime]


def take_turn(
    estab: str, name: str, desk: PullDesk, *, waits: int
) -> tuple[DatasetItem, Slot] | None:
    """Return the dataset, leased, and a place to pull it in; None if there is none, or no work.

    Without a place the message comes back later and later. In the end the watcher sends another:
    a message that went on by itself for hours would be joined by one of the watcher's every time.

    Args:
        waits: How often the message has come back.
    """
    item = desk.datasets.get(estab, name)
    if item is None or not wants_pull(item, desk.now()):
        return None
    slot = desk.datasets.slots.take(estab, desk.now())
    if slot is None:
        if wait := wait_for_place(estab, name, waits):
            message = {"estab": estab, "dataset": name, "waits": waits + 1}
            desk.queue.send(message, delay_seconds=ceil(wait.total_seconds()))
        return None
    leased = desk.datasets.lease(estab, name, desk.now())
    if leased is None:
        desk.datasets.slots.free(slot)
        return None
    return leased, slot
