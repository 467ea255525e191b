"""The control calls about the service itself: settings, faults, recorded requests and callbacks."""

import json

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tools.simulator.http.api import answer, world_of
from tools.simulator.http.control_bodies import Handler, checked, object_of
from tools.simulator.http.errors import ControlError
from tools.simulator.service import faults


async def list_requests(request: Request) -> Response:
    """GET /_sim/requests?since=."""
    entries = world_of(request).requests.since(_since(request))
    return answer({"requests": entries})


async def list_callbacks(request: Request) -> Response:
    """GET /_sim/callbacks?since=."""
    callbacks = world_of(request).callbacks
    return answer({"callbacks": callbacks.attempts(_since(request)), "pending": callbacks.pending})


def _since(request: Request) -> int:
    text = request.query_params.get("since", "0")
    if not text.isdecimal():
        raise ControlError("since is a sequence number")
    return int(text)


async def set_faults(request: Request) -> Response:
    """PUT /_sim/faults: these, and no others."""
    try:
        content = json.loads(await request.body())
    except ValueError as error:
        raise ControlError("the body is not JSON") from error
    world_of(request).faults.replace(*faults.read(content))
    return answer(world_of(request).faults.describe())


async def show_faults(request: Request) -> Response:
    """GET /_sim/faults."""
    return answer(world_of(request).faults.describe())


async def set_application(request: Request) -> Response:
    """PUT /_sim/application."""
    application = world_of(request).application
    content = await object_of(request, dict.fromkeys(application.describe(), object))
    application.change(content)
    return answer(application.describe())


async def show_application(request: Request) -> Response:
    """GET /_sim/application."""
    return answer(world_of(request).application.describe())


async def reset(request: Request) -> Response:
    """POST /_sim/reset: an empty world; settings stay."""
    world_of(request).reset()
    return answer({"reset": True})


def routes() -> list[Route]:
    """Return the control paths of the service."""
    listed: list[tuple[str, str, Handler]] = [
        ("GET", "/_sim/requests", list_requests),
        ("GET", "/_sim/callbacks", list_callbacks),
        ("GET", "/_sim/faults", show_faults),
        ("PUT", "/_sim/faults", set_faults),
        ("GET", "/_sim/application", show_application),
        ("PUT", "/_sim/application", set_application),
        ("POST", "/_sim/reset", reset),
    ]
    return [Route(path, checked(handler), methods=[method]) for method, path, handler in listed]
