"""The index of the schools' table by trouble: the worst of a fleet of any size come first."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from heapq import merge
from operator import itemgetter

from xporter_bridge.aws.dynamodb import Item
from xporter_bridge.errors import ConfigurationError, TransientError
from xporter_bridge.schools.state_index import StateIndex
from xporter_bridge.schools.trouble import Trouble

_INDEX, _PARTITION, _SORT = "by_trouble", "trouble_shard", "trouble"
# An outage may put thousands of schools into the index within minutes.
_SHARDS = range(8)
# Sorts before every entry.
_FIRST = "0"


class IndexNotReadyError(TransientError):
    """An index is being made: a deployment adds it to a table in use."""


class TroubleIndex(StateIndex):
    """The schools by trouble; reads no school as a whole."""

    def troubled(self, page: int, after: str | None = None) -> Iterator[tuple[str, str]]:
        """Yield (position, estab) of every troubled school: the worst first, then the longest.

        Args:
            page: How many schools the caller is likely to want.
            after: The position after which to begin.

        Raises:
            IndexNotReadyError: The index is being made; schools enter it for a day after that.
        """
        shards = [
            self._items.query_index_after(_INDEX, _PARTITION, shard, _SORT, after or _FIRST, page)
            for shard in _SHARDS
        ]
        with index_may_be_missing():
            for item in merge(*shards, key=itemgetter(_SORT)):
                yield item[_SORT], item["estab"]

    def count_troubled(self) -> int:
        """Return how many schools are in trouble.

        Raises:
            IndexNotReadyError: See ``troubled``.
        """
        with index_may_be_missing():
            return sum(self._items.count_index(_INDEX, _PARTITION, shard) for shard in _SHARDS)


def trouble_attributes(trouble: Trouble | None, estab: str) -> Item:
    """Return the attributes that put a school into the index, or take it out for None."""
    shard = hashlib.sha256(estab.encode()).digest()[0] % len(_SHARDS)
    return {
        _SORT: f"{trouble.text()}#{estab}" if trouble else None,
        _PARTITION: shard if trouble else None,
    }


@contextmanager
def index_may_be_missing() -> Iterator[None]:
    """Tell an index that is still being made from a deployment that is wrong.

    Raises:
        IndexNotReadyError: See the class.
    """
    try:
        yield
    except ConfigurationError as error:
        if not str(error).endswith(": ValidationException"):
            raise
        raise IndexNotReadyError("index_not_ready") from error
