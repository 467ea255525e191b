"""DBStatus, whose shape no public source gives: found wherever it may be in what Xporter sends.

Only names and statuses are kept: messages beside them may say anything (xporter-api.md 6, 13.7).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from xporter_bridge.callbacks.bodies import json_of

Statuses = tuple[tuple[str, str], ...]

_OK = "ok"
_MOST = 20
_WORD = re.compile(r"[^A-Za-z0-9_.-]+")
_STATUS = re.compile("status", re.IGNORECASE)
_NAME = re.compile("name|database|^db$", re.IGNORECASE)


def is_ready(statuses: Statuses) -> bool:
    """Tell whether every component database is OK; no status at all is not ready."""
    return bool(statuses) and all(status.casefold() == _OK for _, status in statuses)


def statuses_in(document: Any) -> Statuses:
    """Return (database, status) of every object that has a status, wherever it stands."""
    found = dict.fromkeys(_walk(document, 0))
    return tuple(found)[:_MOST]


def _walk(value: Any, depth: int) -> Iterator[tuple[str, str]]:
    if depth > _MOST:
        return
    if isinstance(value, str) and _is_nested(value):
        value = json_of(value)  # An object that was encoded twice.
    if isinstance(value, Mapping):
        yield from _own(value)
    children = value.values() if isinstance(value, Mapping) else value
    for child in children if isinstance(value, Mapping | list) else ():
        yield from _walk(child, depth + 1)


def _own(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    said = {name: value for name, value in entry.items() if _STATUS.search(name)}
    # ``Status`` speaks for its object; a ``StatusMessage`` beside it only comments on it.
    named = {name: value for name, value in said.items() if name.casefold().endswith("status")}
    names = [value for name, value in entry.items() if _NAME.search(name) and value]
    for value in (named or said).values():
        if not _is_nested(value):
            yield _word(names[0] if names else ""), _word(value)


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping | list) or (isinstance(value, str) and value[:1] in ("[", "{"))


def _word(value: Any) -> str:
    return _WORD.sub(" ", str(value)).strip()[:60]
