"""Writebacks over HTTP: accepted or refused at once, and the callback with the outcome."""

import asyncio
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tools.simulator.http.api import answer, body_of, guarded, world_of
from tools.simulator.http.errors import NO_ERROR, XporterError, bad_argument, forbidden
from tools.simulator.http.transport_faults import LostAnswer
from tools.simulator.school.incidents import correct_incidents, read_incidents, write_incidents
from tools.simulator.school.marks import (
    WritebackFailedError,
    correct_marks,
    read_marks,
    write_marks,
)
from tools.simulator.school.schools import School
from tools.simulator.service import webhooks
from tools.simulator.service.application import World
from tools.simulator.service.authorisation import claims_of, school_of
from tools.simulator.service.callback_sender import Call
from tools.simulator.service.scopes import covers

_RETRIED_FOR = timedelta(hours=1)  # every 5 minutes, then XodCompleted=False (xporter-api.md 8)
_ON_ERROR = {
    "attendance": "Writeback.AttendanceAsync_OnError",
    "conduct": "Writeback.Conduct_OnError",
}
Write = Callable[[], list[dict[str, int]]]
#: Lets a person change what was written: its result, and the new mark or note.
Correct = Callable[[list[dict[str, int]], str], None]


@dataclass(frozen=True)
class Writeback:
    """One accepted writeback."""

    school: School
    kind: str
    write: Write
    correct: Correct
    callback: tuple[str, str] | None
    tracking_id: str | None


def _accepted(request: Request, kind: str, body: dict[str, Any], *, is_async: bool) -> Writeback:
    """Return the writeback, once token, scope and tier 1 let it in."""
    world = world_of(request)
    claims = claims_of(world, request.headers.get("authorization"), request.url.path)
    school = school_of(world, claims, request.path_params.get("estab", claims.estab))
    scope = "WritebackAttendance" if kind == "attendance" else "WritebackConduct"
    if not covers(claims.scopes, scope):
        raise forbidden(f"This needs the scope {scope}")
    callback = _callback(body)
    if is_async and callback is None:
        raise bad_argument("callback is mandatory")
    write, correct = (_marks if kind == "attendance" else _incidents)(school, body)
    tracking_id = _tracking_id(world) if is_async else None
    return Writeback(school, kind, write, correct, callback, tracking_id)


def _marks(school: School, body: dict[str, Any]) -> tuple[Write, Correct]:
    marks = read_marks(school, body)

    def write() -> list[dict[str, int]]:
        write_marks(school, marks)
        return []

    return write, lambda _, mark: correct_marks(school, marks, mark)


def _incidents(school: School, body: dict[str, Any]) -> tuple[Write, Correct]:
    incidents = read_incidents(school, body)
    return (
        lambda: write_incidents(school, incidents),
        lambda result, note: correct_incidents(school, result, note),
    )


def _callback(body: dict[str, Any]) -> tuple[str, str] | None:
    given = body.get("callback")
    if given is None:
        return None
    if not isinstance(given, list) or not given or not isinstance(given[0], dict):
        raise bad_argument("callback must be a list of one Method and Url")
    method = str(given[0].get("Method", "POST")).upper()
    if method not in ("GET", "POST"):
        raise bad_argument("callback Method must be GET or POST")
    return method, webhooks.checked_url(given[0].get("Url"))


def _tracking_id(world: World) -> str:
    return f"{world.now():%Y%m%d%H%M%S}.{uuid.uuid4()}"


async def _finish(world: World, writeback: Writeback, delay: float) -> XporterError | None:
    """Write, call back, and return the failure if there was one."""
    if delay > 0:
        await asyncio.sleep(delay)
    failure, result = None, []
    place = {"estab": writeback.school.estab, "path": writeback.kind}
    if world.faults.take("refused_writeback", **place):
        failure = "The MIS refused the write"
    else:
        try:
            result = writeback.write()
        except WritebackFailedError as error:
            failure = str(error)
        else:
            if fault := world.faults.take("corrected_writeback", **place):
                writeback.correct(result, str(fault.parameters.get("value", "L")))
    _report(world, writeback, failure, result)
    return None if failure is None else bad_argument(failure)


def _report(
    world: World, writeback: Writeback, failure: str | None, result: list[dict[str, int]]
) -> None:
    """Call the URL of the request, its own parameters kept and the outcome added."""
    if writeback.callback is None:
        return
    method, url = writeback.callback
    added = f"XodCompleted={failure is None}"
    if writeback.tracking_id:
        added += f"&trackingid={writeback.tracking_id}"
    body, media = b"", None
    if method == "POST" and (result or failure):
        content: dict[str, object] = {"Message": failure} if failure else {"result": result}
        body, media = json.dumps(content).encode(), "application/json"
    target = f"{url}{'&' if '?' in url else '?'}{added}"
    webhooks.send(world, Call("writeback", writeback.school.estab, method, target, body, media))


async def _unreachable(world: World, writeback: Writeback) -> None:
    """Give up after an hour of retries to a school's agent that is switched off."""
    await asyncio.sleep(world.scaled(_RETRIED_FOR))
    _report(world, writeback, "The school's agent could not be reached", [])


def endpoint(kind: str, *, is_async: bool) -> Callable[[Request], Any]:
    """Return the endpoint of one kind of writeback."""

    async def write(request: Request) -> Response:
        world = world_of(request)
        body = await body_of(request)
        writeback = _accepted(request, kind, body, is_async=is_async)
        place = {"estab": writeback.school.estab, "path": request.url.path}
        offline = world.faults.take("agent_offline", **place)
        if is_async:
            delay = world.application.outcome_delay_seconds
            work = _unreachable(world, writeback) if offline else _finish(world, writeback, delay)
            world.callbacks.run(work)
        elif offline:
            raise XporterError(503, "TimeoutException", "The school's agent is offline")
        elif failure := await _finish(world, writeback, 0):
            raise failure
        if world.faults.take("lost_answer", **place):
            return LostAnswer()
        return answer(_accepted_reply(writeback))

    return write


def _accepted_reply(writeback: Writeback) -> dict[str, Any]:
    done = {**NO_ERROR, "Message": "success"}
    if writeback.tracking_id is None:
        return done
    tracked = {"trackingid": writeback.tracking_id, "errorquery": _ON_ERROR[writeback.kind]}
    return {"TrackingId": writeback.tracking_id, "DataSet": {"trackingid": [tracked]}, **done}


async def _unsupported(request: Request) -> Response:
    claims = claims_of(world_of(request), request.headers.get("authorization"), request.url.path)
    raise bad_argument(f"This MIS does not support it for {claims.estab}")


def routes() -> list[Route]:
    """Return the writeback paths, in lower case."""
    listed = {
        "/api/v1/attendance/{estab}": endpoint("attendance", is_async=False),
        "/api/v1/attendanceasync/{estab}": endpoint("attendance", is_async=True),
        "/api/v1/writeback/conduct": endpoint("conduct", is_async=False),
        "/api/v1/writeback/conductasync": endpoint("conduct", is_async=True),
        "/api/v1/writeback/seatingplan": _unsupported,
        "/api/v1/writeback": _unsupported,
    }
    return [Route(path, guarded(each), methods=["POST"]) for path, each in listed.items()]
