"""What API Gateway writes of a call, and how that is found again in what the function wrote.

Variables: "Customize HTTP API access logs",
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support import template
from tests.support.builders import BASE_URL, ESTAB, authentication_form, callback, signed_url
from tests.support.moto_cloud import Cloud
from xporter_bridge.callbacks.signed_urls import CallbackKind

APIS = template.resources("AWS::Serverless::HttpApi")
TOKEN = "an-unguessable-segment"
SIGNED = signed_url(CallbackKind.DATABASE)
SIGNATURE = SIGNED.rpartition("=")[2]
# Every variable whose value repeats what was called, beside those that only some APIs know.
TOLD = {
    "$context.path": f"/callbacks/authentication/{TOKEN}",
    "$context.customDomain.basePathMatched": f"callbacks/authentication/{TOKEN}",
    "$context.integrationErrorMessage": f"no answer to {SIGNED}",
    "$context.integration.error": f"no answer to {SIGNED}",
    "$context.error.message": f"{TOKEN} {SIGNATURE}",
    "$context.error.messageString": f"{TOKEN} {SIGNATURE}",
    "$context.requestId": "AbCdEfGhIjKlMnO=",
    "$context.integration.requestId": "request-1",
    "$context.routeKey": "POST /callbacks/authentication/{token}",
    "$context.status": "202",
}


def access_log(api: str) -> dict[str, Any]:
    """Return the line that API Gateway writes."""
    text = APIS[api]["AccessLogSettings"]["Format"]
    return dict(json.loads(re.sub(r"\$[\w.]+", lambda found: TOLD.get(found[0], "-"), text)))


def function_log(
    cloud: Cloud, function: str, event: Mapping[str, Any], capsys: pytest.CaptureFixture[str]
) -> dict[str, Any]:
    """Return the one line that the function writes of a call."""
    event["requestContext"]["stage"] = "$default"  # Powertools reads it, so the API does
    capsys.readouterr()
    cloud.invoke(function, event)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (line,) = (line for line in lines if "message" in line)
    return dict(line)


@pytest.mark.parametrize("api", APIS)
def test_the_access_log_holds_neither_a_token_nor_a_signature(api: str) -> None:
    line = json.dumps(access_log(api))
    assert TOKEN not in line
    assert SIGNATURE not in line
    assert ESTAB not in line


@pytest.mark.parametrize(
    ("function", "event"),
    [
        ("receive_database", callback(SIGNED)),
        (
            "receive_authentication",
            callback(
                f"{BASE_URL}/callbacks/authentication/{TOKEN}", "POST", body=authentication_form()
            ),
        ),
        ("serve_api", callback(f"{BASE_URL}/v1/schools/{ESTAB}")),
    ],
)
def test_a_call_is_found_in_both_logs_by_the_same_id_under_the_same_name(
    function: str, event: dict[str, Any], cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    written = function_log(cloud, function, event, capsys)
    for api in APIS:
        line = access_log(api)
        assert line["request_id"] == written["request_id"]
        # So is what the function could not write: Lambda's own lines of it.
        assert line["function_request_id"] == written["function_request_id"]
