"""Counts what a warm acknowledgement does: ``python -m receiver_comparison.counted MODULE``.

The number of function calls is the same on every machine, whatever else it does; the time is not.
"""

from __future__ import annotations

import cProfile
import os
import pstats
import sys

from receiver_comparison.receivers import ENVIRONMENT, good_event
from receiver_comparison.wire import CONTEXT, answer_at_once, silenced_stdout

CALLS = 20


def main() -> None:
    """Print how many functions one acknowledgement calls, those written in C included."""
    os.environ |= ENVIRONMENT
    answers = silenced_stdout()
    handler = __import__(sys.argv[1], fromlist=["lambda_handler"]).lambda_handler
    answer_at_once()
    event = good_event("receive_database")
    handler(event, CONTEXT)
    profile = cProfile.Profile()
    with profile:
        for _ in range(CALLS):
            handler(event, CONTEXT)
    print(pstats.Stats(profile).total_calls // CALLS, file=answers, flush=True)


if __name__ == "__main__":
    main()
