"""Data availability: the status of an endpoint's databases, and the callback about it."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from tools.simulator.school.schools import School
from tools.simulator.school.seeded_random import zulu
from tools.simulator.service import webhooks
from tools.simulator.service.application import World
from tools.simulator.service.callback_sender import Call
from tools.simulator.service.queries import Query

_MAX_WAIT = timedelta(minutes=10)  # then it calls back whatever the status (xporter-api.md 6)
_LATE = timedelta(minutes=20)
_OUTCOMES = {
    "availability_not_ok": "not_ok",
    "availability_error": "error",
    "availability_never": "never",
    "availability_late": "late",
}
_MESSAGES = {
    "OK": None,
    "Pending": "Waiting for data from the school",
    "Error": "The school's agent reported an error",
}


def statuses(school: School, query: Query, status: str) -> list[dict[str, Any]]:
    """Return the status of every component database; the endpoint's own has ``status``.

    The object's real shape is in no public source (xporter-api.md 13.7).
    """
    own = query.resource.database
    components = [own] if own == "XodSchoolData" else [own, "XodSchoolData"]
    return [
        {
            "Id": place,
            "DatabaseName": name,
            "Status": status if name == own else "OK",
            "LastUpdated": zulu(school.extracted_at(name, school.revision)),
            "Message": _MESSAGES[status] if name == own else None,
        }
        for place, name in enumerate(components, start=1)
    ]


def status_now(world: World, school: School, query: Query) -> dict[str, Any]:
    """Reply to ``onlyGetDbStatus``; a parameterised call fetches its data when first requested."""
    wait = timedelta(seconds=world.application.availability_delay_seconds)
    first_asked = world.fetches.setdefault((school.estab, query.fingerprint), world.now())
    ready = query.days is None or world.now() >= first_asked + wait
    return {"__DbStatus__": statuses(school, query, "OK" if ready else "Pending")}


def promise_callback(world: World, school: School, query: Query) -> None:
    """Arrange the callback that ``callbackUrl`` asks for.

    Raises:
        XporterError: The URL, decoded once, is not an absolute one.
    """
    url = webhooks.checked_url(query.callback_url)
    outcome, delay = _outcome(world, school, url)
    status = {"not_ok": "Pending", "error": "Error"}.get(outcome, "OK")
    call = _call(world, school, query, url, status)
    if outcome == "never":
        world.callbacks.lost(replace(call, note="never"))
        return
    webhooks.send(world, replace(call, note=outcome), delay)


def _outcome(world: World, school: School, url: str) -> tuple[str, float]:
    """Return how the wait will end, and after how many seconds of this simulator."""
    place = {"estab": school.estab, "path": url}
    delay = world.application.availability_delay_seconds
    outcome = world.application.availability_outcome
    for kind, struck in _OUTCOMES.items():
        if world.faults.take(kind, **place):
            outcome = struck
    if pending := world.faults.take("availability_pending", **place):
        delay += float(pending.parameters.get("delay_ms", 1000)) / 1000
    waits = {"not_ok": world.scaled(_MAX_WAIT), "late": world.scaled(_LATE), "error": 0.0}
    return outcome, waits.get(outcome, delay)


def _call(world: World, school: School, query: Query, url: str, status: str) -> Call:
    shape = world.application.availability_body
    found = statuses(school, query, status)
    if shape == "form":
        body, media = (
            urlencode({"DbStatus": json.dumps(found)}),
            "application/x-www-form-urlencoded",
        )
    else:
        body, media = json.dumps(found if shape == "list" else {shape: found}), "application/json"
    return Call("availability", school.estab, "POST", url, body.encode(), media)
