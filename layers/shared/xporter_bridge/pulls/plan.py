"""Plans pulls: finds the datasets that a changed database makes due."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from xporter_bridge import telemetry
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.datasets.config import DatasetConfig
from xporter_bridge.datasets.model import Dataset
from xporter_bridge.datasets.timetable import SCHOOL_TIME
from xporter_bridge.pulls.messages import DatabaseChanged, PullDataset
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.schools.model import School
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.timestamps import parse


def plan(
    message: DatabaseChanged,
    schools: SchoolRepository,
    datasets: DatasetRepository,
    pulls: Queue,
    config: DatasetConfig,
    now: datetime,
) -> None:
    """Request a pull of every dataset that the database feeds and the school's scopes allow.

    A callback is only a hint that data may have changed. Any number of callbacks during a pull
    cause one further pull. Callbacks that were received before a pull began cause none.

    Raises:
        TransientError: The message should come again; a repetition is harmless.
    """
    estab, database = message.estab, message.database
    school = schools.get(estab)
    if school is None or not school.is_pullable:
        telemetry.record(
            "database_callback_ignored", estab=estab, state=school and str(school.state)
        )
        return
    heard_at = parse(message.received_at)
    wanted = config.of_database(database)
    names = _requested(school, wanted, heard_at, datasets, now, is_callback=True)
    pulls.send_all(PullDataset(estab, name).body() for name in names)
    telemetry.record("database_changed", estab=estab, database=database, datasets=len(names))


def plan_all(
    school: School,
    since: datetime,
    datasets: DatasetRepository,
    pulls: Queue,
    config: DatasetConfig,
    now: datetime,
) -> None:
    """Request a pull of every configured dataset that the school's scopes allow.

    A person wants it, and no callback says that data changed: an unchanged dataset contradicts
    nothing. A dataset whose last pull began after ``since`` is left out, so a repetition is
    harmless.

    Raises:
        TransientError: The message should come again.
    """
    names = _requested(school, config.values(), since, datasets, now, is_callback=False)
    pulls.send_all(PullDataset(school.estab, name).body() for name in names)
    telemetry.record("school_pulls_requested", estab=school.estab, datasets=len(names))


def _requested(
    school: School,
    wanted: Iterable[Dataset],
    since: datetime,
    datasets: DatasetRepository,
    now: datetime,
    *,
    is_callback: bool,
) -> list[str]:
    """Raise the demand for each dataset of which no pull began since, and return the names."""
    today = now.astimezone(SCHOOL_TIME).date()
    return [
        each.on(today).name
        for each in wanted
        if each.covered_by(school.scopes)
        and datasets.add_demand_since(
            school.estab,
            each.on(today).name,
            since,
            now,
            definition=each.definition_on(today),
            is_callback=is_callback,
        )
    ]
