"""Processes outcome callbacks, and publishes the outcomes of writebacks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from xporter_bridge import telemetry
from xporter_bridge.audit.trail import AuditTrail
from xporter_bridge.errors import PermanentError
from xporter_bridge.events.bus import EventBus
from xporter_bridge.writebacks.audit import note_ended
from xporter_bridge.writebacks.messages import OutcomeReceived
from xporter_bridge.writebacks.model import Writeback
from xporter_bridge.writebacks.read_callback import outcome_of, parse_subject
from xporter_bridge.writebacks.repository import WritebackRepository
from xporter_bridge.writebacks.transitions import outcome_received, published


@dataclass(frozen=True)
class WritebackDependencies:
    """The dependencies of every step."""

    operations: WritebackRepository
    bus: EventBus
    audit: AuditTrail
    now: Callable[[], datetime]


def settle(message: OutcomeReceived, deps: WritebackDependencies) -> None:
    """Process an outcome callback; a late, repeated or disordered callback does no harm.

    Raises:
        TransientError: The message should come again.
    """
    subject = parse_subject(message.subject)
    if subject is None:
        raise PermanentError("subject_malformed")
    id_, number, attempt = subject
    outcome = outcome_of(message)
    after = deps.operations.change(
        message.estab,
        id_,
        lambda it: (
            outcome_received(it, number, attempt, outcome, deps.now())
            if number < len(it.parts)
            else it
        ),
    )
    if after is not None:
        publish_writeback_events(after, deps)


def publish_writeback_events(writeback: Writeback, deps: WritebackDependencies) -> None:
    """Publish the writeback's outcome; after a crash, the next process that loads it does so."""
    events = writeback.outbox
    if not events:
        return
    deps.bus.publish(events)
    note_ended(writeback, events, deps.audit)
    telemetry.count("WritebackEnded", str(writeback.state))
    telemetry.record(
        "writeback_ended",
        estab=writeback.estab,
        id=writeback.id,
        kind=str(writeback.kind),
        state=str(writeback.state),
        reason=writeback.reason or None,
    )
    deps.operations.change(writeback.estab, writeback.id, lambda it: published(it, events))
