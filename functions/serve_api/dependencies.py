"""The dependencies of the API's routes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from xporter_bridge.api.queries import Queries
from xporter_bridge.audit.trail import AuditTrail
from xporter_bridge.availability.accept import AvailabilityDependencies
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.erasure.certificates import CertificateRepository
from xporter_bridge.schools.vault import SchoolVault
from xporter_bridge.writebacks.accept import AcceptDependencies


@dataclass(frozen=True)
class ApiDependencies:
    """Tables, bucket and queues, made once per environment; ``now`` is a clock."""

    viewer: Queries
    audit: AuditTrail
    vault: SchoolVault
    certificates: CertificateRepository
    pulls: Queue
    availability_requests: Queue
    writebacks: Queue
    erasures: Queue
    outcome_deadline: timedelta
    now: Callable[[], datetime]

    @property
    def availability(self) -> AvailabilityDependencies:
        """What taking a request for a pull needs."""
        return AvailabilityDependencies(
            operations=self.viewer.requests,
            datasets=self.viewer.datasets,
            requests=self.availability_requests,
            pulls=self.pulls,
            config=self.viewer.config,
            now=self.now,
        )

    @property
    def writing(self) -> AcceptDependencies:
        """What taking a writeback needs."""
        return AcceptDependencies(
            operations=self.viewer.writebacks,
            vault=self.vault,
            queue=self.writebacks,
            deadline=self.outcome_deadline,
            now=self.now,
        )
