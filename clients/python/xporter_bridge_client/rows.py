"""Rows as Xporter wrote them, and what identifies a row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from .manifest import TableFacts

Row = dict[str, Any]


def parsed(line: bytes) -> Row:
    """Return the row of one line; a number with a fraction is a Decimal, which loses no digit."""
    row: Row = json.loads(line, parse_float=Decimal)
    return row


def identity(line: bytes, row: Mapping[str, Any], table: TableFacts) -> str:
    """Return the identity of a row: its ``Id``, else its table's key, else a digest of the row.

    ``7`` and ``"7"`` are one identity. The casing of names does not matter.
    """
    for field in () if table.is_by_row else ("Id", table.key):
        value = _value(row, field) if field else None
        if value is not None and str(value).strip():
            return str(value)
    return f"sha256:{hashlib.sha256(line).hexdigest()}"


def text(value: Any) -> str | None:
    """Return a value as text, as written in JSON but without quotes; None for null."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _value(row: Mapping[str, Any], field: str) -> Any:
    if field in row:
        return row[field]
    folded = field.casefold()
    return next((value for name, value in row.items() if name.casefold() == folded), None)
