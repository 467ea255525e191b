"""Reads the body of an availability callback."""

from __future__ import annotations

from xporter_bridge.availability.db_status import Statuses, statuses_in
from xporter_bridge.callbacks.bodies import form_of, json_of, text_of
from xporter_bridge.errors import CallbackRejectedError


def read_statuses(body: bytes) -> Statuses:
    """Return the statuses in the body of an availability callback; often none.

    The signed URL alone identifies the request, so a callback without a status is accepted too.
    The body may be JSON or a form: its encoding is not documented, and its type may be wrong.

    Raises:
        CallbackRejectedError: 400 for incomplete JSON; the sender may send it again.
    """
    text = text_of(body)
    document = json_of(text)
    if document is None and text.startswith(("{", "[")):
        raise CallbackRejectedError(400, "body_malformed")
    return statuses_in(dict(form_of(text)) if document is None else document)
