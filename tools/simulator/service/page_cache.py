"""Serialised slices of tables, kept within a bound so that a warm page costs next to nothing."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

import orjson

CHUNK_ROWS = 1000


class PageCache:
    """Recently served slices as JSON, oldest out first."""

    def __init__(self, limit_bytes: int = 128_000_000) -> None:
        self._limit = limit_bytes
        self._held = 0
        self._slices: OrderedDict[Hashable, bytes] = OrderedDict()

    def get(self, name: Hashable) -> bytes | None:
        """Return the slice, if it is still held."""
        found = self._slices.get(name)
        if found is not None:
            self._slices.move_to_end(name)
        return found

    def put(self, name: Hashable, content: bytes) -> None:
        """Hold a slice."""
        self._slices[name] = content
        self._held += len(content)
        while self._held > self._limit:
            self._held -= len(self._slices.popitem(last=False)[1])


def dumps(value: Any) -> bytes:
    """Return ``value`` as JSON."""
    return orjson.dumps(value)
