"""The age of a school's data, and whether the data is stale."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from xporter_bridge.datasets.model import Dataset
from xporter_bridge.pulls.model import SILENCE_GRACE, DatasetRecord, DatasetState
from xporter_bridge.timestamps import parse

_WITHOUT_DATA = {DatasetState.NOT_COVERED, DatasetState.ERASED}


@dataclass(frozen=True)
class Freshness:
    """The age of some data.

    ``as_of`` is the time that Xporter gave for the data, ``checked_at`` when we last compared
    the data with Xporter; both are empty before the first pull.
    """

    as_of: str
    checked_at: str
    age_seconds: int | None
    is_stale: bool


def of_dataset(item: DatasetRecord, dataset: Dataset | None, now: datetime) -> Freshness | None:
    """Return how fresh a dataset is; None if it has no data.

    A dataset of fixed dates does not age. A dataset that is kept up to date becomes stale when
    no pull has checked it for the TTL of its database and a grace period.
    """
    if item.state in _WITHOUT_DATA or dataset is None:
        return None
    is_kept = item.definition is None
    is_overdue = not item.checked_at or (
        is_kept and parse(item.checked_at) + dataset.endpoint.ttl + SILENCE_GRACE <= now
    )
    was_stale = item.manifest is not None and bool(item.manifest["stale"])
    return Freshness(
        item.as_of, item.checked_at, _age(item.as_of, now), is_stale=is_overdue or was_stale
    )


def together(parts: Iterable[Freshness]) -> Freshness:
    """Return the freshness of several datasets as a whole, which is that of the oldest."""
    parts = list(parts)
    ages = [part.age_seconds for part in parts]
    known = [age for age in ages if age is not None]
    return Freshness(
        as_of=min((part.as_of for part in parts), default=""),
        checked_at=min((part.checked_at for part in parts), default=""),
        age_seconds=max(known) if known and len(known) == len(ages) else None,
        is_stale=any(part.is_stale for part in parts),
    )


def _age(as_of: str, now: datetime) -> int | None:
    return max(0, int((now - parse(as_of)).total_seconds())) if as_of else None
