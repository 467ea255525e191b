"""Writes MiniStack's metrics of functions and queues to the log; runs inside MiniStack."""

import sys
import threading
import time
from typing import Any

from tools.stack.metric_lines import metric_line

INTERVAL_SECONDS = 5.0


def write_metrics(lambda_svc: Any, sqs: Any) -> None:
    """Write every invocation, and every five seconds the depth of the queues that changed."""
    emitted = lambda_svc._emit_lambda_metrics  # noqa: SLF001 - MiniStack offers no hook

    def emit(function_name: str, duration_ms: float, error: bool, throttle: bool) -> None:
        counts = {"Invocations": 1.0, "Errors": float(error), "Throttles": float(throttle)}
        if duration_ms > 0:
            counts["Duration"] = duration_ms
        sys.stderr.write(metric_line("AWS/Lambda", {"FunctionName": function_name}, counts))
        sys.stderr.flush()
        emitted(function_name, duration_ms, error, throttle)

    lambda_svc._emit_lambda_metrics = emit  # noqa: SLF001
    threading.Thread(target=_follow_queues, args=(sqs,), name="metrics", daemon=True).start()


def _follow_queues(sqs: Any) -> None:
    written: dict[str, dict[str, float]] = {}
    while True:
        time.sleep(INTERVAL_SECONDS)
        now = time.time()
        for (*_, url), queue in list(sqs._queues.all_items()):  # noqa: SLF001
            name, depth = url.rpartition("/")[2], queue_depth(list(queue["messages"]), now)
            # A queue that stays empty says so once: the log of a stack that runs for days is small.
            if any(depth.values()) or written.get(name) != depth:
                written[name] = depth
                sys.stderr.write(metric_line("AWS/SQS", {"QueueName": name}, depth, now))
        sys.stderr.flush()


def queue_depth(messages: list[dict[str, Any]], now: float) -> dict[str, float]:
    """Return how many messages wait, and the age in seconds of the oldest one not yet deleted."""
    waiting = sum(message["visible_at"] <= now for message in messages)
    oldest = min((message["sent_at"] for message in messages), default=now)
    return {
        "ApproximateNumberOfMessagesVisible": float(waiting),
        "ApproximateAgeOfOldestMessage": round(now - oldest, 1),
    }
