"""Serialised slices of tables, kept within a bound so that a warm page costs next to nothing."""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from tools.simulator.school.revisioned_tables import Key
from tools.simulator.service.endpoints import Shape

if TYPE_CHECKING:
    from tools.simulator.service.selection import Selection

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


def json_slice(selection: "Selection", shape: Shape, keys: Sequence[Key], start: int) -> bytes:
    """Return the rows of ``keys``, the slice at ``start``, as JSON without the brackets."""
    if not keys:
        return b""
    last = selection.source(shape).last(selection.revision)
    # The first and last key name the slice, since what lies between is fixed by the rest.
    name = (
        selection.school.serial, shape.resource, shape.name, last, selection.query.fingerprint,
        selection.columns(shape), start, len(keys), keys[0], keys[-1],
    )  # fmt: skip
    cache = selection.school.pages
    found = cache.get(name)
    if found is None:
        found = orjson.dumps(selection.rows(shape, keys))[1:-1]
        cache.put(name, found)
    return found


def dumps(value: Any) -> bytes:
    """Return ``value`` as JSON."""
    return orjson.dumps(value)
