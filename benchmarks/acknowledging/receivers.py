"""The receiving functions, the environment of each, and a good callback for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from xporter_bridge.callbacks.signed_urls import CallbackKind, SigningKey, sign

ROOT = Path(__file__).resolve().parent.parent.parent
SECRET = "a-secret-of-the-benchmark"
VERSION = "0123456789abcdef"
ESTAB = "3281102"
QUEUE = "https://sqs.eu-west-2.amazonaws.com/000000000000/callbacks"

# Every variable that any receiver reads.
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "eu-west-2",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AUTHENTICATION_TOKEN_SECRET_ARN": "token",
    "CALLBACK_KEY_SECRET_ARN": "key",
    "TRANSIT_KEY_ID": "key",
    "AUTHENTICATION_QUEUE_URL": QUEUE,
    "DATABASE_QUEUE_URL": QUEUE,
    "AVAILABILITY_QUEUE_URL": QUEUE,
    "OUTCOME_QUEUE_URL": QUEUE,
    "POWERTOOLS_METRICS_NAMESPACE": "benchmark",
}
_EVENTS = {
    "receive_authentication": "callback__documented.json",
    "receive_database": "callback__by_post.json",
    "receive_availability": "callback__ok.json",
    "receive_writeback": "outcome__completed.json",
}
RECEIVERS = tuple(_EVENTS)


def good_event(function: str) -> dict[str, Any]:
    """Return the documented event of the function, with a URL that our key has signed."""
    event: dict[str, Any] = json.loads((ROOT / "events" / function / _EVENTS[function]).read_text())
    kind = function.removeprefix("receive_")
    if kind == "authentication":
        event["pathParameters"]["token"] = SECRET
        return event
    subject = "XodSchoolData" if kind == "database" else "pull-1"
    keys = [SigningKey(VERSION[:8], SECRET.encode())]
    signed = sign(CallbackKind(kind), ESTAB, subject, base_url="", keys=keys).partition("?")[2]
    event["rawQueryString"] = f"{signed}&XodCompleted=True&trackingid=1"
    return event
