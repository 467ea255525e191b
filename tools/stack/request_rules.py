"""Makes MiniStack refuse requests that AWS refuses; runs on the interpreter of .tools/stack."""

import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from tools.aws_rules.requests import RequestRules
from tools.aws_rules.wire import read_request

# What the log says of a request that is refused here; the end-to-end tests look for it.
REFUSED = "refused as AWS would refuse it"
Response = tuple[int, dict[str, str], bytes]
Dispatch = Callable[..., Awaitable[Response]]


def with_rules(dispatch: Dispatch) -> Dispatch:
    """Return MiniStack's dispatcher of requests with AWS's rules before it."""
    rules = RequestRules()

    async def ruled(
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        query: Mapping[str, list[str]],
        request_id: str,
    ) -> Response:
        request = read_request(method, path, headers, body, query)
        found = rules.violations(*request) if request else []
        if request and found:
            print(f"{REFUSED}: {'; '.join(found)}", file=sys.stderr, flush=True)
            is_s3 = request[0].service_model.service_name == "s3"
            return _refusal("; ".join(found), is_xml=is_s3)
        return await dispatch(method, path, headers, body, query, request_id)

    return ruled


def _refusal(message: str, *, is_xml: bool) -> Response:
    if is_xml:
        error = f"<Error><Code>InvalidRequest</Code><Message>{escape(message)}</Message></Error>"
        return 400, {"Content-Type": "application/xml"}, error.encode()
    document: dict[str, Any] = {"__type": "ValidationException", "message": message}
    return 400, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(document).encode()
