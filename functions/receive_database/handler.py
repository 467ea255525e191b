"""Receives database callbacks: a school's data has changed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from functions.receive_database.settings import Settings
from xporter_bridge import entrypoints
from xporter_bridge.aws.clients import client
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.callbacks.request import CallbackRequest, read_request
from xporter_bridge.callbacks.signing_keys import SigningKeys
from xporter_bridge.pulls.receive import accept_database


@cache
def dependencies() -> tuple[SigningKeys, Queue]:
    """Return the dependencies, made once per environment."""
    settings = Settings.from_env(os.environ)
    return (
        SigningKeys(client("secretsmanager"), settings.callback_key_secret_arn),
        Queue(client("sqs"), settings.database_queue_url),
    )


def accept(request: CallbackRequest) -> str:
    """Store one callback and return its estab."""
    keys, queue = dependencies()
    return accept_database(request, keys=keys, queue=queue, now=datetime.now(UTC))


def lambda_handler(event: Mapping[str, Any], context: entrypoints.LambdaContext) -> dict[str, Any]:
    """``GET`` or ``POST /callbacks/database``: 202 once the callback is stored.

    The reply to our own fault is 5xx, so that Xporter may repeat the callback. plan_pulls
    processes the stored callback.
    """
    return entrypoints.answer_callback(
        event, context, kind="database", accept=lambda event: accept(read_request(event))
    )
