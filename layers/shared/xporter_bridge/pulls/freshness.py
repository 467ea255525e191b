"""The age of a school's data, and whether the data is stale."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from xporter_bridge.datasets.model import Dataset
from xporter_bridge.pulls.model import BASELINE_EVERY, SILENCE_GRACE
from xporter_bridge.pulls.record import DatasetRecord, DatasetState

_WITHOUT_DATA = {DatasetState.NOT_COVERED, DatasetState.ERASED}
# A change set may say no time, so the time of the data may be that of the weekly pull of all rows.
AS_OF_GRACE = BASELINE_EVERY + timedelta(days=3)
AS_OF_IS_OLD, CHECKED_AT_IS_OLD = "as_of is old", "checked_at is old"
_MARKED = "marked stale by its pull"


@dataclass(frozen=True)
class Freshness:
    """The age of some data, by two clocks.

    ``as_of`` is the time that Xporter gave for them: it stands still when the school's agent does.
    ``checked_at`` is when we last compared them with Xporter: it stands still when we do. Both are
    None before the first pull, and ``as_of`` where Xporter gave no time. ``reason`` says which of
    them is old.
    """

    as_of: datetime | None
    checked_at: datetime | None
    age_seconds: int | None
    is_stale: bool
    reason: str = field(default="", compare=False)


def of_dataset(item: DatasetRecord, dataset: Dataset | None, now: datetime) -> Freshness | None:
    """Return how fresh a dataset is; None if it has no data.

    A dataset of fixed dates is as fresh as it was when it was asked for; one that is kept up to
    date becomes stale when one of its clocks stands still beyond its TTL and some grace.
    """
    if item.state in _WITHOUT_DATA or dataset is None:
        return None
    made = item.published.manifest
    reasons = [_MARKED] if made is not None and made.stale else []
    ttl = dataset.endpoint.ttl
    is_kept = item.demand.definition is None
    if is_kept and is_outdated(item.published.as_of, ttl, now):
        reasons.append(AS_OF_IS_OLD)
    if not item.published.checked_at or (
        is_kept and item.published.checked_at + ttl + SILENCE_GRACE <= now
    ):
        reasons.append(CHECKED_AT_IS_OLD)
    return Freshness(
        item.published.as_of,
        item.published.checked_at,
        _age(item.published.as_of, now),
        bool(reasons),
        ", ".join(reasons),
    )


def is_outdated(as_of: datetime | None, ttl: timedelta, now: datetime) -> bool:
    """Tell whether data are so old that nobody refreshes them; False where no time is known."""
    return as_of is not None and as_of + ttl + AS_OF_GRACE <= now


def together(parts: Iterable[Freshness]) -> Freshness:
    """Return the freshness of several datasets as a whole, which is that of the oldest."""
    parts = list(parts)
    ages = [part.age_seconds for part in parts]
    known = [age for age in ages if age is not None]
    return Freshness(
        as_of=_oldest(part.as_of for part in parts),
        checked_at=_oldest(part.checked_at for part in parts),
        age_seconds=max(known) if known and len(known) == len(ages) else None,
        is_stale=any(part.is_stale for part in parts),
        reason=", ".join(
            each
            for each in (_MARKED, AS_OF_IS_OLD, CHECKED_AT_IS_OLD)
            if any(each in part.reason for part in parts)
        ),
    )


def _oldest(moments: Iterable[datetime | None]) -> datetime | None:
    """Return the oldest of the moments; None if one of them is unknown."""
    all_ = list(moments)
    known = [moment for moment in all_ if moment is not None]
    return min(known) if known and len(known) == len(all_) else None


def _age(as_of: datetime | None, now: datetime) -> int | None:
    return max(0, int((now - as_of).total_seconds())) if as_of else None
