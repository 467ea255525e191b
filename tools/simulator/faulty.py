"""Faults of the transport: what becomes of a request and its reply on the way."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tools.simulator.application import World


class CutConnectionError(Exception):
    """Raised inside a reply's body, so that the server closes the connection."""


class FaultyReply:
    """One request on its way through the faults."""

    def __init__(self, world: World, request: Request) -> None:
        self._world = world
        query = request.url.query
        path = request.scope.get("path", "")
        self._place: dict[str, Any] = {
            "path": f"{path}?{query}" if query else path,
            "estab": request.path_params.get("estab"),
        }

    async def before(self) -> Response | None:
        """Return the failure that answers instead of the service, if one strikes."""
        faults = self._world.faults
        if slow := faults.take("slow", **self._place):
            await asyncio.sleep(float(slow.parameters.get("delay_ms", 1000)) / 1000)
        if limited := faults.take("rate_limited", **self._place):
            wait = limited.parameters.get("retry_after")
            headers = {} if wait is None else {"Retry-After": str(wait)}
            return Response("Too Many Requests", 429, headers=headers, media_type="text/plain")
        if failed := faults.take("server_error", **self._place):
            status = int(failed.parameters.get("status", 503))
            return Response("<h1>Server Error</h1>", status, media_type="text/html")
        return None

    def after(self, response: Response) -> Response:
        """Return the reply as it arrives: whole, or cut in the middle."""
        faults = self._world.faults
        if faults.take("cut_json", **self._place):
            return self._cut(response, closes=False)
        if faults.take("cut_connection", **self._place):
            return self._cut(response, closes=True)
        return response

    def _cut(self, response: Response, *, closes: bool) -> Response:
        headers = {
            name: value for name, value in response.headers.items() if name != "content-length"
        }
        if isinstance(response, StreamingResponse):
            parts = _half(response.body_iterator, closes=closes)  # type: ignore[arg-type]
        else:
            parts = _half_of_bytes(bytes(response.body), closes=closes)
        return StreamingResponse(parts, response.status_code, headers=headers)


async def _half(parts: AsyncIterator[bytes], *, closes: bool) -> AsyncIterator[bytes]:
    """Yield the first parts, and half of the next."""
    count = 0
    async for part in parts:
        count += 1
        if count > 6:
            yield part[: len(part) // 2]
            break
        yield part
    if closes:
        raise CutConnectionError


async def _half_of_bytes(body: bytes, *, closes: bool) -> AsyncIterator[bytes]:
    yield body[: len(body) // 2]
    if closes:
        raise CutConnectionError
