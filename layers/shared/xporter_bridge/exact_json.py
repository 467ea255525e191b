"""Reads and writes JSON without changing values: numbers beyond 64 bits, and lone surrogates.

orjson is fast, but it rounds a number that fits neither a 64-bit integer nor a float, and it
refuses a whole response for one lone surrogate. Both cases are rare. Therefore orjson reads the
response first. If the rows, written again, equal the bytes of the response, no value was changed.
Numbers that underflow a float become 0, as in every JSON reader.
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

# Digits, points and the letter of an exponent become one character, and whatever stands before a
# number another, so that one search finds a number too long to be sure of: fewer digits fit a
# 64-bit integer or float. 16 digits with an exponent do not (5003014800143412E-50).
_BEFORE_NUMBER = b":,[- \t\r\n"
_KINDS = bytes(
    ord("0") if char in b"0123456789.eE" else ord(":") if char in _BEFORE_NUMBER else ord("x")
    for char in range(256)
)
_LONG_NUMBER = b":" + b"0" * 17
_INTEGERS = range(-(2**63), 2**64)
_SURELY_INTEGER_DIGITS = 18
# Skip valid surrogate pairs and escaped backslashes; capture a lone surrogate.
_ESCAPES = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\(?:u[0-9a-fA-F]{4}|[\"\\/bfnrt])|(\\)|([\x00-\x1f])",
    re.DOTALL,
)
# A string, in which only characters are corrected, or the text between two strings.
_TEXT_OR_REST = re.compile(rb'("(?:[^"\\]++|\\.)*+")|([^"]++)', re.DOTALL)
# NaN and infinity as .NET writes them, and a trailing comma.
_NOT_JSON = re.compile(rb"[-+]?\b(?:NaN|Infinity|undefined)\b|,(?=\s*[\]}])")
_MARKS = {
    codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be",
}  # fmt: skip


class Document(dict[str, Any]):
    """A response as orjson reads it, with its text."""

    def __init__(self, fields: dict[str, Any], text: bytes) -> None:
        super().__init__(fields)
        self.text = text


class MendedDocument(dict[str, Any]):
    """A response that was malformed JSON and has been mended."""


class ExactNumber:
    """A number that Python or orjson would change; it is written exactly as it was read."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text


def loads(data: bytes) -> Any:
    """Return the value of the text, with ``ExactNumber`` for numbers that would be changed.

    Raises:
        ValueError: The text is no JSON.
    """
    if not has_long_number(data):
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError:
            pass  # A short number may also be too large: 1e400.
    try:
        return json.loads(data, parse_int=_integer, parse_float=_float, parse_constant=_refused)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def dumps(value: Any) -> bytes:
    """Return the text of a value that ``loads`` may have returned."""
    return orjson.dumps(value, default=_written)


def mended(data: bytes) -> bytes:
    """Return a response with malformed JSON corrected where the meaning is clear.

    Invalid characters become U+FFFD, control characters and lone backslashes in a string are
    escaped, NaN and infinity become null, and byte order marks and trailing commas are removed.
    Other faults remain: an incomplete response is still an error.
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
    """Tell whether the text may hold a number that orjson changes, perhaps within a string."""
    return _LONG_NUMBER in data.translate(_KINDS)


def stand_in(lines: Sequence[bytes], data: bytes) -> bool:
    """Tell whether the text contains the lines, joined by commas, byte for byte."""
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
