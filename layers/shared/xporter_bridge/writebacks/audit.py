"""What the audit trail says of writebacks that no caller of the API waits for."""

from __future__ import annotations

from collections.abc import Iterable

from xporter_bridge.audit.model import ITSELF, AuditEntry
from xporter_bridge.audit.trail import AuditTrail
from xporter_bridge.events.model import Event
from xporter_bridge.timestamps import parse
from xporter_bridge.writebacks.model import Writeback

# As the API names the call, so that all entries of one writeback have one name.
_ACTION = "requestWriteback"
_SENDER = "a sender to WritebackQueue"  # SQS does not tell the consumer who it was


def note_queued(writeback: Writeback, trail: AuditTrail) -> None:
    """Note a writeback that was put on the queue; delivered again, it is the same entry.

    Raises:
        TransientError: Nothing is noted; the message should come again.
    """
    about = {"writeback": writeback.id, "kind": str(writeback.kind)}
    trail.add(
        AuditEntry(
            writeback.estab,
            writeback.created_at,
            writeback.id,
            _ACTION,
            "accepted",
            _SENDER,
            about,
        )
    )


def note_ended(writeback: Writeback, events: Iterable[Event], trail: AuditTrail) -> None:
    """Note how a writeback ended, once for each event; errors are those of ``note_queued``."""
    for event in events:
        outcome = event.type.partition(".")[2]
        about = {"writeback": writeback.id, "kind": str(writeback.kind)}
        at = parse(event.timestamp)
        trail.add(AuditEntry(writeback.estab, at, event.id, _ACTION, outcome, ITSELF, about))
