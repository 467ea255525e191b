"""Receives database events: a school's data changed."""

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
from xporter_bridge.callbacks.signed_urls import CallbackKind, verify
from xporter_bridge.callbacks.signing_keys import SigningKeys
from xporter_bridge.pulls.messages import DatabaseChanged
from xporter_bridge.timestamps import iso

# Callbacks come many at once, one per database and often repeated: what follows within this time
# shares a pull, and nightly data can wait for it.
_SETTLING_SECONDS = 5


@cache
def dependencies() -> tuple[SigningKeys, Queue]:
    """Return what an invocation works with, made once per environment."""
    settings = Settings.from_env(os.environ)
    return (
        SigningKeys(client("secretsmanager"), settings.callback_key_secret_arn),
        Queue(client("sqs"), settings.database_queue_url),
    )


def accept(request: CallbackRequest) -> str:
    """Store one callback and return its estab; its body, if it has one, is ignored."""
    keys, queue = dependencies()
    about = verify(CallbackKind.DATABASE, request.query, keys=keys.keys())
    _ = request.body  # Says nothing, but may be too large.
    queue.send(
        DatabaseChanged(about.estab, about.subject, received_at=iso(datetime.now(UTC))).body(),
        delay_seconds=_SETTLING_SECONDS,
    )
    return about.estab


def lambda_handler(event: Mapping[str, Any], context: entrypoints.LambdaContext) -> dict[str, Any]:
    """``GET`` or ``POST /callbacks/database``: 202 once the callback is stored.

    A failure of ours is 5xx, so that Xporter may send it again; plan_pulls does the work.
    """
    return entrypoints.answer_callback(
        event, context, kind="database", accept=lambda event: accept(read_request(event))
    )
