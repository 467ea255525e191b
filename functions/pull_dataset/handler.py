"""Pulls one dataset of one school."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from functions.pull_dataset.settings import Settings
from xporter_bridge import entrypoints
from xporter_bridge.aws.clients import client
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.datasets.config import configured
from xporter_bridge.events.bus import EventBus
from xporter_bridge.ingestion.dependencies import PullDependencies
from xporter_bridge.ingestion.pull_school import pull
from xporter_bridge.pulls.messages import PullDataset
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.pulls.slots import slow_places_of
from xporter_bridge.schools.session_settings import school_sessions
from xporter_bridge.snapshots.store import SnapshotStore

# Reserved at the end of every invocation: for the slowest page, and to release the lease.
RESERVE_SECONDS = 240


@cache
def dependencies() -> tuple[PullDependencies, Queue]:
    """Return the dependencies and the dead-letter queue of an invocation."""
    settings = Settings.from_env(os.environ)
    made = PullDependencies(
        datasets=DatasetRepository(
            client("dynamodb"), settings.datasets_table, configured(settings.field_profile)
        ),
        store=SnapshotStore(client("s3"), settings.bucket, settings.staging_bucket),
        sessions=school_sessions(settings),
        queue=Queue(client("sqs"), settings.pull_queue_url),
        bus=EventBus(client("events"), settings.event_bus),
        keep=timedelta(days=settings.keep_days),
        now=lambda: datetime.now(UTC),
        slow_places=slow_places_of(settings.concurrent_pulls),
        has_parquet="parquet" in settings.formats.split("+"),
    )
    return made, Queue(client("sqs"), settings.pull_dead_letter_queue_url)


def handle(message: PullDataset, remaining_seconds: Callable[[], float]) -> None:
    """Pull the dataset of one message."""
    deps, _ = dependencies()
    pull(message.estab, message.dataset, deps, remaining_seconds=remaining_seconds)


def lambda_handler(event: Mapping[str, Any], context: entrypoints.LambdaContext) -> dict[str, Any]:
    """From the pull queue, one message at a time: pull the dataset and publish the changes.

    A killed invocation leaves its staged pages. After its lease has expired, the next invocation
    continues with these pages.
    """
    _, dead_letters = dependencies()

    def remaining_seconds() -> float:
        return context.get_remaining_time_in_millis() / 1000 - RESERVE_SECONDS

    return entrypoints.consume_messages(
        event,
        context,
        function="pull_dataset",
        read=PullDataset.read,
        handle=lambda message: handle(message, remaining_seconds),
        park=dead_letters.dead_letter,
    )
