"""One callback as it reached us, without the wrapping of API Gateway."""

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

    Headers are left out: nothing in them is to be relied on, the content type least of all. The
    query is the raw one: API Gateway joins repeated values with commas.
    """

    method: str
    path_parameters: Mapping[str, str]
    query: Mapping[str, str]
    _event: Mapping[str, Any] = field(repr=False)

    @property
    def body(self) -> bytes:
        """The body, decoded when it is read: after the signature, so that strangers see only 404.

        Raises:
            CallbackRejectedError: 413 above 64 KiB, 400 for what is not the Base64 it claims to be.
        """
        return _body(self._event)


def read_request(event: Mapping[str, Any]) -> CallbackRequest:
    """Return the call that an HTTP API event (payload format 2.0) describes."""
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
    """Return the parameters; of a repeated one the last, which the signature then has to match.

    Xporter adds its own to a URL that has some. Where a second ``?`` or ``&amp;`` begins one, an
    ``&`` is meant; in our own values neither occurs. Characters that are none are replaced, since
    in ours there are only ASCII ones.
    """
    meant = _NEXT_PARAMETER.sub("&", raw)
    try:
        return dict(parse_qsl(meant, keep_blank_values=True, max_num_fields=100))
    except ValueError:
        return {}  # More parameters than Xporter ever adds: no URL of ours, so unsigned.
