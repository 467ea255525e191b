"""Reads the body of an availability callback."""

from __future__ import annotations

from xporter_bridge.availability.db_status import Statuses, statuses_in
from xporter_bridge.callbacks.bodies import FORM, form_of, json_of, media_type_of, text_of
from xporter_bridge.errors import CallbackRejectedError


def read_statuses(body: bytes, content_type: str) -> Statuses:
    """Return what the body of an availability callback says, JSON or form; often nothing.

    Its encoding is not documented, so a content type decides only where the body leaves
    a choice.

    Raises:
        CallbackRejectedError: 400 for a body that is absent, or neither JSON nor a form.
    """
    text, media_type = text_of(body), media_type_of(content_type)
    if not text:
        raise CallbackRejectedError(400, "body_absent")
    if media_type not in {"", FORM, "text/plain"} and not media_type.endswith("json"):
        raise CallbackRejectedError(400, "content_type_unknown")
    # No form begins so, and clients that name no type call everything a form.
    is_form = text[0] not in ("[{" if media_type == FORM else '[{"')
    return statuses_in(form_of(text) if is_form else json_of(text))
