"""Decides which schools are due for registration, and enqueues them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from xporter_bridge import telemetry
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.registrations.messages import RegisterWebhooks
from xporter_bridge.schools.model import PULLABLE, SchoolState
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.timestamps import iso


def schedule(
    schools: SchoolRepository,
    queue: Queue,
    now: datetime,
    *,
    everyone: bool = False,
    pulls: bool = False,
) -> Mapping[str, int]:
    """Enqueue every school whose registrations are due, and count the schools by state.

    The index is read page by page and messages go out ten at a time, so that no fleet is ever in
    memory; a run that dies leaves the rest due, for the next.

    Args:
        everyone: Include those not yet due: after a rotation of keys or a move of the domain, if
            a day is too long to wait.
        pulls: Have every dataset of the schools pulled too: after callbacks were lost.
    """
    pulls_since = iso(now) if pulls else ""

    def due() -> Iterator[Mapping[str, Any]]:
        for state in sorted(PULLABLE):
            found = schools.in_state(state) if everyone else schools.registrations_due(state, now)
            for estab in found:
                message = RegisterWebhooks(estab, look_at_scopes=True, pulls_since=pulls_since)
                yield message.body()

    sent = queue.send_all(due())
    for state in SchoolState:
        telemetry.count("SchoolsInState", str(state), schools.count(state))
    return {"due": sent}
