"""Registers the webhooks that a school lacks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from functions.register_webhooks.settings import Settings
from xporter_bridge import entrypoints
from xporter_bridge.aws.clients import client
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.callbacks.signing_keys import SigningKeys
from xporter_bridge.datasets.config import configured
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.registrations.messages import RegisterWebhooks
from xporter_bridge.registrations.register import RegisterDependencies, register
from xporter_bridge.schools.session_settings import school_sessions


@cache
def dependencies() -> tuple[RegisterDependencies, Queue, Queue]:
    """Return the dependencies, the function's own queue, and its dead-letter queue."""
    settings = Settings.from_env(os.environ)
    made = RegisterDependencies(
        sessions=school_sessions(settings),
        datasets=DatasetRepository(
            client("dynamodb"), settings.datasets_table, configured(settings.field_profile)
        ),
        pulls=Queue(client("sqs"), settings.pull_queue_url),
        erasures=Queue(client("sqs"), settings.erasure_queue_url),
        config=configured(settings.field_profile),
        base_url=settings.callback_base_url,
        keys=SigningKeys(client("secretsmanager"), settings.callback_key_secret_arn).keys,
        second_look=timedelta(seconds=settings.scope_removal_seconds),
        now=lambda: datetime.now(UTC),
    )
    own = Queue(client("sqs"), settings.registration_queue_url)
    return made, own, Queue(client("sqs"), settings.registration_dead_letter_queue_url)


def lambda_handler(event: Mapping[str, Any], context: entrypoints.LambdaContext) -> dict[str, Any]:
    """From the registration queue: register every webhook that the school lacks.

    A failed message is delivered again; registrations made before the failure are recorded.
    """
    deps, own, dead_letters = dependencies()
    return entrypoints.consume_messages(
        event,
        context,
        function="register_webhooks",
        read=RegisterWebhooks.read,
        handle=lambda message: register(message, deps),
        park=dead_letters.dead_letter,
        resend_later=own.send,
    )
