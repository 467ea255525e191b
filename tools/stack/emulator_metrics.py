"""Writes MiniStack's metrics of functions and queues to the log; runs inside MiniStack."""

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from tools.stack.metric_lines import metric_line

INTERVAL_SECONDS = 5.0
Dispatch = Callable[[Any, Mapping[str, Any], Any, str, float], Any]


def write_metrics(lambda_svc: Any, sqs: Any) -> None:
    """Write every invocation, and every five seconds the depth of the queues that changed.

    MiniStack itself counts what the Invoke API calls, and nothing that a queue, a schedule or an
    API calls; so the one place is measured through which every invocation passes.
    """
    # MiniStack offers no hooks, so private names are replaced; its version is pinned.
    lambda_svc._execute_function_dispatch = measured(lambda_svc._execute_function_dispatch)  # noqa: SLF001
    lambda_svc._emit_lambda_metrics = _throttles(lambda_svc._emit_lambda_metrics)  # noqa: SLF001
    threading.Thread(target=_follow_queues, args=(sqs,), name="metrics", daemon=True).start()


def measured(dispatch: Dispatch) -> Dispatch:
    """Return MiniStack's execution of a function, with a line for each invocation.

    ``ConcurrentExecutions`` is how many ran when the invocation began, itself included.
    """
    running: Counter[str] = Counter()
    lock = threading.Lock()

    def execute(
        func: Any, config: Mapping[str, Any], event: Any, request_id: str, started: float
    ) -> Any:
        name = config["FunctionName"]
        with lock:
            running[name] += 1
            concurrent = running[name]
        try:
            result = dispatch(func, config, event, request_id, started)
        finally:
            with lock:
                running[name] -= 1
        values = {
            "Invocations": 1.0,
            "Errors": float(isinstance(result, Mapping) and bool(result.get("error"))),
            "Throttles": 0.0,
            "Duration": round(1000 * (time.time() - started), 1),
            "ConcurrentExecutions": float(concurrent),
        }
        _write(metric_line("AWS/Lambda", {"FunctionName": name}, values))
        return result

    return execute


def _throttles(emitted: Callable[..., None]) -> Callable[..., None]:
    def emit(function_name: str, duration_ms: float, error: bool, throttle: bool) -> None:
        if throttle:
            counts = {"Throttles": 1.0}
            _write(metric_line("AWS/Lambda", {"FunctionName": function_name}, counts))
        emitted(function_name, duration_ms, error, throttle)

    return emit


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
                _write(metric_line("AWS/SQS", {"QueueName": name}, depth, now))


def queue_depth(messages: list[dict[str, Any]], now: float) -> dict[str, float]:
    """Return how many messages wait, and the age in seconds of the oldest one not yet deleted."""
    waiting = sum(message["visible_at"] <= now for message in messages)
    oldest = min((message["sent_at"] for message in messages), default=now)
    return {
        "ApproximateNumberOfMessagesVisible": float(waiting),
        "ApproximateAgeOfOldestMessage": round(now - oldest, 1),
    }


def _write(line: str) -> None:
    sys.stderr.write(line)
    sys.stderr.flush()
