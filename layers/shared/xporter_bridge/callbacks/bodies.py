"""The bodies of callbacks: bytes to fields, refusing what could be read in two ways.

Form and JSON are equal, because Xporter documents the encoding of almost none of its callbacks.
Nothing here needs more than the standard library: receivers have to start quickly.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from xporter_bridge.errors import CallbackRejectedError

FORM = "application/x-www-form-urlencoded"
_MAX_FIELDS = 200
# Xporter documents of no flag how it is written.
_TRUE = {"true", "1", "yes", "y", "on", "ok", "success"}
_FALSE = {"false", "0", "no", "n", "off", "error", "failed"}


def text_of(body: bytes) -> str:
    """Return the text of a body, without white space or a mark of byte order around it.

    Raises:
        CallbackRejectedError: 400 if it is not UTF-8 or holds a NUL.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CallbackRejectedError(400, "body_not_utf8") from error
    if "\0" in text:
        raise CallbackRejectedError(400, "nul_in_body")
    return text.strip()


def media_type_of(content_type: str) -> str:
    """Return the media type of a content type, in lower case; empty if there is none."""
    return content_type.partition(";")[0].strip().casefold()


def json_of(text: str) -> Any:
    """Return the document that a JSON text makes.

    Raises:
        CallbackRejectedError: 400 if it is not JSON, or names a field twice.
    """
    try:
        return json.loads(text, object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as error:
        raise CallbackRejectedError(400, "body_not_json") from error


def form_of(text: str) -> dict[str, str]:
    """Return the fields of a form, names in lower case.

    Raises:
        CallbackRejectedError: 400 if it is not a form, or names a field twice.
    """
    try:
        pairs = parse_qsl(
            text.strip("&"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
    except ValueError as error:
        raise CallbackRejectedError(400, "body_not_form") from error
    return _without_nul(
        _distinct([(name.strip().casefold(), value.strip()) for name, value in pairs])
    )


def read_fields(body: bytes, content_type: str) -> dict[str, Any]:
    """Return the fields of a form or a JSON object, names in lower case.

    Without a content type the body is judged by its first character.

    Raises:
        CallbackRejectedError: 400 for a body that is absent, neither form nor JSON, not what its
            type claims, not UTF-8, holds a NUL, or names a field twice.
    """
    text = text_of(body)
    if not text:
        raise CallbackRejectedError(400, "body_absent")
    media_type = media_type_of(content_type)
    if media_type == "application/json" or (not media_type and text[0] in "[{"):
        return _object_of(text)
    if media_type in {"", FORM}:
        return form_of(text)
    raise CallbackRejectedError(400, "content_type_unknown")


def truth_of(value: object) -> bool | None:
    """Return what a flag says, or None for what says neither."""
    word = str(value).strip().casefold()
    return True if word in _TRUE else False if word in _FALSE else None


def _object_of(text: str) -> dict[str, Any]:
    document = json_of(text)
    if not isinstance(document, dict):
        raise CallbackRejectedError(400, "body_no_object")
    return _without_nul(_distinct([(name.casefold(), value) for name, value in document.items()]))


def _without_nul(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields, unless an escape brought in a NUL, which the raw body may not hold."""
    texts = (text for field in fields.items() for text in field if isinstance(text, str))
    if any("\0" in text for text in texts):
        raise CallbackRejectedError(400, "nul_in_body")
    return fields


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields:
            raise CallbackRejectedError(400, "field_repeated")
        fields[name] = value
    return fields
