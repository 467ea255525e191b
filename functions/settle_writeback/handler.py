"""Records the outcomes of writebacks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from functions.settle_writeback.settings import Settings
from xporter_bridge import entrypoints
from xporter_bridge.audit.trail import AuditTrail
from xporter_bridge.aws.clients import client
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.events.bus import EventBus
from xporter_bridge.writebacks.messages import OutcomeReceived
from xporter_bridge.writebacks.repository import WritebackRepository
from xporter_bridge.writebacks.settle import WritebackDependencies, settle


@cache
def dependencies() -> tuple[WritebackDependencies, Queue]:
    """Return the dependencies and the dead-letter queue of an invocation."""
    settings = Settings.from_env(os.environ)
    made = WritebackDependencies(
        operations=WritebackRepository(client("dynamodb"), settings.operations_table),
        bus=EventBus(client("events"), settings.event_bus),
        audit=AuditTrail(
            client("dynamodb"), settings.audit_table, timedelta(days=settings.audit_days)
        ),
        now=lambda: datetime.now(UTC),
    )
    return made, Queue(client("sqs"), settings.outcome_dead_letter_queue_url)


def lambda_handler(event: Mapping[str, Any], context: entrypoints.LambdaContext) -> dict[str, Any]:
    """From the outcome queue: record the outcome in the writeback, and publish an event at its end.

    A failed message is delivered again; outcomes may come late, twice, or out of order.
    """
    deps, dead_letters = dependencies()
    return entrypoints.consume_messages(
        event,
        context,
        function="settle_writeback",
        read=OutcomeReceived.read,
        handle=lambda message: settle(message, deps),
        park=dead_letters.dead_letter,
    )
