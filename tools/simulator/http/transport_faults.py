"""Faults of the transport: requests and replies that are lost, cut or replaced on their way."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from tools.simulator.http.odd_replies import answered, is_odd, odd_reply
from tools.simulator.service.application import World

#: What the hosting platform, a proxy or a maintenance page say in place of Xporter.
ODD_BODIES = {
    "page": "<!DOCTYPE html><title>403 - Forbidden</title><h1>This web app is stopped.</h1>",
    "maintenance": "<html><h1>We'll be back soon</h1>Xporter is being upgraded.</html>",
    "empty": "",
    "object": "{}",
    "message": '{"Message": "The service is down for maintenance. Please try again later."}',
    "denied": '{"Message": "Authorization has been denied for this request."}',
    "error": '{"error": {"code": "Unavailable", "message": "try again"}}',
    "errors": '{"errors": [{"status": 503, "title": "Service Unavailable"}]}',
    "list": "[]",
    "null": "null",
    "text": "OK",
    "quoted": '"success"',
}


class LostAnswer(Response):
    """No reply at all: the connection is dropped."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Drop the connection."""
        del receive, send
        scope["drop"]()


class CutReply(Response):
    """Half of a reply; then the JSON ends, or the connection does."""

    def __init__(self, whole: Response, *, drops: bool) -> None:
        super().__init__(status_code=whole.status_code)
        self._whole = whole
        self._drops = drops

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the first half."""
        del receive
        body = await _body(self._whole)
        headers = [pair for pair in self._whole.raw_headers if pair[0] != b"content-length"]
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        half = body[: len(body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": self._drops})
        if self._drops:
            scope["drop"]()


async def _body(response: Response) -> bytes:
    if isinstance(response, StreamingResponse):
        return b"".join([bytes(part) async for part in response.body_iterator])  # type: ignore[arg-type]
    return bytes(response.body)


def _odd(parameters: dict[str, Any]) -> Response:
    body = str(parameters.get("body", "page"))
    text, status = ODD_BODIES.get(body, body), int(parameters.get("status", 200))
    headers = {"Location": "/login"} if 300 <= status < 400 else {}
    if "retry_after" in parameters:
        headers["Retry-After"] = str(parameters["retry_after"])
    media = "application/json" if text[:1] in ("{", "[") else "text/html"
    return Response(text, status, headers=headers, media_type=media)


class FaultyReply:
    """One request on its way through the faults."""

    def __init__(self, world: World, request: Request) -> None:
        self._world = world
        self._is_kept = bool(request.scope.get("is_kept"))
        self._request = request
        query = request.url.query
        path = request.scope.get("path", "")
        self._place: dict[str, Any] = {
            "path": f"{path}?{query}" if query else path,
            "estab": request.path_params.get("estab"),
        }

    async def before(self) -> Response | None:
        """Return the failure that answers instead of the service, if one strikes."""
        faults = self._world.faults
        if self._is_kept and faults.take("dropped_connection", **self._place):
            return LostAnswer()
        if slow := faults.take("slow", **self._place):
            await asyncio.sleep(float(slow.parameters.get("delay_ms", 1000)) / 1000)
        if limited := faults.take("rate_limited", **self._place):
            wait = limited.parameters.get("retry_after")
            headers = {} if wait is None else {"Retry-After": str(wait)}
            return Response("Too Many Requests", 429, headers=headers, media_type="text/plain")
        if failed := faults.take("server_error", **self._place):
            status = int(failed.parameters.get("status", 503))
            return Response("<h1>Server Error</h1>", status, media_type="text/html")
        if odd := faults.take("odd_answer", **self._place):
            return _odd(odd.parameters)
        return None

    async def after(self, response: Response) -> Response:
        """Return the reply as it arrives: whole, not as documented, or cut in the middle."""
        faults = self._world.faults
        if is_odd(self._world, self._request):
            body = await _body(response)
            odd = odd_reply(self._world, self._request, self._place, body)
            response = answered(odd, response, faults.take("odd_encoding", **self._place))
        if faults.take("cut_json", **self._place):
            return CutReply(response, drops=False)
        if faults.take("cut_connection", **self._place):
            return CutReply(response, drops=True)
        return response
