"""Finds the DBStatus in a response or callback; no public source documents its shape.

A DBStatus is a member with its name, or the whole document. It is never in a row: a status there
is a pupil's, and a note may begin like JSON. Only names and statuses are stored, because messages
beside them may contain any text (xporter-api.md 6, 13.7).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from xporter_bridge.casing import spelled
from xporter_bridge.xporter.envelopes import is_status_name

Statuses = tuple[tuple[str, str], ...]

_OK = "ok"
_MAX_DEPTH = _MAX_STATUSES = 20
_WORD = re.compile(r"[^A-Za-z0-9_.-]+")
_STATUS = re.compile("status", re.IGNORECASE)
_NAME = re.compile("name|database|^db$", re.IGNORECASE)


def is_ready(statuses: Statuses) -> bool:
    """Tell whether every database is OK; False without any status."""
    return bool(statuses) and all(status.casefold() == _OK for _, status in statuses)


def statuses_in(document: Any) -> Statuses:
    """Return (database, status) of every object with a status within a DBStatus."""
    found = dict.fromkeys(_outside(document, 0))
    return tuple(found)[:_MAX_STATUSES]


def _outside(value: Any, depth: int) -> Iterator[tuple[str, str]]:
    """Yield the statuses of a whole document, or of a named member within it."""
    value = _decoded(value)
    if not isinstance(value, Mapping):
        yield from _inside(value, depth)
        return
    named = [child for name, child in value.items() if is_status_name(name)]
    if any(_is_nested(child) for child in named):
        for child in named:
            yield from _inside(child, depth + 1)
        return
    # The arrays of any other object are tables.
    if not any(isinstance(child, list) for child in value.values()):
        yield from _own(value)
    for child in value.values():
        if isinstance(child, Mapping) and depth < _MAX_DEPTH:
            yield from _outside(child, depth + 1)


def _inside(value: Any, depth: int) -> Iterator[tuple[str, str]]:
    """Yield the statuses of a DBStatus: one entry, or entries in nested arrays and objects."""
    if depth > _MAX_DEPTH:
        return
    value = _decoded(value)
    if isinstance(value, Mapping):
        yield from _own(value)
    children = value.values() if isinstance(value, Mapping) else value
    for child in children if isinstance(value, Mapping | list) else ():
        if isinstance(child, Mapping | list):
            yield from _inside(child, depth + 1)


def _own(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    said = {name: value for name, value in entry.items() if _STATUS.search(name)}
    # ``Status`` speaks for its object; a ``StatusMessage`` beside it only comments on it.
    named = {name: value for name, value in said.items() if name.casefold().endswith("status")}
    names = [value for name, value in entry.items() if _NAME.search(name) and value]
    for value in (named or said).values():
        if not _is_nested(value):
            yield _word(names[0] if names else ""), _word(value)


def _decoded(value: Any) -> Any:
    """Return the JSON document within a text; the text itself if it holds none."""
    if not isinstance(value, str) or not _is_nested(value):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping | list) or (isinstance(value, str) and value[:1] in ("[", "{"))


def _word(value: Any) -> str:
    return _WORD.sub(" ", spelled(value)).strip()[:60]
