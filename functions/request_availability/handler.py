"""Requests data that Xporter must fetch first, and ends the wait at the deadline."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from functions.request_availability.settings import Settings
from xporter_bridge import entrypoints
from xporter_bridge.availability.accept import AvailabilityDependencies, ask_due
from xporter_bridge.availability.ask_xporter import AskDependencies, advance
from xporter_bridge.availability.messages import AdvanceRequest, TimetableOpen, read_request
from xporter_bridge.availability.repository import AvailabilityRepository
from xporter_bridge.aws.clients import client
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.callbacks.signing_keys import SigningKeys
from xporter_bridge.datasets.config import configured
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.schools.session_settings import school_sessions

# The request is for one row only; the callback reports the availability of the data.
DATA_SECONDS = 20.0


@cache
def dependencies() -> tuple[AvailabilityDependencies, AskDependencies, Queue]:
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
    sessions = school_sessions(settings, data_seconds=DATA_SECONDS)
    ask_deps = AskDependencies(
        sessions=sessions,
        keys=SigningKeys(client("secretsmanager"), settings.callback_key_secret_arn).keys,
        callback_base_url=settings.callback_base_url,
        deadline=timedelta(seconds=settings.availability_deadline_seconds),
    )
    dead_letters = Queue(client("sqs"), settings.availability_request_dead_letter_queue_url)
    return made, ask_deps, dead_letters


def work_on(message: AdvanceRequest | TimetableOpen) -> None:
    """Do the next step of one request, or request the datasets whose timetable is due."""
    deps, ask_deps, _ = dependencies()
    if isinstance(message, AdvanceRequest):
        advance(message.estab, message.id, deps, ask_deps)
    elif school := ask_deps.sessions.schools.get(message.estab):
        ask_due(school, deps)


def lambda_handler(event: Mapping[str, Any], context: entrypoints.LambdaContext) -> dict[str, Any]:
    """From the availability request queue: do the next step of the pull on request.

    A failed message is delivered again; a second request to Xporter does no harm.
    """
    _, _, dead_letters = dependencies()
    return entrypoints.consume_messages(
        event,
        context,
        function="request_availability",
        read=read_request,
        handle=work_on,
        park=dead_letters.dead_letter,
    )
