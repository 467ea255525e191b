"""Encodes the rows of one page as a block: JSON lines in order, each row once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import lt
from typing import Any

import orjson

from xporter_bridge.exact_json import dumps, has_long_number, stand_in
from xporter_bridge.snapshots.blocks import Block, Repeats, block_of, distinct
from xporter_bridge.snapshots.row_keys import (
    ID,
    identity_of,
    is_blank,
    line_key,
    order_key,
    plain_keys,
)

Row = Mapping[str, Any]


class InexactError(Exception):
    """orjson may have changed a number in these rows."""


def rendered(rows: Sequence[Row], key_field: str, read_from: bytes = b"") -> Block | None:
    """Return the rows of a table as a block, or None if there are none.

    Most pages are in order; such rows are neither sorted nor paired with their keys.

    Args:
        read_from: The text from which orjson read the rows; empty if no number was changed.

    Raises:
        InexactError: The text contains numbers that orjson may have changed.
    """
    if not rows:
        return None
    lines = _lines(rows)
    if read_from and not stand_in(lines, read_from) and has_long_number(read_from):
        raise InexactError
    keys = _keys(rows, lines, key_field)
    if all(map(lt, keys, keys[1:])):
        return Block(b"\n".join((*lines, b"")), len(rows), keys[0], keys[-1])
    met = Repeats()
    return block_of(list(distinct(sorted(zip(keys, lines, strict=True)), met)), met)


def _lines(rows: Sequence[Row]) -> list[bytes]:
    try:
        return list(map(orjson.dumps, rows))
    except TypeError:
        return list(map(dumps, rows))


def _keys(rows: Sequence[Row], lines: Sequence[bytes], key_field: str) -> list[bytes]:
    try:
        identities = [row[ID] for row in rows]
    except KeyError:
        identities = [None]
    plain = plain_keys(identities)
    if plain is not None:
        return plain
    if not _has_blank(identities):
        return list(map(order_key, identities))
    identities = [identity_of(row, key_field) for row in rows]
    return [
        line_key(line) if identity is None else order_key(identity)
        for identity, line in zip(identities, lines, strict=True)
    ]


def _has_blank(identities: Sequence[object]) -> bool:
    try:
        return not all(map(str.strip, identities))  # type: ignore[arg-type]
    except TypeError:
        return any(map(is_blank, identities))
