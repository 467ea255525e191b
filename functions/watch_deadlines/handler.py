"""The watchdog: finds overdue schools, datasets and operations."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from functions.watch_deadlines.settings import Settings
from xporter_bridge import entrypoints
from xporter_bridge.aws.clients import client
from xporter_bridge.aws.dynamodb import WATCH_SHARDS
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.datasets.config import configured
from xporter_bridge.errors import ConfigurationError
from xporter_bridge.events.bus import EventBus
from xporter_bridge.operations.model import OperationKind
from xporter_bridge.operations.repository import OperationRepository
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.watchdog.ends import enqueue_ends
from xporter_bridge.watchdog.forecast_night import forecast_night
from xporter_bridge.watchdog.overdue import (
    WatchDependencies,
    enqueue_overdue,
    enqueue_overdue_operations,
)
from xporter_bridge.watchdog.repository import NightRepository

# Reserved at the end of every invocation, because one check may wait for AWS.
RESERVE_SECONDS = 20


@dataclass(frozen=True)
class Dependencies:
    """The dependencies of an invocation."""

    watching: WatchDependencies
    nights: NightRepository
    operations: OperationRepository
    consumers: Mapping[OperationKind, Queue]
    ended_school_days: int


@cache
def dependencies() -> Dependencies:
    """Return the dependencies, made once per environment."""
    settings = Settings.from_env(os.environ)
    watching = WatchDependencies(
        schools=SchoolRepository(client("dynamodb"), settings.schools_table),
        datasets=DatasetRepository(
            client("dynamodb"), settings.datasets_table, configured(settings.field_profile)
        ),
        pulls=Queue(client("sqs"), settings.pull_queue_url),
        onboarding=Queue(client("sqs"), settings.authentication_queue_url),
        erasures=Queue(client("sqs"), settings.erasure_queue_url),
        bus=EventBus(client("events"), settings.event_bus),
    )
    return Dependencies(
        watching,
        NightRepository(client("dynamodb"), settings.datasets_table),
        OperationRepository(client("dynamodb"), settings.operations_table),
        {
            OperationKind.PULL: Queue(client("sqs"), settings.availability_request_queue_url),
            OperationKind.WRITEBACK: Queue(client("sqs"), settings.writeback_queue_url),
        },
        settings.ended_school_days,
    )


def look(shards: Sequence[int], remaining_seconds: Callable[[], float]) -> Mapping[str, int]:
    """Look at every item of the shards whose time has come, at operations first.

    The company's software waits for operations. However many of them are due, half of the time is
    left for schools and datasets.
    """
    deps, now = dependencies(), datetime.now(UTC)
    half = remaining_seconds() / 2
    woken = enqueue_overdue_operations(
        deps.operations, deps.consumers, shards, now, lambda: remaining_seconds() > half
    )
    found = enqueue_overdue(deps.watching, shards, now, lambda: remaining_seconds() > 0)
    return {
        **found,
        "operations": woken.looked,
        "failed": found["failed"] + woken.failed,
        "cut": found["cut"] + woken.is_cut,
    }


def find_ends(asked: Any, remaining_seconds: Callable[[], float]) -> Mapping[str, int]:
    """Look at every paused and revoked school, and enqueue the next step towards its end.

    Args:
        asked: ``True``, or the number of schools that a person lets one run erase.
    """
    deps = dependencies()
    return enqueue_ends(
        deps.watching.schools,
        deps.watching.erasures,
        deps.watching.onboarding,
        deps.ended_school_days,
        datetime.now(UTC),
        lambda: remaining_seconds() > 0,
        most=None if asked is True else int(asked),
    )


def shards_of(event: Mapping[str, Any]) -> Sequence[int]:
    """Return the shards that a run looks at: the one that its schedule names, or all.

    Raises:
        ConfigurationError: No item can lie in a shard of this number.
    """
    shard = event.get("shard")
    if shard is None:
        return WATCH_SHARDS
    if shard not in WATCH_SHARDS:
        raise ConfigurationError(f"no shard {shard}")
    return (shard,)


def lambda_handler(event: Mapping[str, Any], context: entrypoints.LambdaContext) -> dict[str, Any]:
    """Every minute, once for each shard: the overdue items have a message on its way.

    ``{"shard": 3}`` is what one of the schedules says; without it, the run looks at all shards. The
    runs share no item and know nothing of each other. What a run does not reach stays overdue, for
    the next run of the shard. ``{"forecast": true}``, every five minutes, forecasts the end of the
    night instead. ``{"ends": true}``, daily, finds the schools whose end is near; an operator may
    invoke the function with the number of schools that may be erased, ``{"ends": 120}``.
    """

    def remaining_seconds() -> float:
        return context.get_remaining_time_in_millis() / 1000 - RESERVE_SECONDS

    def run() -> Mapping[str, int]:
        if event.get("forecast") is True:
            deps = dependencies()
            return forecast_night(deps.watching.pulls, deps.nights, datetime.now(UTC))
        if ends := event.get("ends"):
            return find_ends(ends, remaining_seconds)
        return look(shards_of(event), remaining_seconds)

    return entrypoints.run_schedule(event, context, function="watch_deadlines", run=run)
