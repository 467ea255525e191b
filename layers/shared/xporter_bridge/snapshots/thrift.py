"""Writes Thrift's compact protocol, in which Parquet describes its files."""

from __future__ import annotations

from collections.abc import Iterable

# A field: its id, the code of its type, and its bytes.
Field = tuple[int, int, bytes]

_TRUE, _FALSE, _I32, _I64, _BINARY, _LIST, _STRUCT = 1, 2, 5, 6, 8, 9, 12
_LONG_LIST = 15


def varint(value: int) -> bytes:
    """Return a number that is not negative, seven bits a byte, the lowest first."""
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)


def struct(fields: Iterable[Field]) -> bytes:
    """Return a struct; the ids of its fields ascend."""
    made, last = bytearray(), 0
    for number, kind, data in fields:
        made.append((number - last) << 4 | kind)
        made += data
        last = number
    made.append(0)
    return bytes(made)


def i32(number: int, value: int) -> Field:
    """Return a field of 32 bits."""
    return number, _I32, _zigzag(value)


def i64(number: int, value: int) -> Field:
    """Return a field of 64 bits."""
    return number, _I64, _zigzag(value)


def truth(number: int, *, value: bool) -> Field:
    """Return a field that is true or false; its type says which."""
    return number, _TRUE if value else _FALSE, b""


def text(number: int, value: str) -> Field:
    """Return a field of text."""
    return number, _BINARY, _text(value)


def nested(number: int, *fields: Field) -> Field:
    """Return a field that is a struct."""
    return number, _STRUCT, struct(fields)


def structs(number: int, values: list[bytes]) -> Field:
    """Return a field that is a list of structs."""
    return number, _LIST, _list(_STRUCT, values)


def i32s(number: int, values: list[int]) -> Field:
    """Return a field that is a list of numbers of 32 bits."""
    return number, _LIST, _list(_I32, [_zigzag(value) for value in values])


def texts(number: int, values: list[str]) -> Field:
    """Return a field that is a list of texts."""
    return number, _LIST, _list(_BINARY, [_text(value) for value in values])


def _zigzag(value: int) -> bytes:
    return varint(value << 1 if value >= 0 else (-value << 1) - 1)


def _text(value: str) -> bytes:
    data = value.encode()
    return varint(len(data)) + data


def _list(kind: int, values: list[bytes]) -> bytes:
    count = len(values)
    head = bytes([count << 4 | kind]) if count < _LONG_LIST else bytes([0xF0 | kind])
    return head + (b"" if count < _LONG_LIST else varint(count)) + b"".join(values)
