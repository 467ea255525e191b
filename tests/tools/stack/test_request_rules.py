"""The local stack's AWS refuses what AWS refuses, in AWS's way, and says so in its log."""

import asyncio
import json
from typing import Any

import pytest

from tools.stack.request_rules import REFUSED, with_rules

TAKEN = (200, {"Content-Type": "application/json"}, b"{}")
S3 = {"authorization": "Credential=test/20261126/eu-west-2/s3/aws4_request"}
SQS = {"x-amz-target": "AmazonSQS.SendMessage"}


def answer(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Any:
    async def dispatch(*_: Any) -> Any:
        return TAKEN

    return asyncio.run(with_rules(dispatch)(method, path, headers, body, {}, "request-1"))


def test_what_aws_takes_is_passed_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer("PUT", "/data/a", S3, b"x") == TAKEN
    assert answer("GET", "/_ministack/health", {}) == TAKEN
    message = json.dumps({"QueueUrl": "http://127.0.0.1/1/q", "MessageBody": "x"}).encode()
    assert answer("POST", "/", SQS, message) == TAKEN
    assert capsys.readouterr().err == ""


def test_a_refusal_has_the_form_of_its_service(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, body = answer("PUT", "/data/a/../b", S3, b"x")
    assert (status, body.startswith(b"<Error><Code>InvalidRequest</Code>")) == (400, True)
    message = json.dumps({"QueueUrl": "http://127.0.0.1/1/q", "MessageBody": ""}).encode()
    status, _, body = answer("POST", "/", SQS, message)
    assert (status, json.loads(body)["__type"]) == (400, "ValidationException")
    assert capsys.readouterr().err.count(REFUSED) == 2
