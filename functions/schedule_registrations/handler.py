"""Enqueues the schools whose webhooks and scopes are due for a check."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from functions.schedule_registrations.settings import Settings
from xporter_bridge import entrypoints
from xporter_bridge.aws.clients import client
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.registrations.schedule import schedule
from xporter_bridge.schools.state_index import StateIndex


@cache
def dependencies() -> tuple[StateIndex, Queue]:
    """Return the dependencies, made once per environment."""
    settings = Settings.from_env(os.environ)
    return (
        StateIndex(client("dynamodb"), settings.schools_table),
        Queue(client("sqs"), settings.registration_queue_url),
    )


def lambda_handler(event: Mapping[str, Any], context: entrypoints.LambdaContext) -> dict[str, Any]:
    """Hourly: enqueue every school whose daily check is due.

    An operator may invoke the function with ``{"everyone": true}`` after a rotation or a change of
    domain: this enqueues all schools. With ``"pulls": true``, all their datasets are pulled as
    well, after callbacks were lost. After a failed run, the remaining schools are still due.
    """
    schools, queue = dependencies()
    return entrypoints.run_schedule(
        event,
        context,
        function="schedule_registrations",
        run=lambda: schedule(
            schools,
            queue,
            datetime.now(UTC),
            everyone=event.get("everyone") is True,
            pulls=event.get("pulls") is True,
        ),
    )
