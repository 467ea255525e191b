"""Times one receiver in a fresh process: ``python -m receiver_comparison.one_receiver NAME``."""

from __future__ import annotations

import json
import os
import sys
import time

from receiver_comparison.receivers import ENVIRONMENT, good_event
from receiver_comparison.wire import CONTEXT, answer_at_once, silenced_stdout

CALLS = 300


def main() -> None:
    """Import, call for the first time, call again and again; print milliseconds as JSON."""
    function = sys.argv[1]
    os.environ |= ENVIRONMENT
    event = good_event(function)
    answers = silenced_stdout()
    handler = __import__(f"functions.{function}.handler", fromlist=["lambda_handler"])
    answer_at_once()
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


if __name__ == "__main__":
    main()
