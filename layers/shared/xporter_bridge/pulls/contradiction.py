"""A callback that the data contradict: the callback said "changed", the pull found no change.

The webhook may come before the data can be read. So we look again a few times, soon, unless
another dataset of the same database has changed: then that is what the callback was about.
A callback that follows a change which was already pulled is most likely Xporter's repetition of
that change: one look is enough.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from xporter_bridge.datasets.config import DatasetConfig
from xporter_bridge.pulls.model import next_look_at
from xporter_bridge.pulls.record import DatasetRecord, DatasetState, Looks
from xporter_bridge.timestamps import has_come

LOOKS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15))
# Several callbacks speak of one change; what comes this soon after it is still about it.
_SAME_NEWS = timedelta(minutes=2)
# A database is seldom refreshed twice within this time, and its callback is often repeated.
_REPEATED_NEWS = timedelta(minutes=30)


def after_nothing_new(
    item: DatasetRecord,
    of_school: Iterable[DatasetRecord],
    config: DatasetConfig,
    began_at: datetime,
    now: datetime,
) -> DatasetRecord:
    """Return the dataset after a pull that found what there was, with the time to look again.

    A callback that came after the pull began is for the next pull.

    Args:
        of_school: The school's datasets, as far as they are known here. A change that another pull
            makes meanwhile is met by the look.
    """
    heard = item.demand.heard_at
    if not heard or heard > began_at or _has_changed_since(item, heard, first=1):
        return replace(item, looks=item.looks.ended())
    count = item.looks.count if item.looks.heard_at == heard else 0
    if count == len(LOOKS):
        return replace(item, looks=Looks(heard, count))
    looking = replace(item, looks=Looks(heard, count + 1, now + LOOKS[count]))
    if is_explained(looking, of_school, config):
        return replace(looking, looks=looking.looks.ended())
    return looking


def after_news(item: DatasetRecord) -> DatasetRecord:
    """Return the dataset after a pull that found something: no callback is contradicted."""
    return replace(item, looks=Looks(item.demand.heard_at, len(LOOKS)))


def is_look_due(item: DatasetRecord, now: datetime) -> bool:
    """Tell whether the time has come to look again after a callback."""
    is_wanted = not item.is_due and item.state is DatasetState.CURRENT
    return is_wanted and has_come(next_look_at(item), now)


def is_explained(
    item: DatasetRecord, of_school: Iterable[DatasetRecord], config: DatasetConfig
) -> bool:
    """Tell whether the callback was about a change of the same database that was pulled.

    Before the first look, a change of another dataset at the time of the callback explains the
    callback; after it, also a change of any dataset in the half hour before the callback. A first
    snapshot explains nothing: it is no change.
    """
    is_looked_into = item.looks.count > 1
    known_for = _REPEATED_NEWS if is_looked_into else _SAME_NEWS
    return any(
        config.database_of(other) == config.database_of(item)
        and _has_changed_since(other, item.looks.heard_at, first=2, known_for=known_for)
        for other in of_school
        if is_looked_into or other.dataset != item.dataset
    )


def _has_changed_since(
    item: DatasetRecord,
    heard: datetime | None,
    *,
    first: int,
    known_for: timedelta = _SAME_NEWS,
) -> bool:
    """Tell whether the dataset's sequence, ``first`` or later, is of after the callback.

    ``known_for`` is how long before the callback the sequence may have been made.
    """
    made = item.published.manifest
    if heard is None or made is None or item.published.sequence < first:
        return False
    return made.completed_at >= heard - known_for
