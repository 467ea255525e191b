"""Database webhooks: one registration per relying party, school and database; calls on change."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from tools.simulator.http.errors import XporterError, bad_argument
from tools.simulator.school.schools import Registration, School
from tools.simulator.service.application import World
from tools.simulator.service.callback_sender import Call
from tools.simulator.service.databases import DATABASES
from tools.simulator.service.odd_callbacks import odd

_ANSWER_SECONDS = 10


def checked_url(text: object) -> str:
    """Return an absolute HTTP URL, as a strict parser reads it.

    Raises:
        XporterError: It is not one.
    """
    url = str(text or "")
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or any(ord(char) <= 32 or ord(char) > 126 for char in url):
        raise bad_argument(f"Not an absolute URL: {url[:200]}")
    return url


def register(
    world: World, school: School, relying_party: str, parameters: dict[str, Any]
) -> Registration:
    """Record a registration, in place of any other for the same three.

    Raises:
        XporterError: The URL is malformed, or the database unknown.
    """
    given = {str(name).lower(): value for name, value in parameters.items()}
    url = checked_url(given.get("url"))
    database = DATABASES.get(str(given.get("databasename", "")).lower())
    if database is None:
        raise bad_argument(f"Unknown DatabaseName {given.get('databasename')!r}")
    if world.faults.take("failed_webhook_registration", estab=school.estab):
        raise XporterError(500, "Exception", "The webhook could not be saved")
    method = str(given.get("method") or world.application.webhook_method).upper()
    registration = Registration(url, database.name, relying_party, method, world.now())
    school.registrations[relying_party, database.name] = registration
    return registration


async def announce(world: World, school: School, database: str) -> list[dict[str, Any]]:
    """Call the webhooks of a changed database, exactly as registered; return the attempts."""
    school.unannounced.discard(database)
    tasks = []
    for registration in list(school.registrations.values()):
        if registration.database == database:
            call = Call("database", school.estab, registration.method, registration.url)
            tasks.extend(send(world, call))
    done: list[dict[str, Any]] = []
    if tasks:
        finished, _ = await asyncio.wait(tasks, timeout=_ANSWER_SECONDS)
        done = [task.result() for task in finished if not task.cancelled()]
    return done


def send(world: World, call: Call, delay: float = 0.0) -> list[asyncio.Task[dict[str, Any]]]:
    """Send a callback through the faults; return the attempts that are not delayed by one."""
    faults, place = world.faults, {"estab": call.estab, "callback": call.kind, "path": call.url}
    if faults.take("lost_callback", **place):
        world.callbacks.lost(call)
        return []
    call, sent = odd(world, call, place), []
    if faults.take("forged_callback", **place):
        forged = replace(call, url=_forged(call.url), body=_forged_body(call), note="forged")
        sent.append(world.callbacks.schedule(forged, delay))
    if late := (
        faults.take("late_callback", **place) or faults.take("reordered_callback", **place)
    ):
        wait = float(late.parameters.get("delay_ms", 1000)) / 1000
        world.callbacks.schedule(replace(call, note=late.kind), delay + wait)
    else:
        sent.append(world.callbacks.schedule(call, delay))
    if faults.take("duplicate_callback", **place):
        sent.append(world.callbacks.schedule(replace(call, note="duplicate"), delay))
    return sent


def _forged(url: str) -> str:
    """Return the URL with its last character changed, so that no signature fits."""
    if not urlsplit(url).query:
        return url
    return url[:-1] + ("0" if url[-1] != "0" else "1")


def _forged_body(call: Call) -> bytes:
    """Return an authentication body whose secret is somebody's guess."""
    if call.kind != "authentication":
        return call.body
    guess = b"schoolSecret=11111111-1111-4111-8111-111111111111"
    return guess + call.body[call.body.find(b"&") :]
