"""The control calls about one school: create it, change it, and read its data."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from tools.simulator.http.api import answer, world_of
from tools.simulator.http.control_bodies import Fields, Handler, checked, object_of
from tools.simulator.school import odd_rows
from tools.simulator.school.changes import change, difference, roll_over
from tools.simulator.school.create_school import chosen_scopes, found
from tools.simulator.service import authentication, webhooks
from tools.simulator.service.databases import DATABASES, database_named
from tools.simulator.service.truth import truth


async def list_schools(request: Request) -> Response:
    """GET /_sim/schools."""
    return answer({"schools": [school.describe() for school in world_of(request).schools]})


async def create_school(request: Request) -> Response:
    """POST /_sim/schools: create a school, in place of any with the same estab."""
    allowed: Fields = {
        "estab": str, "students": int, "seed": int, "phase": str, "scopes": list,
        "template_scopes": list, "paused": bool, "installed": bool, "rows": dict, "today": str,
        "odd_rows": dict,
    }  # fmt: skip
    world = world_of(request)
    school = found(await object_of(request, allowed), world.now().date())
    school.pages, school.likeness = world.pages, world.likeness
    world.snapshots.forget(school.estab)
    world.schools.add(school)
    return answer(school.describe(), 201)


async def show_school(request: Request) -> Response:
    """GET /_sim/schools/{estab}."""
    return answer(world_of(request).schools.get(request.path_params["estab"]).describe())


async def authorise(request: Request) -> Response:
    """POST …/authorise: send the authentication callback; a new secret or scopes first if asked."""
    allowed: Fields = {
        "install_completed": (bool, type(None)), "new_secret": bool, "scopes": list,
        "delay_seconds": (int, float),
    }  # fmt: skip
    options = await object_of(request, allowed)
    world = world_of(request)
    school = world.schools.get(request.path_params["estab"])
    scopes = chosen_scopes(options.get("scopes"), school.scopes)
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


async def set_school(request: Request) -> Response:
    """PATCH …/{estab}: pause, revoke, renumber, change new tokens' scopes, or make rows odd."""
    allowed: Fields = {
        "paused": bool, "revoked": bool, "installed": bool, "scopes": list, "odd_rows": dict,
        "new_estab": str,
    }  # fmt: skip
    options = await object_of(request, allowed)
    school = world_of(request).schools.get(request.path_params["estab"])
    school.scopes = chosen_scopes(options.get("scopes"), school.scopes)
    if "odd_rows" in options:
        school.odd_rows = odd_rows.read(options["odd_rows"])
        school.next_revision()
    school.is_paused = options.get("paused", school.is_paused)
    school.is_revoked = options.get("revoked", school.is_revoked)
    school.is_installed = options.get("installed", school.is_installed)
    school.new_estab = options.get("new_estab", school.new_estab)
    return answer(school.describe())


async def change_database(request: Request) -> Response:
    """POST …/databases/{database}/change: change data, then call the webhook, or before."""
    allowed: Fields = {
        "rows": int, "deletes": int, "inserts": int, "table": str, "notify": bool,
        "late_seconds": (int, float),
    }  # fmt: skip
    options = await object_of(request, allowed)
    world = world_of(request)
    school = world.schools.get(request.path_params["estab"])
    database = database_named(request.path_params["database"])
    late, attempts = options.get("late_seconds"), []
    if late is not None:
        attempts = await webhooks.announce(world, school, database.name)
        await asyncio.sleep(late)
    changed = change(
        school,
        database,
        rows=options.get("rows", 0),
        deletes=options.get("deletes", 0),
        inserts=options.get("inserts", 0),
        table=options.get("table"),
    )
    notify = options.get("notify", True) and late is None
    told = await _announced(request, database.name, changed, notify)
    return answer(told if late is None else {**told, "callbacks": attempts})


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

    is_packed = request.query_params.get("gzip") == "true"

    async def stream() -> AsyncIterator[bytes]:
        for part in _packed(parts) if is_packed else parts:
            yield part

    media = "application/x-ndjson" if lines else "application/json"
    headers = {"Content-Encoding": "gzip"} if is_packed else {}
    return StreamingResponse(stream(), headers=headers, media_type=media)


def _packed(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Compress fast rather than well; behind API Gateway no answer may have more than 10 MB."""
    packer = zlib.compressobj(1, wbits=31)
    for part in parts:
        yield packer.compress(part)
    yield packer.flush()


async def show_mis(request: Request) -> Response:
    """GET …/mis: the writebacks in the school's MIS, and how often each was written."""
    school = world_of(request).schools.get(request.path_params["estab"])
    return answer({"estab": school.estab, "written": [asdict(w) for w in school.written.values()]})


async def forget_hashes(request: Request) -> Response:
    """POST …/forget-hashes: every hash given out expires."""
    school = world_of(request).schools.get(request.path_params["estab"])
    return answer({"forgotten": world_of(request).snapshots.forget(school.estab)})


def routes() -> list[Route]:
    """Return the control paths of schools."""
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
    ]
    return [Route(path, checked(handler), methods=[method]) for method, path, handler in listed]
