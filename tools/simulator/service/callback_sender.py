"""Calls out to the application's URLs, each attempt recorded with its answer."""

import asyncio
import itertools
import ssl
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

_TIMEOUT_SECONDS = 30
_KEPT = 50_000
_T = TypeVar("_T")


@dataclass(frozen=True)
class Call:
    """One call to make."""

    kind: str
    estab: str
    method: str
    url: str
    body: bytes = b""
    content_type: str | None = None
    note: str | None = None


class Callbacks:
    """Sends calls after a delay, without waiting for them; all end with the simulator."""

    def __init__(self) -> None:
        self._attempts: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._numbers = itertools.count(1)

    def schedule(self, call: Call, delay_seconds: float = 0.0) -> "asyncio.Task[dict[str, Any]]":
        """Send ``call`` after a delay; the task's result is the recorded attempt."""
        return self.run(self._send(call, delay_seconds))

    def run(self, work: Coroutine[Any, Any, _T]) -> "asyncio.Task[_T]":
        """Run ``work`` in the background until the simulator stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def lost(self, call: Call) -> dict[str, Any]:
        """Record a call that a fault keeps from being made."""
        return self._record(call, "lost")

    def attempts(self, since: int = 0) -> list[dict[str, Any]]:
        """Return what was sent, when, and what was answered."""
        return [attempt for attempt in self._attempts if attempt["sequence"] > since]

    @property
    def pending(self) -> int:
        """How many calls are still to be made or answered."""
        return len(self._tasks)

    def clear(self) -> None:
        """Forget the attempts and cancel what is still to be sent."""
        self._attempts.clear()
        for task in self._tasks:
            task.cancel()

    def _record(self, call: Call, outcome: str) -> dict[str, Any]:
        attempt: dict[str, Any] = {
            "sequence": next(self._numbers),
            "at": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "kind": call.kind,
            "estab": call.estab,
            "method": call.method,
            "url": call.url,
            "note": call.note,
            "outcome": outcome,
            "status": None,
        }
        self._attempts.append(attempt)
        return attempt

    async def _send(self, call: Call, delay_seconds: float) -> dict[str, Any]:
        if delay_seconds > 0:
            await asyncio.sleep(delay_seconds)
        attempt = self._record(call, "sending")
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                attempt["status"] = await post(call)
            attempt["outcome"] = "answered"
        except (OSError, ValueError, TimeoutError) as error:
            attempt["outcome"] = f"failed: {type(error).__name__}: {error}"
        return attempt


async def post(call: Call) -> int:
    """Make one HTTP call and return the status of its answer.

    Raises:
        OSError: Nobody listens there, or the connection broke.
        ValueError: The URL or the answer is not HTTP.
    """
    parts = urlsplit(call.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"not an HTTP URL: {call.url}")
    secure = ssl.create_default_context() if parts.scheme == "https" else None
    port = parts.port or (443 if secure else 80)
    reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=secure)
    try:
        writer.write(_request(call, parts.netloc, parts.path or "/", parts.query))
        await writer.drain()
        status = await reader.readline()
        while (await reader.readline()).strip():
            continue
    finally:
        writer.close()
    fields = status.split()
    if len(fields) < 2 or not fields[0].startswith(b"HTTP/"):
        raise ValueError("the answer is not HTTP")
    return int(fields[1])


def _request(call: Call, host: str, path: str, query: str) -> bytes:
    target = f"{path}?{query}" if query else path
    lines = [
        f"{call.method} {target} HTTP/1.1",
        f"Host: {host}",
        "User-Agent: Xporter-Simulator",
        "Accept: */*",
        "Connection: close",
    ]
    if call.content_type:
        lines.append(f"Content-Type: {call.content_type}")
    if call.body or call.method != "GET":
        lines.append(f"Content-Length: {len(call.body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + call.body
