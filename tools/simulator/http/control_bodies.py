"""The bodies of control calls, checked before any effect."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tools.simulator.http.errors import ControlError

Handler = Callable[[Request], Awaitable[Response]]
Fields = dict[str, type | tuple[type, ...]]


async def object_of(request: Request, allowed: Fields) -> dict[str, Any]:
    """Return the JSON object of a control call, its names and types checked.

    Raises:
        ControlError: The body is malformed.
    """
    raw = await request.body()
    try:
        content = json.loads(raw or b"{}")
    except ValueError as error:
        raise ControlError("the body is not JSON") from error
    if not isinstance(content, dict):
        raise ControlError("the body is not an object")
    for name, value in content.items():
        if name not in allowed:
            raise ControlError(f"unknown field {name!r}; known: {', '.join(allowed)}")
        kinds = allowed[name]
        if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is int):
            raise ControlError(f"{name} has a wrong type")
        if isinstance(value, int) and value < 0:
            raise ControlError(f"{name} must not be negative")
    return content


def checked(handler: Handler) -> Handler:
    """Reply to a control call that cannot be obeyed with the reason."""

    async def check(request: Request) -> Response:
        try:
            return await handler(request)
        except ControlError as error:
            return JSONResponse({"error": str(error)}, error.status)

    return check
