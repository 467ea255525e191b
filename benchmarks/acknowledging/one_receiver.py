"""Times one receiver in a fresh process: ``python -m acknowledging.one_receiver NAME``.

boto3 is the real one, up to the wire: there AWS answers at once and correctly, so what is timed
is our code and the client's, and what a real AWS adds is a round trip per call.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
import time
from types import SimpleNamespace

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session

from acknowledging.receivers import ENVIRONMENT, SECRET, VERSION, good_event

CALLS = 300
CONTEXT = SimpleNamespace(aws_request_id="bench")


def main() -> None:
    """Import, call for the first time, call again and again; print milliseconds as JSON."""
    function = sys.argv[1]
    os.environ |= ENVIRONMENT
    event = good_event(function)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    handler = __import__(f"functions.{function}.handler", fromlist=["lambda_handler"])
    _answer_at_once()
    times = []
    for _ in range(CALLS + 1):
        began = time.perf_counter()
        reply = handler.lambda_handler(event, CONTEXT)
        times.append((time.perf_counter() - began) * 1000)
        if reply["statusCode"] != 202:
            raise RuntimeError(f"{function} answered {reply}")
    warm = sorted(times[1:])
    found = {"first_call": times[0], "warm_p50": warm[CALLS // 2], "warm_p99": warm[-CALLS // 100]}
    print(json.dumps(found), file=answers, flush=True)


def _answer_at_once() -> None:
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


if __name__ == "__main__":
    main()
