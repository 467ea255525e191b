"""Ends the wait of a pull on request after an availability callback."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from functions.settle_availability.settings import Settings
from xporter_bridge import entrypoints
from xporter_bridge.availability.accept import AvailabilityDependencies
from xporter_bridge.availability.messages import AvailabilityReceived
from xporter_bridge.availability.repository import AvailabilityRepository
from xporter_bridge.availability.settle import settle
from xporter_bridge.aws.clients import client
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.datasets.config import configured
from xporter_bridge.pulls.repository import DatasetRepository


@cache
def dependencies() -> tuple[AvailabilityDependencies, Queue]:
    """Return the dependencies and the dead-letter queue of an invocation."""
    settings = Settings.from_env(os.environ)
    made = AvailabilityDependencies(
        operations=AvailabilityRepository(client("dynamodb"), settings.operations_table),
        datasets=DatasetRepository(
            client("dynamodb"), settings.datasets_table, configured(settings.field_profile)
        ),
        requests=Queue(client("sqs"), settings.availability_request_queue_url),
        pulls=Queue(client("sqs"), settings.pull_queue_url),
        config=configured(settings.field_profile),
        now=lambda: datetime.now(UTC),
    )
    return made, Queue(client("sqs"), settings.availability_dead_letter_queue_url)


def lambda_handler(event: Mapping[str, Any], context: entrypoints.LambdaContext) -> dict[str, Any]:
    """From the availability queue: end the wait and request the pull, fresh or stale.

    A failed message is delivered again; a late or repeated callback changes nothing.
    """
    deps, dead_letters = dependencies()
    return entrypoints.consume_messages(
        event,
        context,
        function="settle_availability",
        read=AvailabilityReceived.read,
        handle=lambda message: settle(message, deps),
        park=dead_letters.dead_letter,
    )
