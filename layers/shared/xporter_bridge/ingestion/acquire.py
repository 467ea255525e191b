"""Acquires a slot and the lease: only a few datasets of a school are pulled at a time.

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
from xporter_bridge.pulls.messages import PullDataset
from xporter_bridge.pulls.model import needs_worker
from xporter_bridge.pulls.record import DatasetRecord
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.pulls.slots import Slot, slot_retry_delay
from xporter_bridge.schools.session import SchoolSessions
from xporter_bridge.snapshots.store import SnapshotStore


@dataclass(frozen=True)
class PullDependencies:
    """Everything that pulling needs; ``keep`` is for how long what is replaced stays."""

    datasets: DatasetRepository
    store: SnapshotStore
    sessions: SchoolSessions
    queue: Queue
    bus: EventBus
    keep: timedelta
    now: Callable[[], datetime]


def acquire(
    estab: str, name: str, deps: PullDependencies, *, waits: int
) -> tuple[DatasetRecord, Slot] | None:
    """Return the dataset, leased, and a place to pull it in; None if there is none, or no work.

    Without a place the message comes back later and later. In the end the watcher sends another:
    a message that went on by itself for hours would be joined by one of the watcher's every time.

    Args:
        waits: How often the message has come back.
    """
    item = deps.datasets.get(estab, name)
    if item is None or not needs_worker(item, deps.now()):
        return None
    slot = deps.datasets.slots.take(estab, deps.now())
    if slot is None:
        if wait := slot_retry_delay(estab, name, waits):
            message = PullDataset(estab, name, waits=waits + 1)
            deps.queue.send(message.body(), delay_seconds=ceil(wait.total_seconds()))
        return None
    leased = deps.datasets.lease(estab, name, deps.now())
    if leased is None:
        deps.datasets.slots.release(slot)
        return None
    return leased, slot
