"""Decides which schools are asked for data by the clock."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from functions.schedule_pulls.settings import Settings
from xporter_bridge import entrypoints
from xporter_bridge.availability.schedule import schedule
from xporter_bridge.aws.clients import client
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.datasets.config import DatasetConfig, configured
from xporter_bridge.schools.repository import SchoolRepository


@cache
def dependencies() -> tuple[SchoolRepository, Queue, DatasetConfig]:
    """Return what an invocation works with, made once per environment."""
    settings = Settings.from_env(os.environ)
    return (
        SchoolRepository(client("dynamodb"), settings.schools_table),
        Queue(client("sqs"), settings.availability_request_queue_url),
        configured(),
    )


def lambda_handler(event: Mapping[str, Any], context: entrypoints.LambdaContext) -> dict[str, Any]:
    """Every five minutes: in school hours, every school that may be due has been enqueued.

    A run that dies is made good by the next, as a school is due until it has been asked.
    """
    schools, requests, config = dependencies()
    return entrypoints.run_schedule(
        event,
        context,
        function="schedule_pulls",
        run=lambda: schedule(schools, requests, config, datetime.now(UTC)),
    )
