"""JSON whose values stay what they were: numbers beyond 64 bits, and characters cut in half.

orjson, the quick parser, reads a number that it has no room for as the nearest one it has, and
refuses a whole answer for one half of a surrogate pair. Both are rare, so what is quick comes
first and is proved: rows that were not changed stand in the answer just as they are written again.
Only what is nearer to zero than any float is zero, as it is to every reader.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Sequence
from decimal import Decimal
from math import isfinite
from typing import Any

import orjson

# Digits and points become one character, and whatever stands before a number another, so that
# one search finds a number too long to be sure of: fewer digits fit a 64-bit integer or float.
_BEFORE_NUMBER = b":,[- \t\r\n"
_KINDS = bytes(
    ord("0") if char in b"0123456789." else ord(":") if char in _BEFORE_NUMBER else ord("x")
    for char in range(256)
)
_LONG_NUMBER = b":" + b"0" * 17
_INTEGERS = range(-(2**63), 2**64)
_SURELY_INTEGER_DIGITS = 18
# A pair of escapes is one character and an escaped backslash none of both; what is left is a half.
_ESCAPES = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\(?:u[0-9a-fA-F]{4}|[\"\\/bfnrt])|(\\)|([\x00-\x1f])",
    re.DOTALL,
)
# A text, which is looked into for characters alone, or what stands between two of them.
_TEXT_OR_REST = re.compile(rb'("(?:[^"\\]++|\\.)*+")|([^"]++)', re.DOTALL)
# No number, as .NET writes it, and a comma after which nothing comes.
_NOT_JSON = re.compile(rb"[-+]?\b(?:NaN|Infinity|undefined)\b|,(?=\s*[\]}])")
_MARKS = {
    codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be",
}  # fmt: skip


class Document(dict[str, Any]):
    """An answer as orjson reads it, with the text it was read from."""

    def __init__(self, fields: dict[str, Any], text: bytes) -> None:
        super().__init__(fields)
        self.text = text


class MendedDocument(dict[str, Any]):
    """An answer that was not quite JSON."""


class ExactNumber:
    """A number that Python or orjson would change; written again as it was read."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text


def loads(data: bytes) -> Any:
    """Return what the text holds, with ``ExactNumber`` in place of numbers that would be changed.

    Raises:
        ValueError: It is no JSON.
    """
    if not has_long_number(data):
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError:
            pass  # A short number may be too large as well: 1e400.
    try:
        return json.loads(data, parse_int=_integer, parse_float=_float, parse_constant=_refused)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def dumps(value: Any) -> bytes:
    """Return the text of a value that ``loads`` may have returned."""
    return orjson.dumps(value, default=_written)


def mended(data: bytes) -> bytes:
    """Return an answer in which what is not quite JSON is mended, where its meaning is clear.

    Characters that are none become U+FFFD, control characters and lone backslashes in a text are
    escaped, numbers that are none become null, and byte order marks and commas after which nothing
    comes are left out. Whatever else is wrong stays wrong: a cut answer is cut.
    """
    mark = next((mark for mark in _MARKS if data.startswith(mark)), b"")
    encoding = _MARKS.get(mark, "utf-8")
    text = data.decode(encoding, "replace").strip("\ufeff\0").encode()
    return _TEXT_OR_REST.sub(_mended_part, text)


def _mended_part(found: re.Match[bytes]) -> bytes:
    if found[1] is None:
        return _NOT_JSON.sub(lambda it: b"" if it[0] == b"," else b"null", found[2])
    return _ESCAPES.sub(_mended_character, found[1])


def _mended_character(found: re.Match[bytes]) -> bytes:
    half, backslash, control = found.groups()
    if half:
        return rb"\ufffd"
    if backslash:
        return b"" if found.string[found.end() : found.end() + 1] == b"'" else rb"\\"
    return b"\\u%04x" % control[0] if control else found[0]


def has_long_number(data: bytes) -> bool:
    """Tell whether the text may hold a number that orjson changes; a text in it may look so."""
    return _LONG_NUMBER in data.translate(_KINDS)


def stand_in(lines: Sequence[bytes], data: bytes) -> bool:
    """Tell whether the lines stand in the text one after the other, to the byte."""
    place = data.find(lines[0])
    return place >= 0 and data.startswith(b",".join(lines), place)


def _integer(text: str) -> int | ExactNumber:
    if len(text) <= _SURELY_INTEGER_DIGITS:
        return int(text)
    is_short = len(text) <= len(str(_INTEGERS.start))
    return int(text) if is_short and int(text) in _INTEGERS else ExactNumber(text)


def _float(text: str) -> float | ExactNumber:
    number = float(text)
    if not number or not isfinite(number):
        digits = text.lower().partition("e")[0]
        return ExactNumber(text) if digits.strip("-0.") or number else number
    return number if Decimal(text) == Decimal(repr(number)) else ExactNumber(text)


def _refused(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _written(value: Any) -> Any:
    if isinstance(value, ExactNumber):
        return orjson.Fragment(str(value))
    raise TypeError
