"""Reads the fields of a callback's body, in any encoding.

A body may be a form or JSON, because Xporter documents the encoding of almost none of its
callbacks. Old clients send Windows-1252, bare flags and names with an ``&`` in them. This module
refuses no body: the code that uses a field checks the field. Nothing here needs more than the
standard library, because receivers have to start quickly.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote_to_bytes

from xporter_bridge.casing import spelled

# Xporter documents the values of no flag.
_TRUE = {"true", "1", "yes", "y", "on", "ok", "success"}
_FALSE = {"false", "0", "no", "n", "off", "error", "failed"}

# The name of a field and one of its values; ``...`` for a name in a form without a value.
Field = tuple[str, Any]


class _Object(list[Field]):
    """The fields of a JSON object in order, including repeated names."""


def text_of(body: bytes) -> str:
    """Return the text of a body, without surrounding white space and byte order mark.

    A body that is not UTF-8 is read as Windows-1252.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = _in_windows_1252(body)
    return text.strip()


def json_of(text: str) -> Any:
    """Return the document of a JSON text; None if the text is no JSON.

    The last value of a repeated field counts.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def form_of(text: str) -> list[Field]:
    """Return every field of a form in order."""
    return [_field(part) for part in re.split("&(?:amp;)?", text) if part.strip()]


def fields_of(body: bytes) -> list[Field]:
    """Return every field of a JSON object or a form in order.

    The first character decides: content types are often wrong, and no form that Xporter
    documents begins like an object.
    """
    text = text_of(body)
    if not text.startswith("{"):
        return form_of(text)
    try:
        document = json.loads(text, object_pairs_hook=_Object)
    except (ValueError, RecursionError):
        return []
    return [(name.strip(), value) for name, value in document]


def truth_of(value: object) -> bool | None:
    """Return the truth value of a flag, or None for an unknown value."""
    word = spelled(value).strip().casefold()
    return True if word in _TRUE else False if word in _FALSE else None


def _field(part: str) -> Field:
    name, equals, value = part.partition("=")
    return _unquoted(name).strip(), _unquoted(value).strip() if equals else ...


def _unquoted(text: str) -> str:
    data = unquote_to_bytes(text.replace("+", " ").encode("utf-8", "surrogatepass"))
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _in_windows_1252(data)


def _in_windows_1252(data: bytes) -> str:
    return data.decode("windows-1252", "replace")
