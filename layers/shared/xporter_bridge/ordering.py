"""The one order of rows, and how the identity of a row is found without parsing it.

Rows are ordered by ``Id``: whole numbers by value, everything else after them by code point. The
order is total and the same for every table, so that two snapshots can always be merged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

ORDER_NAME = "numbers by value, then text by code point"

# Returns the order key of one row, as it stands in a snapshot: JSON without its newline.
KeyOfLine = Callable[[bytes], bytes]


def order_key(identity: object) -> bytes:
    """Return bytes that sort as the identities do; equal only for the same identity.

    ``7`` and ``"7"`` are one identity, as Xporter writes either; ``"07"`` is another.
    """
    return _key(str(identity).encode("utf-8", "surrogatepass"))


def order_keys(identities: Sequence[object]) -> list[bytes]:
    """Return the order key of each identity; a page of plain whole numbers is done at once."""
    try:
        texts = list(map(str.encode, identities))  # type: ignore[arg-type]
    except (TypeError, UnicodeEncodeError):
        return list(map(order_key, identities))
    # Below "1" are the numbers with a leading zero, and the empty text.
    if not all(map(bytes.isdigit, texts)) or min(texts, default=b"") < b"1":
        return list(map(_key, texts))
    starts = {length: _number(length) for length in set(map(len, texts))}
    if len(starts) == 1:
        start = starts[len(texts[0])]
        return [start + text for text in texts]
    return [starts[len(text)] + text for text in texts]


def _number(digits: int) -> bytes:
    return b"\0" + digits.to_bytes(2)


def _key(text: bytes) -> bytes:
    if text.isdigit():
        digits = text.lstrip(b"0")
        key = _number(len(digits)) + digits
        return key if digits == text else key + b"\0" + text
    return b"\1" + text


def identity_of(row: Mapping[str, Any], key_field: str) -> object:
    """Return what identifies the row: the field's value, whatever the casing of its name.

    A row without a value there, or a table without such a field, is identified by its whole text.
    """
    identity = row.get(key_field) if key_field else None
    if identity is None and key_field:
        folded = key_field.casefold()
        identity = next((v for name, v in row.items() if name.casefold() == folded), None)
    return orjson.dumps(row).decode() if identity is None else identity


def identity_line(key_field: str) -> Callable[[bytes], bytes]:
    """Return the function that reduces a stored row to its identity, as ``{"Id":"3221"}``."""

    def reduced(line: bytes) -> bytes:
        row = orjson.loads(line)
        kept = {name: value for name, value in row.items() if name.casefold() == folded}
        return orjson.dumps(kept) if any(v is not None for v in kept.values()) else line

    folded = key_field.casefold()
    return reduced


def key_of_line(key_field: str) -> KeyOfLine:
    """Return the function that finds the order key of a stored row of such a table.

    Nearly every row begins with its key field, so its value is cut out without parsing; anything
    unusual is parsed.
    """
    prefix = b'{"' + key_field.encode() + b'":"'
    start = len(prefix)

    def key(line: bytes) -> bytes:
        if key_field and line.startswith(prefix):
            value = line[start : line.index(b'"', start)]
            if b"\\" not in value:
                return _key(value)
        return order_key(identity_of(orjson.loads(line), key_field))

    return key
