"""The watchdog: finds overdue schools, datasets and operations."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from functions.watch_deadlines.settings import Settings
from xporter_bridge import entrypoints
from xporter_bridge.aws.clients import client
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.datasets.config import configured
from xporter_bridge.events.bus import EventBus
from xporter_bridge.operations.model import OperationKind
from xporter_bridge.operations.repository import OperationRepository
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.watchdog.overdue import (
    WatchDependencies,
    enqueue_overdue,
    enqueue_overdue_operations,
)

# Reserved at the end of every invocation, because one check may wait for AWS.
RESERVE_SECONDS = 20


@dataclass(frozen=True)
class Dependencies:
    """The dependencies of an invocation."""

    watching: WatchDependencies
    operations: OperationRepository
    consumers: Mapping[OperationKind, Queue]


@cache
def dependencies() -> Dependencies:
    """Return the dependencies, made once per environment."""
    settings = Settings.from_env(os.environ)
    watching = WatchDependencies(
        schools=SchoolRepository(client("dynamodb"), settings.schools_table),
        datasets=DatasetRepository(client("dynamodb"), settings.datasets_table, configured()),
        pulls=Queue(client("sqs"), settings.pull_queue_url),
        onboarding=Queue(client("sqs"), settings.authentication_queue_url),
        erasures=Queue(client("sqs"), settings.erasure_queue_url),
        bus=EventBus(client("events"), settings.event_bus),
    )
    return Dependencies(
        watching,
        OperationRepository(client("dynamodb"), settings.operations_table),
        {
            OperationKind.PULL: Queue(client("sqs"), settings.availability_request_queue_url),
            OperationKind.WRITEBACK: Queue(client("sqs"), settings.writeback_queue_url),
        },
    )


def look(remaining_seconds: Callable[[], float]) -> Mapping[str, int]:
    """Check everything that is due, operations first, because callers wait for them.

    At least half of the time is left for schools and datasets.
    """
    deps, now = dependencies(), datetime.now(UTC)
    half = remaining_seconds() / 2
    woken = enqueue_overdue_operations(
        deps.operations, deps.consumers, now, lambda: remaining_seconds() > half
    )
    found = enqueue_overdue(deps.watching, now, lambda: remaining_seconds() > 0)
    return {
        **found,
        "operations": woken.looked,
        "failed": found["failed"] + woken.failed,
        "cut": found["cut"] + woken.is_cut,
    }


def lambda_handler(event: Mapping[str, Any], context: entrypoints.LambdaContext) -> dict[str, Any]:
    """Every minute: enqueue a message for every overdue school, dataset and operation.

    Items that a run does not reach stay overdue; the next run finds them.
    """

    def remaining_seconds() -> float:
        return context.get_remaining_time_in_millis() / 1000 - RESERVE_SECONDS

    return entrypoints.run_schedule(
        event, context, function="watch_deadlines", run=lambda: look(remaining_seconds)
    )
