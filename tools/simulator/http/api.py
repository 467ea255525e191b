"""Xporter's own paths over HTTP: reads the call, finds the reply, and sends it as Xporter does."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from tools.simulator.http import data, information
from tools.simulator.http.errors import NO_ERROR, XporterError, bad_argument, forbidden, not_found
from tools.simulator.http.replies import Reply
from tools.simulator.http.transport_faults import FaultyReply
from tools.simulator.service import availability
from tools.simulator.service.application import World
from tools.simulator.service.authorisation import claims_of, get_token, issue, school_of
from tools.simulator.service.invitations import invite
from tools.simulator.service.page_cache import dumps
from tools.simulator.service.queries import folded, wants_status_codes
from tools.simulator.service.tokens import Claims
from tools.simulator.service.webhooks import register

_HEADERS = {"Cache-Control": "no-cache", "Pragma": "no-cache", "Expires": "-1"}
_JSON = "application/json; charset=utf-8"
Endpoint = Callable[[Request], Awaitable[Response]]
Told = Callable[[World, Claims], dict[str, Any]]


def world_of(request: Request) -> World:
    """Return the simulated world that serves the request."""
    world: World = request.app.state.world
    return world


def answer(content: Any, status: int = 200) -> Response:
    """Return JSON with the headers that the real service sends."""
    return Response(dumps(content), status, headers=_HEADERS, media_type=_JSON)


def refuse(error: XporterError, request: Request) -> Response:
    """Return the exception envelope: HTTP 200 unless the caller opted in to real statuses."""
    real = wants_status_codes(folded(request.query_params.multi_items()))
    return answer(error.envelope(), error.status if real else 200)


async def body_of(request: Request) -> dict[str, Any]:
    """Return a JSON or form body as an object.

    Raises:
        XporterError: The body is neither.
    """
    raw = await request.body()
    if "form-urlencoded" in request.headers.get("content-type", ""):
        return dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        content = json.loads(raw)
    except ValueError as error:
        raise bad_argument("The body is not JSON") from error
    if not isinstance(content, dict):
        raise bad_argument("The body is not an object")
    if recorded := request.scope.get("recorded"):
        recorded["body_keys"] = sorted(content)
    return content


def guarded(endpoint: Endpoint) -> Endpoint:
    """Apply the faults before and after an endpoint, and send refusals in the envelope."""

    async def guard(request: Request) -> Response:
        faults = FaultyReply(world_of(request), request)
        if struck := await faults.before():
            return struck
        try:
            response = await endpoint(request)
        except XporterError as error:
            return refuse(error, request)
        return await faults.after(response)

    return guard


async def token(request: Request) -> Response:
    """POST GetToken."""
    return answer(get_token(world_of(request), await body_of(request)))


def told(what: Told) -> Endpoint:
    """Return an endpoint that answers with ``what`` says of the caller."""

    async def endpoint(request: Request) -> Response:
        world = world_of(request)
        claims = claims_of(world, request.headers.get("authorization"), request.url.path)
        return answer(what(world, claims))

    return endpoint


async def webhook(request: Request) -> Response:
    """Register a webhook: JSON by POST, or the same names in a query by GET."""
    world = world_of(request)
    claims = claims_of(world, request.headers.get("authorization"), request.url.path)
    school = school_of(world, claims, claims.estab)
    by_query = request.method == "GET"
    given = dict(request.query_params) if by_query else await body_of(request)
    register(world, school, claims.relying_party, given)
    return answer({**NO_ERROR, "Message": "success"})


async def all_tokens(request: Request) -> Response:
    """Mint a token for every school, with a management token."""
    world = world_of(request)
    claims = claims_of(world, request.headers.get("authorization"), request.url.path)
    if claims.estab:
        raise forbidden("A management token is needed")
    minted = [
        {
            "estab": school.estab,
            "token": issue(world, school.estab, claims.relying_party, school.scopes)["token"],
        }
        for school in world.schools
        if not school.is_revoked and not school.is_paused
    ]
    return answer({"Tokens": minted})


async def invitation(request: Request) -> Response:
    """POST SchoolRegister, with a management token."""
    world = world_of(request)
    claims = claims_of(world, request.headers.get("authorization"), request.url.path)
    if claims.estab:
        raise forbidden("A management token is needed")
    return answer(invite(world, await body_of(request)))


async def school_data(request: Request) -> Response:
    """GET one resource of one school."""
    world = world_of(request)
    school, claims, query = data.read(world, request)
    if query.only_status:
        return answer(availability.status_now(world, school, query))
    if query.callback_url is not None:
        availability.promise_callback(world, school, query)
        if world.application.availability_reply == "empty":
            return Response(b"", headers=_HEADERS, media_type=_JSON)
        if world.application.availability_reply == "dbstatus":
            return answer(availability.status_now(world, school, query))
    made = data.reply(world, school, claims, query)
    if made.paging:
        return Response(b"".join(made.chunks()), headers=_HEADERS, media_type=_JSON)
    return StreamingResponse(streamed(made), headers=_HEADERS, media_type=_JSON)


async def streamed(made: Reply) -> AsyncIterator[bytes]:
    """Yield a reply, letting other requests run between its parts."""
    for chunk in made.chunks():
        yield chunk
        await asyncio.sleep(0)


async def unknown(request: Request) -> Response:
    """Refuse an unknown path in the envelope too."""
    raise not_found(f"No HTTP resource was found that matches {request.url.path}")


def last_routes() -> list[Route]:
    """Return the routes for paths that no other module knows."""
    return [Route("/api/{rest:path}", guarded(unknown), methods=["GET", "POST", "PUT", "DELETE"])]


def routes() -> list[Route]:
    """Return the paths in lower case: the server folds them before routing."""
    listed: list[tuple[str, Endpoint, list[str]]] = [
        ("/api/oauth/gettoken", token, ["POST"]),
        ("/idaas/sts/sts/gettoken", token, ["POST"]),
        ("/api/v1/tokendetails", told(information.token_details), ["GET"]),
        ("/api/v1/scopes", told(information.all_scopes), ["GET"]),
        ("/api/v1/queries", told(information.queries), ["GET"]),
        ("/api/v1/usage", told(information.usage), ["GET"]),
        ("/api/v1/gdprids", told(information.gdpr_ids), ["GET"]),
        ("/api/v1/logs", told(information.logs), ["GET"]),
        ("/api/v1/webhook", webhook, ["GET", "POST"]),
        ("/api/manage/getxodschooltokens", all_tokens, ["GET"]),
        ("/api/manage/schoolregister", invitation, ["POST"]),
        ("/api/v1/school/{estab}/{resource}", school_data, ["GET"]),
        ("/api/v1/school/{estab}/{resource}/{id:path}", school_data, ["GET"]),
    ]
    return [Route(path, guarded(endpoint), methods=methods) for path, endpoint, methods in listed]
