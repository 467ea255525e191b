"""Reads the bodies of requests strictly, before Powertools' lenient reader."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import orjson

from xporter_bridge.errors import RequestRejectedError


def with_checked_body(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event with its body as one JSON object in plain text.

    The event handler's own reader would also take forms, ``NaN``, the first element of a list,
    and nesting deep enough to stop it.

    Raises:
        RequestRejectedError: 415 or 400.
    """
    if event["requestContext"]["http"]["method"] != "POST":
        return without_body(event)
    kind = event["headers"].get("content-type", "").partition(";")[0].strip().casefold()
    if kind != "application/json":
        raise RequestRejectedError(415, "the body must be application/json")
    body = event.get("body") or ""
    try:
        content = base64.b64decode(body) if event.get("isBase64Encoded") else body
        document = orjson.loads(content)
        text = orjson.dumps(document).decode()
    except (binascii.Error, ValueError, TypeError) as error:
        raise RequestRejectedError(400, "the body is not JSON") from error
    if not isinstance(document, dict):
        raise RequestRejectedError(400, "the body must be a JSON object")
    return {**event, "body": text, "isBase64Encoded": False}


def without_body(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event without its body, for a request whose body has no meaning."""
    return {**event, "body": "", "isBase64Encoded": False}
