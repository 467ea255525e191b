"""Takes in outcome callbacks, and announces what became of writebacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from xporter_bridge import telemetry
from xporter_bridge.errors import PermanentError
from xporter_bridge.events.bus import EventBus
from xporter_bridge.operations.repository import OperationTable
from xporter_bridge.writebacks.model import Writeback
from xporter_bridge.writebacks.read_callback import outcome_of, parse_subject
from xporter_bridge.writebacks.transitions import published, settled


@dataclass(frozen=True)
class WritebackDesk:
    """What every step needs."""

    operations: OperationTable
    bus: EventBus
    now: Callable[[], datetime]


def settle(message: Mapping[str, Any], desk: WritebackDesk) -> None:
    """Take in an outcome callback; late, repeated, or out of order it does no harm.

    Raises:
        TransientError: The message should come again.
    """
    subject = parse_subject(message["subject"])
    if subject is None:
        raise PermanentError("subject_malformed")
    id_, number, attempt = subject
    outcome = outcome_of(message)
    after = desk.operations.change_writeback(
        message["estab"],
        id_,
        lambda it: (
            settled(it, number, attempt, outcome, desk.now()) if number < len(it.parts) else it
        ),
    )
    if after is not None:
        publish_writeback_events(after, desk)


def publish_writeback_events(writeback: Writeback, desk: WritebackDesk) -> None:
    """Publish what became of the writeback; after a crash, whoever looks next does it."""
    events = writeback.outbox
    if not events:
        return
    desk.bus.publish(events)
    telemetry.count("WritebackEnded", str(writeback.state))
    telemetry.record(
        "writeback_ended",
        estab=writeback.estab,
        id=writeback.id,
        kind=str(writeback.kind),
        state=str(writeback.state),
        reason=writeback.reason or None,
    )
    desk.operations.change_writeback(
        writeback.estab, writeback.id, lambda it: published(it, events)
    )
