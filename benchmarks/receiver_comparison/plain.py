"""The same acknowledgement by a plain function: the same check and client, no log and no metric."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from xporter_bridge.aws.clients import client
from xporter_bridge.callbacks.signed_urls import CallbackKind, CallbackSubject, SigningKey, verify
from xporter_bridge.errors import CallbackRejectedError


@cache
def keys() -> list[SigningKey]:
    """Return the current key; a real function would have to look again now and then."""
    secret_id = os.environ["CALLBACK_KEY_SECRET_ARN"]
    answer = client("secretsmanager").get_secret_value(SecretId=secret_id)
    return [SigningKey(answer["VersionId"][:8], answer["SecretString"].encode())]


def check(query: Mapping[str, str]) -> CallbackSubject:
    """Return what the URL was signed for."""
    return verify(CallbackKind.DATABASE, query, keys=keys())


def store(about: CallbackSubject) -> None:
    """Put the callback into its queue."""
    message = {
        "estab": about.estab,
        "database": about.subject,
        "received_at": datetime.now(UTC).isoformat(),
    }
    client("sqs").send_message(
        QueueUrl=os.environ["DATABASE_QUEUE_URL"],
        MessageBody=json.dumps(message),
        DelaySeconds=5,
    )


def lambda_handler(event: dict[str, Any], _: object) -> dict[str, Any]:
    """Answer 202 when the callback is stored."""
    try:
        about = check(dict(parse_qsl(event["rawQueryString"])))
    except CallbackRejectedError:
        return {"statusCode": 404, "body": '{"message":"Not Found"}'}
    store(about)
    return {"statusCode": 202, "headers": {"content-type": "application/json"}, "body": "{}"}
