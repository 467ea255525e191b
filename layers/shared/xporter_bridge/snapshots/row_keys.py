"""The order of rows, and the identity of a row, found without parsing where possible.

Rows are ordered by ``Id``: whole numbers by value, then other values by code point, and
last the rows without an identity, by a digest of their text. The order is total and the same for
every table, so that two snapshots can always be merged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from xporter_bridge.exact_json import dumps, loads

# If a row has this field, it identifies the row, even if the catalogue names another field.
ID = "Id"
ORDER_NAME = "numbers by value, then text by code point, then rows without Id by digest"

# Returns the order key of one row of a snapshot, which is JSON without its newline.
KeyOfLine = Callable[[bytes], bytes]

# A longer identity is ordered as text and shortened to its beginning and a digest: the headers of
# staged pages contain keys, and the length of a number has two bytes.
_MAX_IDENTITY = 512
# No byte of the order key of a number of up to so many digits is a comma or beyond ASCII.
_MAX_QUICK_DIGITS = 40
_WITHOUT_IDENTITY = b"\2"


def order_key(identity: object) -> bytes:
    """Return bytes that sort like the identities; equal only for the same identity.

    ``7`` and ``"7"`` are the same identity, because Xporter writes both; ``"07"`` is another.
    """
    return _key(str(identity).encode("utf-8", "surrogatepass"))


def order_keys(identities: Sequence[object]) -> list[bytes]:
    """Return the order key of each identity."""
    plain = plain_keys(identities)
    return list(map(order_key, identities)) if plain is None else plain


def plain_keys(identities: Sequence[object]) -> list[bytes] | None:
    """Return the order keys of a page if all identities are plain whole numbers; else None."""
    try:
        texts: list[str] = list(identities)  # type: ignore[arg-type]
        digits = "".join(texts)
    except TypeError:
        return None
    # Texts below "1" are numbers with a leading zero, and the empty text.
    if not (digits.isascii() and digits.isdigit()) or min(texts) < "1":
        return None
    lengths = set(map(len, texts))
    if max(lengths) > _MAX_IDENTITY:
        return None
    if len(lengths) == 1 and len(texts[0]) <= _MAX_QUICK_DIGITS:
        # Joined, encoded and split as one text, which is faster than a loop.
        start = _number(len(texts[0])).decode()
        return (start + f",{start}".join(texts)).encode().split(b",")
    starts = {length: _number(length) for length in lengths}
    return [starts[len(text)] + text.encode() for text in texts]


def line_key(line: bytes) -> bytes:
    """Return the order key of a row without an identity: a digest of its whole text."""
    return _WITHOUT_IDENTITY + sha256(line).digest()


def is_without_identity(key: bytes) -> bool:
    """Tell whether an order key is that of a row without an identity."""
    return key.startswith(_WITHOUT_IDENTITY)


def _number(digits: int) -> bytes:
    return b"\0" + digits.to_bytes(2)


def _key(text: bytes) -> bytes:
    if len(text) > _MAX_IDENTITY:
        return b"\1" + text[:_MAX_IDENTITY] + sha256(text).digest()
    if text.isdigit():
        digits = text.lstrip(b"0")
        key = _number(len(digits)) + digits
        return key if digits == text else key + b"\0" + text
    return b"\1" + text


def identity_of(row: Mapping[str, Any], key_field: str) -> object:
    """Return the identity of the row: its ``Id``, else the value of its table's key field.

    The casing of names does not matter. The result is None if both are missing or blank.
    """
    for name in (ID, key_field):
        identity = _value(row, name) if name else None
        if not is_blank(identity):
            return identity
    return None


def _value(row: Mapping[str, Any], field: str) -> object:
    if field in row:
        return row[field]
    folded = field.casefold()
    return next((value for name, value in row.items() if name.casefold() == folded), None)


def is_blank(identity: object) -> bool:
    """Tell whether a value is no identity, because several rows of a table may have it."""
    return identity is None or (isinstance(identity, str) and not identity.strip())


def identity_line(key_field: str) -> Callable[[bytes], bytes]:
    """Return the function that reduces a stored row to its identity, as ``{"Id":"3221"}``."""

    def reduced(line: bytes) -> bytes:
        row = loads(line)
        for folded in (ID.casefold(), key_field.casefold()):
            kept = {name: value for name, value in row.items() if name.casefold() == folded}
            if not all(map(is_blank, kept.values())):
                return dumps(kept)
        return line

    return reduced


def key_of_line(key_field: str) -> KeyOfLine:
    """Return the function that finds the order key of a stored row of such a table.

    Nearly every row begins with its Id, whose value is then extracted without parsing. All other
    rows are parsed.
    """
    prefix = b'{"' + ID.encode() + b'":"'
    start = len(prefix)

    def key(line: bytes) -> bytes:
        if line.startswith(prefix):
            value = line[start : line.index(b'"', start)]
            if b"\\" not in value and b" " < value[:1] < b"\x7f":
                return _key(value)
        identity = identity_of(loads(line), key_field)
        return line_key(line) if identity is None else order_key(identity)

    return key


def identities(entries: Iterable[Any], key_field: str) -> list[dict[str, str]]:
    """Return the entries of a ``_deleted`` array, each reduced to a row's identity.

    The only known example, a shortened fixture, has objects with an Id. Bare ids and the table's
    own key are supported too. An entry that identifies no row becomes an empty object.
    """
    return [_identity(entry, key_field) for entry in entries]


def _identity(entry: Any, key_field: str) -> dict[str, str]:
    identity = identity_of(entry, key_field) if isinstance(entry, dict) else entry
    return {} if is_blank(identity) else {key_field or ID: str(identity)}
