"""Recognises data that Xporter is still fetching, by a DBStatus beside the tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_STATUS = "status"
_OK = "ok"
# No DBStatus is nested deeper.
_MAX_NESTED = 8


def is_pending(document: Mapping[str, Any]) -> bool:
    """Tell whether the response has a status that is not OK; its shape is not documented (13.7)."""
    return any(status != _OK for status in _statuses(document))


def _statuses(document: Mapping[str, Any]) -> Iterator[str]:
    for name, value in document.items():
        folded = name.strip("_").casefold()
        if isinstance(value, list | dict):
            if folded.endswith(_STATUS):
                yield from _statuses_in(value, _MAX_NESTED)
        elif folded.endswith(_STATUS) and isinstance(value, str):
            yield value.strip().casefold()


def _statuses_in(value: Any, depth: int) -> Iterator[str]:
    for name, each in value.items() if isinstance(value, dict) else (("", e) for e in value):
        if isinstance(each, list | dict) and depth:
            yield from _statuses_in(each, depth - 1)
        elif isinstance(each, str) and name.casefold().endswith(_STATUS):
            yield each.strip().casefold()
