"""Copies what the functions log from CloudWatch Logs to the stack's log file."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from botocore.exceptions import BotoCoreError, ClientError

from tools.stack.metric_lines import metric_line

INTERVAL_SECONDS = 2.0
_LAST_COPY_SECONDS = 5.0  # `make up` has to end within ten
SETTLED_MILLISECONDS = 200  # an event is stamped a moment before it can be read


@contextmanager
def followed(logs: Any, log: IO[bytes]) -> Iterator[None]:
    """Copy every two seconds for as long as the block lasts, and once more at its end."""
    stop = threading.Event()
    arguments = (logs, log, stop)
    follower = threading.Thread(target=_follow, args=arguments, name="function-logs", daemon=True)
    follower.start()
    try:
        yield
    finally:
        stop.set()
        follower.join(timeout=_LAST_COPY_SECONDS)


def _follow(logs: Any, log: IO[bytes], stop: threading.Event) -> None:
    since, stopping = 0, False
    while not stopping:
        stopping = stop.wait(INTERVAL_SECONDS)
        until = int(time.time() * 1000) - (0 if stopping else SETTLED_MILLISECONDS)
        try:
            lines = "".join(_lines(logs, since, until))
        except (BotoCoreError, ClientError):
            continue  # A busy emulator answers late: the next copy begins where this one did.
        log.write(lines.encode())
        since = until + 1


def _lines(logs: Any, since: int, until: int) -> Iterator[str]:
    """Yield the lines logged between two times, both included, in milliseconds since the epoch."""
    for group in logs.describe_log_groups()["logGroups"]:
        name = group["logGroupName"]
        window = {"logGroupName": name, "startTime": since, "endTime": until}
        try:
            events = logs.filter_log_events(**window)["events"]
        except logs.exceptions.ResourceNotFoundException:
            continue  # A stack beside this one was deleted meanwhile, and its log with it.
        if taken_in := sum(len(event["message"].encode()) for event in events):
            yield metric_line("AWS/Logs", {"LogGroupName": name}, {"IncomingBytes": taken_in})
        for event in events:
            yield f"{name.rsplit('/', 1)[-1]}: {event['message'].rstrip()}\n"
