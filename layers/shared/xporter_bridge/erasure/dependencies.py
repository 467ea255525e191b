"""The dependencies of an erasure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from xporter_bridge.audit.trail import AuditTrail
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.erasure.certificates import CertificateRepository
from xporter_bridge.events.bus import EventBus
from xporter_bridge.operations.repository import OperationRepository
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.schools.vault import SchoolVault
from xporter_bridge.snapshots.store import SnapshotStore


@dataclass(frozen=True)
class EraseDependencies:
    """Everything that erasing needs; ``erasures`` is the queue that brings its messages.

    ``dead_writebacks`` is the dead-letter queue of writebacks.
    """

    schools: SchoolRepository
    datasets: DatasetRepository
    operations: OperationRepository
    certificates: CertificateRepository
    vault: SchoolVault
    store: SnapshotStore
    erasures: Queue
    dead_writebacks: Queue
    bus: EventBus
    audit: AuditTrail
    now: Callable[[], datetime]
