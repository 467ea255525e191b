"""Plans pulls: finds the datasets that a changed database makes due."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from math import ceil

from xporter_bridge import telemetry
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.datasets.config import DatasetConfig
from xporter_bridge.datasets.model import Dataset
from xporter_bridge.datasets.timetable import SCHOOL_TIME
from xporter_bridge.pulls.messages import DatabaseChanged, PullDataset
from xporter_bridge.pulls.model import LEASE, in_order_of_change, waits_for_callback
from xporter_bridge.pulls.record import DatasetRecord
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.schools.model import School
from xporter_bridge.schools.repository import SchoolRepository

_AFTER_A_LEASE_SECONDS = ceil(LEASE.total_seconds()) + 10


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
    heard_at = message.received_at
    wanted = config.of_database(database)
    # One query costs less than a write of each dataset, and most datasets wait already when the
    # second callback of a night comes.
    waiting = {item.dataset: item for item in datasets.of_school(estab) if waits_for_callback(item)}
    requested = _requested(
        school, wanted, heard_at, datasets, now, is_callback=True, waiting=waiting
    )
    _send(requested, pulls, now)
    telemetry.record("database_changed", estab=estab, database=database, datasets=len(requested))


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
    requested = _requested(
        school, config.values(), since, datasets, now, is_callback=False, waiting={}
    )
    _send(requested, pulls, now)
    telemetry.record("school_pulls_requested", estab=school.estab, datasets=len(requested))


def _requested(
    school: School,
    wanted: Iterable[Dataset],
    since: datetime,
    datasets: DatasetRepository,
    now: datetime,
    *,
    is_callback: bool,
    waiting: Mapping[str, DatasetRecord],
) -> list[DatasetRecord]:
    """Raise the demand for each dataset of which no pull began since, and return the datasets.

    A dataset of ``waiting`` is returned as it is: its demand is raised already.
    """
    today = now.astimezone(SCHOOL_TIME).date()
    requested = (
        waiting.get(each.on(today).name)
        or datasets.add_demand_since(
            school.estab,
            each.on(today).name,
            since,
            now,
            definition=each.definition_on(today),
            is_callback=is_callback,
        )
        for each in wanted
        if each.covered_by(school.scopes)
    )
    return [item for item in requested if item]


def _send(requested: list[DatasetRecord], pulls: Queue, now: datetime) -> None:
    """Send one message for the school: its holder pulls every dataset of the school that is due.

    The message is sent also if all were requested before: the process that requested them may have
    died before it sent its message.
    If all of them are being pulled, the message comes after the leases could have ended, in case a
    holder dies; a holder that lives looks for them itself.
    """
    if not requested:
        return
    idle = [item for item in requested if not item.is_leased(now)]
    first = in_order_of_change(idle or requested)[0]
    delay_seconds = 0 if idle else _AFTER_A_LEASE_SECONDS
    pulls.send(PullDataset(first.estab, first.dataset).body(), delay_seconds=delay_seconds)
