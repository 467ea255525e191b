"""Distinguishes a school's changes to a row from bookkeeping, and from new columns.

A release of Xporter may change every row of every school at once; that is no mass change. Neither
is the number of pupils in each group of a small school that four pupils have joined.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import orjson

from xporter_bridge.exact_json import loads

# Columns that change with every refresh or release of Xporter, without a change by the school, and
# a count of the rows of another table, which that table's own limits guard.
_BOOKKEEPING = frozenset({"lastupdated", "rowhash", "numstudents"})
_BOOKKEPT = re.compile(
    rb',"(?:LastUpdated|RowHash|NumStudents)":(?:"[^"\\]*"|null|[0-9.]+)', re.IGNORECASE
)

IsSlight = Callable[[bytes, bytes], bool]


def slight_changes(known: Iterable[str]) -> IsSlight:
    """Return the function that tells whether a row changed only in bookkeeping or new columns.

    True if two versions differ only in bookkeeping, in the casing or order of names, or in
    columns that the table never had before. A removed column counts as the school's change.

    Args:
        known: All columns that the table has ever had.
    """
    folded = {name.casefold() for name in known}

    def is_slight(old: bytes, new: bytes) -> bool:
        if _BOOKKEPT.sub(b"", old) == _BOOKKEPT.sub(b"", new):
            return True
        before, after = _said(old), _said(new)
        return before == {name: value for name, value in after.items() if name in folded}

    return is_slight


def _said(line: bytes) -> dict[str, Any]:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        row = loads(line)  # 1e400
    folded = {name.casefold(): value for name, value in row.items()}
    return {name: value for name, value in folded.items() if name not in _BOOKKEEPING}
