"""Reads the body of an availability callback."""

from __future__ import annotations

from xporter_bridge.availability.db_status import Statuses, statuses_in
from xporter_bridge.callbacks.bodies import form_of, json_of, text_of
from xporter_bridge.errors import CallbackRejectedError


def read_statuses(body: bytes) -> Statuses:
    """Return what the body of an availability callback says, JSON or form; often nothing.

    The signed URL alone says for which request the wait is over: a body without a status says
    nothing, and does not keep the URL from being heard. The encoding of the body is not documented
    and its type may be wrong, so neither matters.

    Raises:
        CallbackRejectedError: 400 for JSON that was cut: its sender has more to say, and may say
            it again.
    """
    text = text_of(body)
    document = json_of(text)
    if document is None and text.startswith(("{", "[")):
        raise CallbackRejectedError(400, "body_malformed")
    return statuses_in(dict(form_of(text)) if document is None else document)
