"""Erases a school, or a dataset whose scope was withdrawn."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from functions.erase_data.settings import Settings
from xporter_bridge import entrypoints
from xporter_bridge.aws.clients import client
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.erasure.erase import EraseDesk, erase
from xporter_bridge.events.bus import EventBus
from xporter_bridge.operations.repository import OperationTable
from xporter_bridge.pulls.repository import DatasetTable
from xporter_bridge.schools.repository import SchoolTable
from xporter_bridge.snapshots.store import Lake


@cache
def desk() -> tuple[EraseDesk, Queue]:
    """Return what an invocation works with, and where it parks what can never succeed."""
    settings = Settings.from_env(os.environ)
    made = EraseDesk(
        schools=SchoolTable(client("dynamodb"), settings.schools_table),
        datasets=DatasetTable(client("dynamodb"), settings.datasets_table),
        operations=OperationTable(client("dynamodb"), settings.operations_table),
        lake=Lake(client("s3"), settings.bucket, settings.staging_bucket),
        erasures=Queue(client("sqs"), settings.erasure_queue_url),
        bus=EventBus(client("events"), settings.event_bus),
        now=lambda: datetime.now(UTC),
    )
    return made, Queue(client("sqs"), settings.erasure_dead_letter_queue_url)


def lambda_handler(event: Mapping[str, Any], context: entrypoints.LambdaContext) -> dict[str, Any]:
    """From the erasure queue: the school or dataset is gone, every version of it.

    Until it is, the message comes again, in the end to the dead-letter queue and its alarm.
    """
    tools, parked = desk()
    return entrypoints.consume_messages(
        event,
        context,
        function="erase_data",
        handle=lambda message: erase(message, tools),
        park=parked.park,
    )
