"""The rows of a selection as JSON, by way of the cache of pages."""

from collections.abc import Sequence

from tools.simulator.school.revisioned_tables import Key
from tools.simulator.service.endpoints import Shape
from tools.simulator.service.page_cache import dumps
from tools.simulator.service.selection import Selection


def json_slice(selection: Selection, shape: Shape, keys: Sequence[Key], start: int) -> bytes:
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
        found = dumps(selection.sent(shape, keys))[1:-1]
        cache.put(name, found)
    return found
