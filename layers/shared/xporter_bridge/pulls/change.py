"""A change of what readers find, as an entry of the index of changes (``change_index.py``).

The entry is one text, the index's sort key: nothing else is copied into the index, so that no
other write to the dataset's item touches the index.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from xporter_bridge.pulls.record import DatasetRecord
from xporter_bridge.timestamps import to_milliseconds

# The commits of an outage's end come in minutes; a partition takes 1,000 writes a second.
CHANGE_SHARDS = range(16)
# The item that tells of an erased school. It stays, as the school's own item does.
ERASED_SCHOOL = "#erased"
# An answer holds no change younger than this. The sum is in docs/decisions.md; a test holds the
# settings of the clients to it.
SAFETY_MARGIN = timedelta(seconds=30)
# How much the clocks of two Lambdas may differ, and how long a new entry may stay out of the index.
# AWS bounds neither: what comes later is delivered by the overlap (api/change_feed.py).
CLOCK_SKEW = timedelta(seconds=1)
INDEX_DELAY = timedelta(seconds=10)


class ChangeKind(StrEnum):
    """What has changed: a sequence was committed, or the data of a dataset or school is erased."""

    COMMITTED = "committed"
    DATASET_ERASED = "dataset_erased"
    SCHOOL_ERASED = "school_erased"


_LETTERS = {
    ChangeKind.COMMITTED: "c",
    ChangeKind.DATASET_ERASED: "d",
    ChangeKind.SCHOOL_ERASED: "s",
}
_KINDS = {letter: kind for kind, letter in _LETTERS.items()}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Change:
    """One change, to the millisecond; of a school, ``dataset`` is empty and ``sequence`` is 0."""

    at: datetime
    estab: str
    dataset: str
    sequence: int
    kind: ChangeKind

    def text(self) -> str:
        """Return the change as it is stored, in few bytes: every write of the item pays for them.

        Texts sort by time, and of the same time by estab and dataset.
        """
        place = f"{position_of(self.at)}#{self.estab}#{self.dataset}"
        return f"{place}#{self.sequence}#{_LETTERS[self.kind]}"

    @classmethod
    def read(cls, text: str) -> Change:
        """Return the change of a stored text.

        Raises:
            ValueError: It is not as it was written; KeyError of an unknown kind.
        """
        at, estab, dataset, sequence, letter = text.split("#")
        moment = datetime.fromtimestamp(int(at) // 1000, UTC)
        moment += timedelta(milliseconds=int(at) % 1000)
        return cls(moment, estab, dataset, int(sequence), _KINDS[letter])


def position_of(moment: datetime) -> str:
    """Return a text that sorts before every change of that millisecond, after all earlier ones."""
    return f"{(moment - _EPOCH) // timedelta(milliseconds=1):013}"


def with_change(item: DatasetRecord, now: datetime) -> DatasetRecord:
    """Return the record with the change to its current sequence, once readers find the sequence.

    A record that has the change already is returned as it is. One that an earlier version has
    written, which knows of no changes, gets its change late.

    Args:
        now: The time just before the record is written.
    """
    published = item.published
    made = published.manifest
    if published.unpublished or made is None or _sequence(published.change) == made.sequence:
        return item
    kind = ChangeKind.DATASET_ERASED if made.erased else ChangeKind.COMMITTED
    change = Change(to_milliseconds(now), item.estab, item.dataset, made.sequence, kind)
    return replace(item, published=replace(published, change=change.text()))


def change_shard(estab: str, dataset: str) -> int:
    """Return the shard of the index in which the changes of a dataset lie."""
    return hashlib.sha256(f"{estab}/{dataset}".encode()).digest()[0] % len(CHANGE_SHARDS)


def change_attributes(item: DatasetRecord) -> dict[str, Any]:
    """Return what puts the record's change into its shard of the index."""
    is_known = bool(item.published.change)
    return {"change_shard": change_shard(item.estab, item.dataset) if is_known else None}


def _sequence(text: str) -> int:
    """Return the sequence of a stored change; 0 for none, and for one of another form."""
    try:
        return Change.read(text).sequence
    except (ValueError, KeyError):
        return 0
