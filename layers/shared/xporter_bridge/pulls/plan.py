"""Plans pulls: finds the datasets that a changed database makes due."""

from __future__ import annotations

from datetime import datetime

from xporter_bridge import telemetry
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.datasets.config import DatasetConfig
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
    today = now.astimezone(SCHOOL_TIME).date()
    due = [
        each.on(today).name
        for each in config.of_database(database)
        if each.covered_by(school.scopes)
        and datasets.add_demand_since(
            estab, each.on(today).name, heard_at, now, definition=each.definition_on(today)
        )
    ]
    pulls.send_all(PullDataset(estab, name).body() for name in due)
    telemetry.record("database_changed", estab=estab, database=database, datasets=len(due))


def plan_all(
    school: School,
    since: datetime,
    datasets: DatasetRepository,
    pulls: Queue,
    config: DatasetConfig,
    now: datetime,
) -> None:
    """Request a pull of every configured dataset that the school's scopes allow.

    No callback says that the data changed, so data that is no newer contradicts none. A pull that
    began after ``since`` has seen what is wanted, which makes a repetition harmless.

    Raises:
        TransientError: The message should come again.
    """
    today = now.astimezone(SCHOOL_TIME).date()
    due = [
        each.on(today).name
        for each in config.values()
        if each.covered_by(school.scopes)
        and datasets.add_demand_since(
            school.estab,
            each.on(today).name,
            since,
            now,
            definition=each.definition_on(today),
            is_callback=False,
        )
    ]
    pulls.send_all(PullDataset(school.estab, name).body() for name in due)
    telemetry.record("school_asked", estab=school.estab, datasets=len(due))
