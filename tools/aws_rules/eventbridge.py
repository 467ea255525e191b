"""What EventBridge refuses, or accepts and then drops.

Sizes: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html;
entries: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

MAX_ENTRY_BYTES = 256 * 1024
_TIME_BYTES = 14


def violations(operation: str, parameters: Mapping[str, Any]) -> list[str]:
    """Return what EventBridge would refuse a request or one of its entries for."""
    if operation != "PutEvents":
        return []
    entries = parameters.get("Entries", ())
    found = [
        f"Entries[{number}].{what}"
        for number, entry in enumerate(entries)
        for what in _of_entry(entry)
    ]
    total = sum(map(_size, entries))
    return (
        [*found, f"Entries: {total} bytes are not below {MAX_ENTRY_BYTES}"]
        if total >= MAX_ENTRY_BYTES
        else found
    )


def _of_entry(entry: Mapping[str, Any]) -> Iterator[str]:
    for name in ("Source", "DetailType", "Detail"):
        if not entry.get(name):
            yield f"{name}: is missing"
    if str(entry.get("Source", "")).lower().startswith("aws."):
        yield "Source: aws. is AWS's own"
    try:
        detail = json.loads(entry.get("Detail", "{}"), parse_constant=_refuse)
    except ValueError:
        yield "Detail: is not JSON"
    else:
        if not isinstance(detail, dict):
            yield "Detail: is not an object"


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _size(entry: Mapping[str, Any]) -> int:
    texts = (entry.get(name) or "" for name in ("Source", "DetailType", "Detail"))
    sizes = [
        len(text.encode(errors="surrogatepass")) for text in (*texts, *entry.get("Resources", ()))
    ]
    return sum(sizes) + (_TIME_BYTES if entry.get("Time") else 0)
