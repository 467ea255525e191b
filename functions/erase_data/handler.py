"""Erases a school, a dataset whose scope was withdrawn, or people; ends schools long unused."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from functions.erase_data.settings import Settings
from xporter_bridge import entrypoints
from xporter_bridge.audit.trail import AuditTrail
from xporter_bridge.aws.clients import client
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.datasets.config import configured
from xporter_bridge.erasure.certificates import CertificateRepository
from xporter_bridge.erasure.dependencies import EraseDependencies
from xporter_bridge.erasure.end_school import end_school
from xporter_bridge.erasure.erase import erase
from xporter_bridge.erasure.messages import EndSchool, Erasure, read_erasure
from xporter_bridge.events.bus import EventBus
from xporter_bridge.operations.repository import OperationRepository
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.schools.vault import SchoolVault
from xporter_bridge.snapshots.store import SnapshotStore


@cache
def dependencies() -> tuple[EraseDependencies, Queue, int]:
    """Return the dependencies, the dead-letter queue, and after how many days a school ends."""
    settings = Settings.from_env(os.environ)
    made = EraseDependencies(
        schools=SchoolRepository(client("dynamodb"), settings.schools_table),
        datasets=DatasetRepository(
            client("dynamodb"), settings.datasets_table, configured(settings.field_profile)
        ),
        operations=OperationRepository(client("dynamodb"), settings.operations_table),
        certificates=CertificateRepository(client("dynamodb"), settings.datasets_table),
        vault=SchoolVault(client("kms"), settings.school_key_id),
        store=SnapshotStore(client("s3"), settings.bucket, settings.staging_bucket),
        erasures=Queue(client("sqs"), settings.erasure_queue_url),
        dead_writebacks=Queue(client("sqs"), settings.writeback_dead_letter_queue_url),
        bus=EventBus(client("events"), settings.event_bus),
        audit=AuditTrail(
            client("dynamodb"), settings.audit_table, timedelta(days=settings.audit_days)
        ),
        now=lambda: datetime.now(UTC),
    )
    dead_letters = Queue(client("sqs"), settings.erasure_dead_letter_queue_url)
    return made, dead_letters, settings.ended_school_days


def lambda_handler(event: Mapping[str, Any], context: entrypoints.LambdaContext) -> dict[str, Any]:
    """From the erasure queue: delete every version of what is to be erased.

    A failed message is delivered again, and finally reaches the dead-letter queue with its alarm.
    """
    deps, dead_letters, ended_school_days = dependencies()

    def handle(message: Erasure) -> None:
        if isinstance(message, EndSchool):
            end_school(message, ended_school_days, deps)
        else:
            erase(message, deps)

    return entrypoints.consume_messages(
        event,
        context,
        function="erase_data",
        read=read_erasure,
        handle=handle,
        park=dead_letters.dead_letter,
    )
