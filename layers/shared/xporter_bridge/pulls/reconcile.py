"""Reconciles a school's datasets with its scopes, whenever the scopes may have changed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from xporter_bridge.aws.sqs import Queue
from xporter_bridge.datasets.config import configured
from xporter_bridge.datasets.model import Dataset
from xporter_bridge.datasets.timetable import SCHOOL_TIME
from xporter_bridge.pulls.model import DatasetRecord, DatasetState, dataset_of
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.schools.model import School
from xporter_bridge.xporter import scopes


def reconcile_with_scopes(
    school: School,
    previous_scopes: tuple[str, ...],
    datasets: DatasetRepository,
    pulls: Queue,
    erasures: Queue,
    now: datetime,
) -> None:
    """Ask for every dataset that the scopes allow and that is not current; erase what must go.

    ``previous_scopes`` are those known before: a dataset that was covered then, and is current,
    needs no pull because a callback came twice.
    """
    held = {item.dataset: item for item in datasets.of_school(school.estab)}
    today = now.astimezone(SCHOOL_TIME).date()
    wanted = []
    for dataset in configured().values():
        name = dataset.on(today).name
        if _is_wanted(dataset, held.get(name), school.scopes, previous_scopes):
            datasets.add_demand(school.estab, name, now, definition=dataset.definition_on(today))
            wanted.append({"estab": school.estab, "dataset": name})
    pulls.send_all(wanted)
    _erase_what_must_go(school, list(held.values()), erasures, now)


def _is_wanted(
    dataset: Dataset,
    item: DatasetRecord | None,
    granted: tuple[str, ...],
    previously_granted: tuple[str, ...],
) -> bool:
    if not dataset.covered_by(granted):
        # Asked for once all the same: the pull then records in the dataset's state what is missing.
        return item is None or item.state not in {DatasetState.NOT_COVERED, DatasetState.ERASED}
    is_settled = item is not None and item.state in {DatasetState.CURRENT, DatasetState.HELD}
    return not (is_settled and dataset.covered_by(previously_granted))


def _erase_what_must_go(
    school: School, held: list[DatasetRecord], erasures: Queue, now: datetime
) -> None:
    """Enqueue the erasure of every dataset that the school does not allow us to hold any more."""
    for item in held:
        reason = erasure_reason(item, school.scopes)
        if reason and has_data(item, now):
            erasures.send({"estab": school.estab, "dataset": item.dataset, "reason": reason})


SCOPE_REMOVED = "scope_removed"


LEFT_OUT = "left_out"


def erasure_reason(item: DatasetRecord, granted: Iterable[str]) -> str:
    """Return why the dataset's stored data must be erased; empty if it may be kept.

    The reason is a removed scope, of the whole dataset or of some columns, or a configuration
    that leaves out columns which are stored. The data of a dataset that is not configured any
    more expires (``retention``), unless a scope was removed under which it was pulled.
    """
    dataset = dataset_of(item)
    gone = set(item.scopes) - set(scopes.among(item.scopes, granted))
    if dataset is None:
        return SCOPE_REMOVED if gone else ""
    if not dataset.covered_by(granted) or gone & dataset.endpoint.column_scopes:
        return SCOPE_REMOVED
    return LEFT_OUT if dataset.leaves_out_any(item.columns) else ""


def has_data(item: DatasetRecord, now: datetime) -> bool:
    """Tell whether the dataset has data, or a pull that is fetching some."""
    has_data = bool(item.manifest and item.manifest["tables"]) or bool(item.hold)
    return has_data or item.checkpoint is not None or item.is_leased(now)
