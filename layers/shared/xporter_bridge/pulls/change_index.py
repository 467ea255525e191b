"""The index of the datasets' table by change: what changed at any school, in order of time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from heapq import merge
from itertools import takewhile
from operator import itemgetter

from xporter_bridge.aws.dynamodb import DynamoTable
from xporter_bridge.pulls.change import (
    CHANGE_SHARDS,
    ERASED_SCHOOL,
    Change,
    ChangeKind,
    change_shard,
    position_of,
)
from xporter_bridge.schools.trouble_index import index_may_be_missing
from xporter_bridge.timestamps import to_milliseconds

_INDEX, _PARTITION, _SORT = "by_change", "change_shard", "change"
# One call of a shard reads a few entries more than its part of the page: shards are not even.
_SPARE = 5


class ChangeIndex:
    """The changes; a dataset has one entry, its latest, and so has an erased school."""

    def __init__(self, items: DynamoTable) -> None:
        self._items = items

    def read(self, after: str, until: datetime, page: int) -> Iterator[str]:
        """Yield the texts of changes after a position and before a time, the earliest first.

        Args:
            after: The text of a change, or what ``position_of`` makes of a time.
            page: How many the caller is likely to want.

        Raises:
            IndexNotReadyError: DynamoDB is making the index.
        """
        size = page // len(CHANGE_SHARDS) + _SPARE
        shards = [
            self._items.query_index_after(_INDEX, _PARTITION, shard, _SORT, after, size)
            for shard in CHANGE_SHARDS
        ]
        last = position_of(until)
        with index_may_be_missing():
            texts = map(itemgetter(_SORT), merge(*shards, key=itemgetter(_SORT)))
            yield from takewhile(lambda text: text < last, texts)

    def note_school_erased(self, estab: str, now: datetime) -> None:
        """Note that everything of a school is erased; noted again, it has happened later."""
        erased = Change(to_milliseconds(now), estab, "", 0, ChangeKind.SCHOOL_ERASED)
        shard = change_shard(estab, ERASED_SCHOOL)
        self._items.update(estab, ERASED_SCHOOL, set_={_SORT: erased.text(), _PARTITION: shard})
