"""Checks of the APIs' edge: access, and the way of a callback from the edge to the function."""

import json
from typing import Any

import httpx

from tools.demo.context import Journey
from tools.demo.errors import NotYetError
from tools.demo.schools import PRIMARY
from tools.demo.wait import expect, until

_CALLBACK = "POST /callbacks/authentication/{token}"


def refuse_unsigned_requests(journey: Journey) -> str:
    """The API refuses unsigned requests; so do the simulator's control calls."""
    urls = (
        f"{journey.stack.api_url}/v1/schools/{PRIMARY.estab}",
        f"{journey.stack.xporter_url}/_sim/schools/{PRIMARY.estab}",
    )
    for url in urls:
        status = httpx.get(url, trust_env=False, timeout=30).status_code
        expect(status == 403, f"{url} answered an unsigned request with {status}")
    return "the API and the simulator's controls: 403"


def follow_a_callback_through_the_logs(journey: Journey) -> str:
    """The id of a callback in API Gateway's access log finds its line in the function's log."""
    stack = journey.stack
    access = stack.physical_ids["CallbacksAccessLogGroup"]
    function = stack.physical_ids["ReceiveAuthenticationLogGroup"]

    def look() -> str:
        stored = _lines(stack.aws("logs"), access, '{ $.status = "202" }')
        entries = [json.loads(line) for line in stored]
        ids = [entry["request_id"] for entry in entries if entry["routeKey"] == _CALLBACK]
        if not ids:
            raise NotYetError("the access log has no authentication callback")
        if not _lines(stack.aws("logs"), function, f'"{ids[0]}"'):
            raise NotYetError(f"the function's log does not have the access log's id {ids[0]}")
        return str(ids[0])

    return f"request {until(look)} is in both logs"


def _lines(logs: Any, group: str, pattern: str) -> list[str]:
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=group, filterPattern=pattern
    )
    return [event["message"] for page in pages for event in page["events"]]
