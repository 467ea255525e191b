"""The one order of rows, and how the identity of a row is found without parsing it.

Rows are ordered by ``Id``: whole numbers by value, everything else after them by code point. The
order is total and the same for every table, so that two snapshots can always be merged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

ORDER_NAME = "numbers by value, then text by code point"

# Returns the order key of one row, as it stands in a snapshot: JSON without its newline.
KeyOfLine = Callable[[bytes], bytes]


def order_key(identity: object) -> bytes:
    """Return bytes that sort as the identities do; equal only for the same identity.

    ``7`` and ``"7"`` are one identity, as Xporter writes either; ``"07"`` is another.
    """
    text = str(identity)
    if text.isdigit() and text.isascii():
        digits = text.lstrip("0")
        return b"\0%c%c%b\0%b" % (*len(digits).to_bytes(2), digits.encode(), text.encode())
    return b"\1" + text.encode("utf-8", "surrogatepass")


def identity_of(row: Mapping[str, Any], key_field: str) -> object:
    """Return what identifies the row: the field's value, whatever the casing of its name.

    A row without the field, or a table without such a field, is identified by its whole text.
    """
    if key_field in row:
        return row[key_field]
    for name, value in row.items():
        if key_field and name.casefold() == key_field.casefold():
            return value
    return orjson.dumps(row).decode()


def identity_line(key_field: str) -> Callable[[bytes], bytes]:
    """Return the function that reduces a stored row to its identity, as ``{"Id":"3221"}``."""

    def reduced(line: bytes) -> bytes:
        row = orjson.loads(line)
        kept = {name: value for name, value in row.items() if name.casefold() == folded}
        return orjson.dumps(kept) if kept else line

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
                return order_key(value.decode())
        return order_key(identity_of(orjson.loads(line), key_field))

    return key
