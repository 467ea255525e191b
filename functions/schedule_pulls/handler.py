"""Enqueues the schools whose datasets may be due by a timetable."""

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
from xporter_bridge.schools.state_index import StateIndex


@cache
def dependencies() -> tuple[StateIndex, Queue, DatasetConfig]:
    """Return the dependencies, made once per environment."""
    settings = Settings.from_env(os.environ)
    return (
        StateIndex(client("dynamodb"), settings.schools_table),
        Queue(client("sqs"), settings.availability_request_queue_url),
        configured(settings.field_profile),
    )


def lambda_handler(event: Mapping[str, Any], context: entrypoints.LambdaContext) -> dict[str, Any]:
    """Every five minutes: in school hours, enqueue every school with a dataset that may be due.

    After a failed run, the next run enqueues the same schools: a dataset is due until requested.
    """
    schools, requests, config = dependencies()
    return entrypoints.run_schedule(
        event,
        context,
        function="schedule_pulls",
        run=lambda: schedule(schools, requests, config, datetime.now(UTC)),
    )
