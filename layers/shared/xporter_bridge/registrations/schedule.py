"""Decides which schools are due for registration, and enqueues them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from xporter_bridge import telemetry
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.registrations.messages import MESSAGE_LIFE, RegisterWebhooks
from xporter_bridge.schools.state_index import StateIndex
from xporter_bridge.schools.states import PULLABLE, SchoolState


def schedule(
    schools: StateIndex,
    queue: Queue,
    now: datetime,
    *,
    everyone: bool = False,
    pulls: bool = False,
) -> Mapping[str, int]:
    """Enqueue every school whose registrations are due, and count the schools by state.

    A due school gets one message: once the message is sent, the school is due again only after
    ``MESSAGE_LIFE``, unless its consumer has set another time by then. The index is read page by
    page and messages go out ten at a time, so that no fleet is ever in memory; a run that dies
    leaves the rest due, for the next.

    Args:
        everyone: Include those not yet due: after a rotation of keys or a move of the domain, if
            a day is too long to wait.
        pulls: Have every dataset of the schools pulled too: after callbacks were lost.
    """

    def body(estab: str) -> Mapping[str, Any]:
        pulls_since = now if pulls else None
        message = RegisterWebhooks(estab, look_at_scopes=True, pulls_since=pulls_since, sent_at=now)
        return message.body()

    sent = 0
    for state in sorted(PULLABLE):
        if everyone:
            sent += queue.send_all(map(body, schools.in_state(state)))
        else:
            sent += _send_to_due(schools.registrations_due(state, now), body, schools, queue, now)
    for state in SchoolState:
        telemetry.count("SchoolsInState", str(state), schools.count(state))
    return {"due": sent}


def _send_to_due(
    due: Iterator[tuple[str, str]],
    body: Callable[[str], Mapping[str, Any]],
    schools: StateIndex,
    queue: Queue,
    now: datetime,
) -> int:
    """Send messages, then postpone their schools: a run that dies in between sends some twice."""
    sent = 0
    while batch := list(islice(due, 10)):
        sent += queue.send_all(body(estab) for estab, _ in batch)
        for estab, seen in batch:
            schools.postpone_registrations(estab, seen, now + MESSAGE_LIFE)
    return sent
