"""Every request received, in order, for the assertions of tests."""

import time
from collections import deque
from datetime import UTC, datetime
from typing import Any
from weakref import WeakSet

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_KEPT = 100_000


class RequestLog:
    """The newest requests; neither headers nor bodies, so no secret and no token."""

    def __init__(self) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self._count = 0

    def begin(self, method: str, path: str, query: str) -> dict[str, Any]:
        """Add a request as it arrives and return its entry, to be completed."""
        self._count += 1
        entry: dict[str, Any] = {
            "sequence": self._count,
            "at": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "method": method,
            "path": path,
            "query": query,
            "status": None,
            "duration_ms": None,
        }
        self._entries.append(entry)
        return entry

    def since(self, sequence: int) -> list[dict[str, Any]]:
        """Return the requests after ``sequence``."""
        return [entry for entry in self._entries if entry["sequence"] > sequence]

    def clear(self) -> None:
        """Forget the requests; the sequence goes on."""
        self._entries.clear()


class Recorder:
    """ASGI middleware that records what is not a control call."""

    def __init__(self, app: ASGIApp, log: RequestLog) -> None:
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, noting its status and time."""
        if scope["type"] != "http" or scope["path"].startswith("/_sim"):
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        entry = self._log.begin(
            scope["method"], scope["path"], scope["query_string"].decode("latin-1")
        )
        scope["recorded"] = entry

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry["status"] = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            entry["duration_ms"] = round((time.perf_counter() - begun) * 1000, 2)


def _cannot_drop() -> None:
    raise RuntimeError("only uvicorn's connections can be dropped")


class Droppable:
    """ASGI middleware, outermost: lets a fault drop the connection beneath a request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._used: WeakSet[Any] = WeakSet()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a ``drop`` that aborts its connection.

        ``is_kept`` tells whether the connection has served a request before.
        """
        if scope["type"] == "http":
            # uvicorn's send is a method of the request, which knows its transport.
            transport = getattr(getattr(send, "__self__", None), "transport", None)
            scope["drop"] = transport.abort if transport else _cannot_drop
            connection = transport.get_protocol() if transport else None
            scope["is_kept"] = connection in self._used
            if connection:
                self._used.add(connection)
        await self._app(scope, receive, send)


class FoldedPaths:
    """ASGI middleware: the service's paths have no case, and a trailing slash is optional."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Fold the path of everything that is not a control call."""
        if scope["type"] == "http" and not scope["path"].startswith("/_sim"):
            scope = {**scope, "path": scope["path"].lower().rstrip("/") or "/"}
        await self._app(scope, receive, send)
