"""The dependencies of a pull."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from xporter_bridge.aws.sqs import Queue
from xporter_bridge.events.bus import EventBus
from xporter_bridge.ingestion.patience import Patience
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.schools.session import SchoolSessions
from xporter_bridge.snapshots.store import SnapshotStore


@dataclass(frozen=True)
class PullDependencies:
    """Everything that a pull needs; ``keep`` is for how long replaced data stays.

    ``has_parquet`` tells whether snapshots are written as Parquet too, beside NDJSON.
    ``slow_places`` is how many schools that did not answer in time are pulled at a time.
    """

    datasets: DatasetRepository
    store: SnapshotStore
    sessions: SchoolSessions
    queue: Queue
    bus: EventBus
    keep: timedelta
    now: Callable[[], datetime]
    slow_places: int = 2
    patience: Patience = field(default_factory=Patience)
    has_parquet: bool = False
