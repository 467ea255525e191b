"""The control calls under ``/_sim``: what a test does to the simulated world."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tools.simulator import authentication, faults, webhooks
from tools.simulator.api import answer, world_of
from tools.simulator.changes import change, difference, roll_over
from tools.simulator.databases import DATABASES, database_named
from tools.simulator.errors import ControlError
from tools.simulator.founding import found
from tools.simulator.scopes import ALL
from tools.simulator.truth import truth

Handler = Callable[[Request], Awaitable[Response]]


async def object_of(
    request: Request, allowed: dict[str, type | tuple[type, ...]]
) -> dict[str, Any]:
    """Return the JSON object of a control call, its names and types checked.

    Raises:
        ControlError: It is malformed.
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
    """Answer what cannot be obeyed with its reason."""

    async def check(request: Request) -> Response:
        try:
            return await handler(request)
        except ControlError as error:
            return JSONResponse({"error": str(error)}, error.status)

    return check


async def list_schools(request: Request) -> Response:
    """GET /_sim/schools."""
    return answer({"schools": [school.describe() for school in world_of(request).schools]})


async def create_school(request: Request) -> Response:
    """POST /_sim/schools: found a school, in place of any with the same estab."""
    allowed: dict[str, type | tuple[type, ...]] = {
        "estab": str, "students": int, "seed": int, "phase": str, "scopes": list,
        "template_scopes": list, "paused": bool, "installed": bool, "rows": dict, "today": str,
    }  # fmt: skip
    world = world_of(request)
    school = found(await object_of(request, allowed), world.now().date())
    school.pages = world.pages
    world.snapshots.forget(school.estab)
    world.schools.add(school)
    return answer(school.describe(), 201)


async def show_school(request: Request) -> Response:
    """GET /_sim/schools/{estab}."""
    return answer(world_of(request).schools.get(request.path_params["estab"]).describe())


async def authorise(request: Request) -> Response:
    """POST …/authorise: send the authentication callback; a new secret or scopes first if asked."""
    allowed: dict[str, type | tuple[type, ...]] = {
        "install_completed": (bool, type(None)), "new_secret": bool, "scopes": list,
        "delay_seconds": (int, float),
    }  # fmt: skip
    options = await object_of(request, allowed)
    world = world_of(request)
    school = world.schools.get(request.path_params["estab"])
    scopes = checked_scopes(options.get("scopes"), school.scopes)
    authentication.call(world.application, school, options)
    if options.get("new_secret"):
        school.reauthorise()
    school.scopes, school.is_revoked = scopes, False
    school.is_installed = school.is_installed or bool(options.get("install_completed"))
    call = authentication.call(world.application, school, options)
    delay = float(options.get("delay_seconds", 0))
    tasks = webhooks.send(world, call, delay)
    attempts = [] if delay else [await task for task in tasks]
    return answer({"estab": school.estab, "secret": school.secret, "callbacks": attempts})


def checked_scopes(given: list[Any] | None, present: tuple[str, ...]) -> tuple[str, ...]:
    """Return scopes as asked for.

    Raises:
        ControlError: One is unknown.
    """
    if given is None:
        return present
    if unknown := [scope for scope in given if scope not in ALL]:
        raise ControlError(f"unknown scopes: {unknown}")
    return tuple(dict.fromkeys(given))


async def set_school(request: Request) -> Response:
    """PATCH …/{estab}: pause, revoke, or change the scopes that new tokens get."""
    allowed: dict[str, type | tuple[type, ...]] = {
        "paused": bool, "revoked": bool, "installed": bool, "scopes": list,
    }  # fmt: skip
    options = await object_of(request, allowed)
    school = world_of(request).schools.get(request.path_params["estab"])
    school.scopes = checked_scopes(options.get("scopes"), school.scopes)
    school.is_paused = options.get("paused", school.is_paused)
    school.is_revoked = options.get("revoked", school.is_revoked)
    school.is_installed = options.get("installed", school.is_installed)
    return answer(school.describe())


async def change_database(request: Request) -> Response:
    """POST …/databases/{database}/change: change data, then call the webhook."""
    allowed: dict[str, type | tuple[type, ...]] = {
        "rows": int, "deletes": int, "inserts": int, "table": str, "notify": bool,
    }  # fmt: skip
    options = await object_of(request, allowed)
    world = world_of(request)
    school = world.schools.get(request.path_params["estab"])
    database = database_named(request.path_params["database"])
    changed = change(
        school,
        database,
        rows=options.get("rows", 0),
        deletes=options.get("deletes", 0),
        inserts=options.get("inserts", 0),
        table=options.get("table"),
    )
    return answer(await _announced(request, database.name, changed, options.get("notify", True)))


async def _announced(
    request: Request, database: str, changed: dict[str, Any], notify: bool
) -> dict[str, Any]:
    """Collect a changed database and call its webhook: nothing is called when nothing changed."""
    world = world_of(request)
    school = world.schools.get(request.path_params["estab"])
    attempts: list[dict[str, Any]] = []
    if changed:
        school.collect(database)
        if notify:
            attempts = await webhooks.announce(world, school, database)
    return {
        "estab": school.estab,
        "database": database,
        "revision": school.revision,
        "changed": changed,
        "webhook_called": bool(attempts),
        "callbacks": attempts,
    }


async def nightly(request: Request) -> Response:
    """POST …/nightly: the 03:00 run calls the webhooks of databases changed without notice."""
    world = world_of(request)
    school = world.schools.get(request.path_params["estab"])
    called = {}
    for database in sorted(school.unannounced):
        called[database] = await webhooks.announce(world, school, database)
    return answer({"estab": school.estab, "databases": called})


async def next_school_year(request: Request) -> Response:
    """POST …/roll-over: the oldest leave, the others move up, new ones come."""
    await object_of(request, {})
    school = world_of(request).schools.get(request.path_params["estab"])
    before = roll_over(school)
    database = DATABASES["xodschooldata"]
    changed = difference(school, database, before)
    return answer(await _announced(request, database.name, changed, notify=True))


async def show_truth(request: Request) -> Response:
    """GET …/truth/{Table}: the rows as they are now."""
    lines = request.query_params.get("format") == "ndjson"
    school = world_of(request).schools.get(request.path_params["estab"])
    parts = truth(school, request.path_params["table"], request.query_params, lines=lines)

    async def stream() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    media = "application/x-ndjson" if lines else "application/json"
    return StreamingResponse(stream(), media_type=media)


async def show_mis(request: Request) -> Response:
    """GET …/mis: what writebacks left in the school's MIS, and how often each was written."""
    school = world_of(request).schools.get(request.path_params["estab"])
    return answer({"estab": school.estab, "written": [asdict(w) for w in school.written.values()]})


async def forget_hashes(request: Request) -> Response:
    """POST …/forget-hashes: every hash given out expires."""
    school = world_of(request).schools.get(request.path_params["estab"])
    return answer({"forgotten": world_of(request).snapshots.forget(school.estab)})


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
    """Return the control paths."""
    one = "/_sim/schools/{estab}"
    listed: list[tuple[str, str, Handler]] = [
        ("GET", "/_sim/schools", list_schools),
        ("POST", "/_sim/schools", create_school),
        ("GET", one, show_school),
        ("PATCH", one, set_school),
        ("POST", one + "/authorise", authorise),
        ("POST", one + "/databases/{database}/change", change_database),
        ("POST", one + "/nightly", nightly),
        ("POST", one + "/roll-over", next_school_year),
        ("POST", one + "/forget-hashes", forget_hashes),
        ("GET", one + "/truth/{table}", show_truth),
        ("GET", one + "/mis", show_mis),
        ("GET", "/_sim/requests", list_requests),
        ("GET", "/_sim/callbacks", list_callbacks),
        ("GET", "/_sim/faults", show_faults),
        ("PUT", "/_sim/faults", set_faults),
        ("GET", "/_sim/application", show_application),
        ("PUT", "/_sim/application", set_application),
        ("POST", "/_sim/reset", reset),
    ]
    return [Route(path, checked(handler), methods=[method]) for method, path, handler in listed]
