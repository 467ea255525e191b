"""Turns the rows of one page into a block: JSON lines in order, each identity once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import lt
from typing import Any

import orjson

from xporter_bridge.blocks import Block, block_of, distinct
from xporter_bridge.ordering import identity_of, order_keys

Row = Mapping[str, Any]


def rendered(rows: Sequence[Row], key_field: str) -> Block | None:
    """Return the rows of a table as a block, or None if there are none.

    Pages mostly come in order, and those are neither sorted nor paired with their keys.

    Raises:
        PageDriftError: Two rows share an identity and differ.
    """
    if not rows:
        return None
    keys = order_keys(_identities(rows, key_field))
    lines = list(map(orjson.dumps, rows))
    if all(map(lt, keys, keys[1:])):
        return Block(b"\n".join(lines) + b"\n", len(rows), keys[0], keys[-1])
    return block_of(list(distinct(sorted(zip(keys, lines, strict=True)))))


def _identities(rows: Sequence[Row], key_field: str) -> list[object]:
    try:
        identities = [row[key_field] for row in rows]
    except KeyError:
        identities = [None]
    if None in identities:
        return [identity_of(row, key_field) for row in rows]
    return identities
