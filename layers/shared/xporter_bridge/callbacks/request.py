"""One callback as it reached us, without the wrapping of API Gateway."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from xporter_bridge.errors import CallbackRejectedError

MAX_BODY_BYTES = 64 * 1024


@dataclass(frozen=True)
class CallbackRequest:
    """The exact bytes and names of one inbound call.

    Header names are in lower case. The query is the raw one, so that a parameter named twice is
    seen twice: API Gateway joins repeated values with commas.
    """

    method: str
    path_parameters: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def content_type(self) -> str:
        """The content type as sent, or an empty string."""
        return self.headers.get("content-type", "")


def read_request(event: Mapping[str, Any]) -> CallbackRequest:
    """Return the call that an HTTP API event (payload format 2.0) describes.

    Raises:
        CallbackRejectedError: 413 above 64 KiB, 400 for a body or a query that cannot be decoded.
    """
    return CallbackRequest(
        method=event["requestContext"]["http"]["method"],
        path_parameters=event.get("pathParameters") or {},
        query=_query(event.get("rawQueryString") or ""),
        headers={name.casefold(): text for name, text in (event.get("headers") or {}).items()},
        body=_body(event),
    )


def _body(event: Mapping[str, Any]) -> bytes:
    text = event.get("body") or ""
    # Base64 grows by a third; refusing early keeps a huge body from being decoded at all.
    if len(text) > MAX_BODY_BYTES * 4 // 3 + 4:
        raise CallbackRejectedError(413, "body_too_large")
    if event.get("isBase64Encoded"):
        try:
            body = base64.b64decode(text, validate=True)
        except ValueError as error:
            raise CallbackRejectedError(400, "body_not_base64") from error
    else:
        # Invalid UTF-8 is kept, so that whoever reads the text refuses it.
        body = text.encode("utf-8", "surrogatepass")
    if len(body) > MAX_BODY_BYTES:
        raise CallbackRejectedError(413, "body_too_large")
    return body


def _query(raw: str) -> dict[str, str]:
    """Return the parameters; of a repeated one the last, which the signature then has to match."""
    try:
        return dict(parse_qsl(raw, keep_blank_values=True, errors="strict", max_num_fields=100))
    except ValueError as error:
        raise CallbackRejectedError(400, "query_malformed") from error
