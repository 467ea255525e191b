"""Stores an availability callback."""

from __future__ import annotations

from xporter_bridge.availability.messages import AvailabilityReceived
from xporter_bridge.availability.read_callback import read_statuses
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.callbacks.request import CallbackRequest
from xporter_bridge.callbacks.signed_urls import CallbackKind
from xporter_bridge.callbacks.signing_keys import SigningKeys


def accept_availability(request: CallbackRequest, *, keys: SigningKeys, queue: Queue) -> str:
    """Store an availability callback with the statuses of its body; return its estab.

    Raises:
        CallbackRejectedError: 404 for a URL that is not ours, 400 or 413 for an unusable body.
        TransientError: The callback could not be stored; the sender should try again.
    """
    about = keys.verify(CallbackKind.AVAILABILITY, request.query)
    statuses = read_statuses(request.body)
    queue.send(AvailabilityReceived(about.estab, about.subject, statuses).body())
    return about.estab
