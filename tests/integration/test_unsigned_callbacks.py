"""Whatever a stranger sends to a callback URL, the answer is the one 404, and nothing is stored."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.builders import BASE_URL, FORM, callback
from tests.support.moto_cloud import Cloud
from xporter_bridge.callbacks.request import MAX_BODY_BYTES

RECEIVERS = {
    "receive_authentication": ("authentication/no-token-of-ours", "AuthenticationQueue"),
    "receive_availability": ("availability", "AvailabilityQueue"),
    "receive_database": ("database", "DatabaseQueue"),
    "receive_writeback": ("writeback", "OutcomeQueue"),
}
QUERIES = {
    "none": "",
    "a wrong signature": "estab=3281102&id=pull-1&database=XodSchoolData&key=a&signature=b",
    "bytes that are no text": "estab=%FF&id=%FF%FE&signature=%FF",
    "over a hundred parameters": "&".join(f"a{number}=1" for number in range(101)),
    "a very long one": "estab=" + "3" * 8000,
}
BODIES: dict[str, dict[str, Any]] = {
    "none": {},
    "over 64 KiB": {"body": b"a" * (MAX_BODY_BYTES + 1), "content_type": FORM},
    "JSON that was cut": {"body": b'{"a":', "content_type": "application/json"},
    "bytes that are no text": {"body": b"\xff\xfe", "is_base64": True, "content_type": FORM},
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("receiver", RECEIVERS)
def test_a_stranger_learns_nothing_and_leaves_nothing(
    cloud: Cloud, receiver: str, query: str, body: str
) -> None:
    path, queue = RECEIVERS[receiver]
    event = callback(f"{BASE_URL}/callbacks/{path}?{QUERIES[query]}", "POST", **BODIES[body])
    reply = cloud.invoke(receiver, event)
    assert (reply["statusCode"], reply["body"]) == (404, '{"message":"Not Found"}')
    assert cloud.depth(queue) == 0


@pytest.mark.parametrize("receiver", RECEIVERS)
def test_a_body_that_claims_to_be_base64_is_a_strangers_too(cloud: Cloud, receiver: str) -> None:
    path, queue = RECEIVERS[receiver]
    event = callback(f"{BASE_URL}/callbacks/{path}", "POST", body=b"!")
    event |= {"body": "no base64!", "isBase64Encoded": True}
    assert cloud.invoke(receiver, event)["statusCode"] == 404
    assert cloud.depth(queue) == 0
