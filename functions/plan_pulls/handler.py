"""Requests pulls of the datasets that a database event concerns."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from functions.plan_pulls.settings import Settings
from xporter_bridge import entrypoints
from xporter_bridge.aws.clients import client
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.datasets.config import DatasetConfig, configured
from xporter_bridge.pulls.messages import DatabaseChanged
from xporter_bridge.pulls.plan import plan
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.schools.repository import SchoolRepository


@cache
def dependencies() -> tuple[SchoolRepository, DatasetRepository, Queue, DatasetConfig, Queue]:
    """Return the dependencies and the dead-letter queue of an invocation."""
    settings = Settings.from_env(os.environ)
    return (
        SchoolRepository(client("dynamodb"), settings.schools_table),
        DatasetRepository(
            client("dynamodb"), settings.datasets_table, configured(settings.field_profile)
        ),
        Queue(client("sqs"), settings.pull_queue_url),
        configured(settings.field_profile),
        Queue(client("sqs"), settings.database_dead_letter_queue_url),
    )


def lambda_handler(event: Mapping[str, Any], context: entrypoints.LambdaContext) -> dict[str, Any]:
    """From the database queue: request a pull of every dataset that the change concerns.

    A failed message is delivered again; a repetition causes no second pull.
    """
    schools, datasets, pulls, config, dead_letters = dependencies()
    return entrypoints.consume_messages(
        event,
        context,
        function="plan_pulls",
        read=DatabaseChanged.read,
        handle=lambda message: plan(message, schools, datasets, pulls, config, datetime.now(UTC)),
        park=dead_letters.dead_letter,
    )
