"""Receives authentication callbacks: a school has authorised us, or has finished installing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from functions.receive_authentication.settings import Settings
from xporter_bridge import entrypoints
from xporter_bridge.aws.clients import client
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.callbacks.request import CallbackRequest, read_request
from xporter_bridge.callbacks.signing_keys import SigningKeys
from xporter_bridge.onboarding.receive import accept_authentication
from xporter_bridge.onboarding.transit_encryption import TransitEncryption


@cache
def dependencies() -> tuple[SigningKeys, TransitEncryption, Queue]:
    """Return the dependencies, made once per environment."""
    settings = Settings.from_env(os.environ)
    return (
        SigningKeys(client("secretsmanager"), settings.authentication_token_secret_arn),
        TransitEncryption(client("kms"), settings.transit_key_id),
        Queue(client("sqs"), settings.authentication_queue_url),
    )


def accept(request: CallbackRequest) -> str:
    """Store one callback and return its estab."""
    tokens, seal, queue = dependencies()
    return accept_authentication(
        request, tokens=tokens, seal=seal, queue=queue, now=datetime.now(UTC)
    )


def lambda_handler(event: Mapping[str, Any], context: entrypoints.LambdaContext) -> dict[str, Any]:
    """``POST /callbacks/authentication/{token}``: 202 once the callback is stored.

    The reply to our own fault is 5xx, so that Xporter may repeat the callback. onboard_school
    processes the stored callback.
    """
    return entrypoints.answer_callback(
        event, context, kind="authentication", accept=lambda event: accept(read_request(event))
    )
