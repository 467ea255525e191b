"""Reads the body of an availability callback."""

from __future__ import annotations

from xporter_bridge.availability.db_status import Statuses, statuses_in
from xporter_bridge.callbacks.bodies import form_of, json_of, text_of


def read_statuses(body: bytes) -> Statuses:
    """Return what the body of an availability callback says, JSON or form; often nothing.

    The signed URL alone says for which request the wait is over: a body that cannot be read says
    nothing, and never keeps that from being heard. Its encoding is not documented and its type
    may be wrong, so neither matters.
    """
    text = text_of(body)
    document = json_of(text)
    return statuses_in(dict(form_of(text)) if document is None else document)
