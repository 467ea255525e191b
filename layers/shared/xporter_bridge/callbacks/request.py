"""One callback, read from the event of API Gateway."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from xporter_bridge.errors import CallbackRejectedError

MAX_BODY_BYTES = 64 * 1024
_NEXT_PARAMETER = re.compile(r"&amp;|\?+(?=&|$|[A-Za-z_][A-Za-z0-9_.-]*=)")


@dataclass(frozen=True)
class CallbackRequest:
    """The exact bytes and names of one inbound call.

    Headers are left out because they are unreliable, the content type in particular. The query is
    the raw query, because API Gateway joins repeated values with commas.
    """

    method: str
    path_parameters: Mapping[str, str]
    query: Mapping[str, str]
    _event: Mapping[str, Any] = field(repr=False)

    @property
    def body(self) -> bytes:
        """The body. It is decoded after the signature was verified, so that strangers get only 404.

        Raises:
            CallbackRejectedError: 413 above 64 KiB, 400 for invalid Base64.
        """
        return _body(self._event)


def read_request(event: Mapping[str, Any]) -> CallbackRequest:
    """Return the callback of an HTTP API event (payload format 2.0)."""
    return CallbackRequest(
        method=event["requestContext"]["http"]["method"],
        path_parameters=event.get("pathParameters") or {},
        query=_query(event.get("rawQueryString") or ""),
        _event=event,
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
        # A lone surrogate is kept: the reader of the text replaces it.
        body = text.encode("utf-8", "surrogatepass")
    if len(body) > MAX_BODY_BYTES:
        raise CallbackRejectedError(413, "body_too_large")
    return body


def _query(raw: str) -> dict[str, str]:
    """Return the parameters. The last value of a repeated parameter counts for the signature.

    Xporter adds its own parameters to our URL. A second ``?`` or an ``&amp;`` before a parameter
    counts as ``&``; our own values contain neither. Invalid characters are replaced, because our
    own values are ASCII.
    """
    meant = _NEXT_PARAMETER.sub("&", raw)
    try:
        return dict(parse_qsl(meant, keep_blank_values=True, max_num_fields=100))
    except ValueError:
        return {}  # Xporter never adds this many: the URL is not ours.
