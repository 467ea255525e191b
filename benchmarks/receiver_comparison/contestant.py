"""Acknowledges callbacks in its own process: ``python -m receiver_comparison.contestant MODULE``.

Each line on stdin is a number of calls to make; each line on stdout is the processor time that they
took, in nanoseconds. So the parent process decides which contestant runs at which time.
"""

from __future__ import annotations

import os
import sys
import time

from receiver_comparison.receivers import ENVIRONMENT, good_event
from receiver_comparison.wire import CONTEXT, answer_at_once, silenced_stdout


def main() -> None:
    """Answer until stdin ends."""
    os.environ |= ENVIRONMENT
    answers = silenced_stdout()
    handler = __import__(sys.argv[1], fromlist=["lambda_handler"]).lambda_handler
    answer_at_once()
    event = good_event("receive_database")
    for line in sys.stdin:
        calls = range(int(line))
        began = time.process_time_ns()
        replies = [handler(event, CONTEXT) for _ in calls]
        taken = time.process_time_ns() - began
        if any(reply["statusCode"] != 202 for reply in replies):
            raise RuntimeError(f"{sys.argv[1]} answered {replies[-1]}")
        print(taken, file=answers, flush=True)


if __name__ == "__main__":
    main()
