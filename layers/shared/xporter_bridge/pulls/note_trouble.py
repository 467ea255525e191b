"""Notes with the school how its datasets are, so that the index of troubled schools is current."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from xporter_bridge.datasets.config import DatasetConfig
from xporter_bridge.pulls.attention import shown_state, worst_trouble
from xporter_bridge.pulls.record import DatasetRecord, DatasetState
from xporter_bridge.schools.model import School
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.schools.trouble import Trouble


def note_trouble(
    school: School,
    items: Iterable[DatasetRecord],
    schools: SchoolRepository,
    config: DatasetConfig,
    now: datetime,
) -> None:
    """Store the worst trouble of all the school's datasets, if it is another than is stored.

    Args:
        school: As it was read a moment ago; it costs no read here, and a write only for news.
        items: Every dataset of the school.
    """
    found = worst_trouble(items, config, school.state_since, now)
    if found != school.data_trouble:
        _store(school, found, schools)


def note_waiting(
    item: DatasetRecord, schools: SchoolRepository, config: DatasetConfig, now: datetime
) -> None:
    """Store that a dataset is in trouble of which no pull will tell, because none runs.

    What ends a trouble is noted at the end of the next pull: here a school only enters the index.
    """
    is_pending = shown_state(item) is DatasetState.PENDING
    if not is_pending and worst_trouble([item], config, None, now) is None:
        return
    school = schools.get(item.estab)
    if school is None or school.data_trouble is not None:
        return
    found = worst_trouble([item], config, school.state_since, now)
    if found:
        _store(school, found, schools)


def _store(school: School, found: Trouble | None, schools: SchoolRepository) -> None:
    schools.change(school.estab, lambda current: replace(current, data_trouble=found))
