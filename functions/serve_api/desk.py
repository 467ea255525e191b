"""What the routes of the API work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from xporter_bridge.adapters.queues import Queue
from xporter_bridge.adapters.vault import SchoolVault
from xporter_bridge.use_cases.pull_requests import AvailabilityDesk
from xporter_bridge.use_cases.views import Viewer
from xporter_bridge.use_cases.writeback_requests import AcceptDesk


@dataclass(frozen=True)
class ApiDesk:
    """Tables, bucket and queues, made once per environment; ``now`` is a clock."""

    viewer: Viewer
    vault: SchoolVault
    pulls: Queue
    availability_requests: Queue
    writebacks: Queue
    erasures: Queue
    outcome_deadline: timedelta
    now: Callable[[], datetime]

    @property
    def asking(self) -> AvailabilityDesk:
        """What taking a request for a pull needs."""
        return AvailabilityDesk(
            operations=self.viewer.operations,
            datasets=self.viewer.datasets,
            requests=self.availability_requests,
            pulls=self.pulls,
            now=self.now,
        )

    @property
    def writing(self) -> AcceptDesk:
        """What taking a writeback needs."""
        return AcceptDesk(
            operations=self.viewer.operations,
            vault=self.vault,
            queue=self.writebacks,
            deadline=self.outcome_deadline,
            now=self.now,
        )
