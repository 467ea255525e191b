"""The bodies of callbacks: bytes to fields, whatever they are called and however they are written.

Form and JSON are equal, because Xporter documents the encoding of almost none of its callbacks, and
old clients send Windows-1252, bare flags and names with an ``&`` in them. Nothing is refused here:
the code that acts on a field checks the field. Only the standard library is imported: receivers
have to start quickly.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote_to_bytes

# Xporter documents of no flag how it is written.
_TRUE = {"true", "1", "yes", "y", "on", "ok", "success"}
_FALSE = {"false", "0", "no", "n", "off", "error", "failed"}

# A field as it is written, and one value of it; ``...`` where a name of a form stands alone.
Field = tuple[str, Any]


class _Object(list[Field]):
    """The fields of a JSON object in order, also those that are named twice."""


def text_of(body: bytes) -> str:
    """Return the text of a body, without white space or a mark of byte order around it.

    What is no UTF-8 is taken for Windows-1252.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = _in_windows_1252(body)
    return text.strip()


def json_of(text: str) -> Any:
    """Return the document that a JSON text makes; None if it makes none.

    Of a field that is named twice the last value counts.
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

    A body is judged by its first character: content types are often wrong, and no form that
    Xporter documents begins like an object.
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
    """Return what a flag says, or None for what says neither."""
    word = str(value).strip().casefold()
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
