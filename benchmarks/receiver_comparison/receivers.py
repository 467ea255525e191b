"""The receiving functions, the environment of each, and a good callback for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

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
# What API Gateway adds to what the examples show.
_HEADERS = {
    "accept": "*/*",
    "content-length": "0",
    "x-amzn-trace-id": "Root=1-67641b5a-0123456789abcdef01234567",
    "x-forwarded-for": "192.0.2.1",
    "x-forwarded-port": "443",
    "x-forwarded-proto": "https",
}
_REQUEST_CONTEXT = {
    "accountId": "000000000000",
    "apiId": "0123456789",
    "domainName": "0123456789.execute-api.eu-west-2.amazonaws.com",
    "domainPrefix": "0123456789",
    "routeKey": "POST /callbacks/database",
    "stage": "$default",
    "time": "26/Nov/2026:03:00:00 +0000",
    "timeEpoch": 1795662000000,
}
_HTTP = {"protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "Xporter"}


def good_event(function: str) -> dict[str, Any]:
    """Return the documented event of the function, with a URL that our key has signed."""
    event: dict[str, Any] = json.loads((ROOT / "events" / function / _EVENTS[function]).read_text())
    event["headers"] |= _HEADERS
    event["requestContext"] = {**_REQUEST_CONTEXT, **event["requestContext"]}
    event["requestContext"]["http"] |= _HTTP
    kind = function.removeprefix("receive_")
    if kind == "authentication":
        event["pathParameters"]["token"] = SECRET
        return event
    subject = "XodSchoolData" if kind == "database" else "pull-1"
    keys = [SigningKey(VERSION[:8], SECRET.encode())]
    signed = sign(CallbackKind(kind), ESTAB, subject, base_url="", keys=keys).partition("?")[2]
    event["rawQueryString"] = f"{signed}&XodCompleted=True&trackingid=1"
    event["queryStringParameters"] = dict(parse_qsl(event["rawQueryString"]))
    return event
