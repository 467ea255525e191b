"""Stands in for AWS at the network: botocore is real, and each request is answered at once.

So what is timed is our code and the client's; what a real AWS adds is a round trip per call.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from types import SimpleNamespace
from typing import IO

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session

from receiver_comparison.receivers import SECRET, VERSION

CONTEXT = SimpleNamespace(
    aws_request_id="00000000-0000-4000-8000-000000000000",
    function_name="benchmark",
    function_version="1",
    invoked_function_arn="arn:aws:lambda:eu-west-2:000000000000:function:benchmark:live",
    memory_limit_in_mb=512,
)


def answer_at_once() -> None:
    """Let every request of botocore be answered correctly, and no socket be opened."""

    class Body:
        def __init__(self, content: bytes) -> None:
            self._content = content

        def stream(self, **_: object) -> list[bytes]:
            return [self._content]

    def send(_: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
        asked = json.loads(request.body)
        digest = hashlib.md5(asked.get("MessageBody", "").encode()).hexdigest()
        answer = {
            "MessageId": "1",
            "MD5OfMessageBody": digest,
            "SecretString": SECRET,
            "VersionId": VERSION,
            "CiphertextBlob": base64.b64encode(b"sealed").decode(),
        }
        return AWSResponse(request.url, 200, {}, Body(json.dumps(answer).encode()))

    URLLib3Session.send = send  # type: ignore[method-assign]


def silenced_stdout() -> IO[str]:
    """Send what functions print nowhere, and return the stdout that was."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return answers
