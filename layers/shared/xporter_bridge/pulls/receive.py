"""Stores a database callback."""

from __future__ import annotations

from datetime import datetime

from xporter_bridge.aws.sqs import Queue
from xporter_bridge.callbacks.request import CallbackRequest
from xporter_bridge.callbacks.signed_urls import CallbackKind
from xporter_bridge.callbacks.signing_keys import SigningKeys
from xporter_bridge.pulls.messages import DatabaseChanged

# Callbacks come many at once, one per database and often repeated: what follows within this time
# shares a pull, and nightly data can wait for it.
_SETTLING_SECONDS = 5


def accept_database(
    request: CallbackRequest, *, keys: SigningKeys, queue: Queue, now: datetime
) -> str:
    """Store a database callback and return its estab; its body, if it has one, is ignored.

    Raises:
        CallbackRejectedError: 404 for a URL that is not ours, 413 for a body that is too large.
        TransientError: The callback could not be stored; the sender should try again.
    """
    about = keys.verify(CallbackKind.DATABASE, request.query)
    _ = request.body  # Says nothing, but may be too large.
    message = DatabaseChanged(about.estab, about.subject, received_at=now)
    queue.send(message.body(), delay_seconds=_SETTLING_SECONDS)
    return about.estab
