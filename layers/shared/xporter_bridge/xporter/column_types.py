"""The types of Xporter's columns, by name: what the documentation and recordings show."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_TYPES = Path(__file__).with_name("column_types.json")


def type_of(column: str) -> str:
    """Return the name of a column's type; text for one that nobody knows: nothing is lost then."""
    return _types().get(column.casefold(), "text")


@cache
def _types() -> Mapping[str, str]:
    known = json.loads(_TYPES.read_text(encoding="utf-8"))
    return {name.casefold(): kind for kind, names in known.items() for name in names}
