"""Stores an outcome callback."""

from __future__ import annotations

from xporter_bridge.aws.sqs import Queue
from xporter_bridge.callbacks.request import CallbackRequest
from xporter_bridge.callbacks.signed_urls import CallbackKind
from xporter_bridge.callbacks.signing_keys import SigningKeys
from xporter_bridge.writebacks.read_callback import message_of, read_outcome


def accept_outcome(request: CallbackRequest, *, keys: SigningKeys, queue: Queue) -> str:
    """Store the outcome of a writeback, without the words it came with, and return its estab.

    Raises:
        CallbackRejectedError: 404 for a URL that is not ours, 400 if nothing says whether the
            writeback completed, 413 for a body that is too large.
        TransientError: The callback could not be stored; the sender should try again.
    """
    about = keys.verify(CallbackKind.WRITEBACK, request.query)
    outcome = read_outcome(request.query, request.body)
    queue.send(message_of(about.estab, about.subject, outcome).body())
    return about.estab
