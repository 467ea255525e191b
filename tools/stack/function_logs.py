"""Copies what the functions log from CloudWatch Logs to the stack's log file."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

INTERVAL_SECONDS = 2.0


@contextmanager
def followed(logs: Any, log: IO[bytes]) -> Iterator[None]:
    """Copy every two seconds for as long as the block lasts, and once more at its end."""
    stop, last = threading.Event(), _Copier(logs, log)
    follower = threading.Thread(target=last.follow, args=(stop,), name="function-logs", daemon=True)
    follower.start()
    try:
        yield
    finally:
        stop.set()
        follower.join(timeout=INTERVAL_SECONDS)


class _Copier:
    def __init__(self, logs: Any, log: IO[bytes]) -> None:
        self._logs = logs
        self._log = log
        self._since = int(time.time() * 1000)
        self._seen: set[str] = set()

    def follow(self, stop: threading.Event) -> None:
        while not stop.wait(INTERVAL_SECONDS):
            self._copy()
        self._copy()

    def _copy(self) -> None:
        """Copy what came since the last look; an event at the very edge is not copied twice."""
        since, self._since = self._since, int(time.time() * 1000) - 1000
        fresh = {
            e["eventId"]: line for e, line in self._lines(since) if e["eventId"] not in self._seen
        }
        self._seen = set(fresh)
        for line in fresh.values():
            self._log.write(line.encode())
        self._log.flush()

    def _lines(self, since: int) -> Iterator[tuple[dict[str, Any], str]]:
        for group in _groups(self._logs):
            for event in log_events(self._logs, group, since):
                yield event, f"{group.rsplit('/', 1)[-1]}: {event['message'].rstrip()}\n"


def log_events(logs: Any, group: str, since: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the events of a log group from ``since`` on, in milliseconds since the epoch."""
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since)
    for page in pages:
        yield from page["events"]


def _groups(logs: Any) -> list[str]:
    pages = logs.get_paginator("describe_log_groups").paginate()
    return [group["logGroupName"] for page in pages for group in page["logGroups"]]
