"""Reconciles a school's datasets with its scopes, whenever the scopes may have changed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from xporter_bridge import telemetry
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.datasets.config import DatasetConfig
from xporter_bridge.datasets.model import Dataset
from xporter_bridge.datasets.timetable import SCHOOL_TIME
from xporter_bridge.erasure.messages import EraseDataset
from xporter_bridge.pulls.messages import PullDataset
from xporter_bridge.pulls.model import withheld_because
from xporter_bridge.pulls.record import DatasetRecord, DatasetState
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.pulls.slots import SLOTS_PER_SCHOOL
from xporter_bridge.schools.model import School
from xporter_bridge.xporter import scopes


def reconcile_with_scopes(
    school: School,
    previous_scopes: tuple[str, ...],
    datasets: DatasetRepository,
    pulls: Queue,
    erasures: Queue,
    config: DatasetConfig,
    now: datetime,
) -> None:
    """Request every dataset that the scopes allow and that is not current; erase the disallowed.

    ``previous_scopes`` are the scopes known before. A dataset that they covered and that is current
    needs no pull, so a callback that comes twice causes none.
    """
    _report_missing_scopes(school)
    held = {item.dataset: item for item in datasets.of_school(school.estab)}
    ending = _erase_what_must_go(school, held.values(), erasures, config, now)
    today = now.astimezone(SCHOOL_TIME).date()
    wanted = []
    for dataset in config.values():
        name = dataset.on(today).name
        # Of what is being erased, the erasure itself asks for whatever may be held of it after.
        if name not in ending and _is_wanted(dataset, held.get(name), school, previous_scopes):
            datasets.add_demand(school.estab, name, now, definition=dataset.definition_on(today))
            wanted.append(PullDataset(school.estab, name).body())
    # A message for each slot of the school: the holder of a slot pulls every dataset that waits.
    pulls.send_all(wanted[:SLOTS_PER_SCHOOL])


def _report_missing_scopes(school: School) -> None:
    if not school.scopes:
        # Its token works, so this is a mistake, or a decision, that only a person can clear up.
        telemetry.warn("token_allows_nothing", estab=school.estab)
        telemetry.count("ScopesMissing", "all")
    elif school.missing_scopes:
        missing = sorted(school.missing_scopes)
        telemetry.warn("scopes_missing", estab=school.estab, scopes=missing)
        telemetry.count("ScopesMissing", "some")


def _is_wanted(
    dataset: Dataset,
    item: DatasetRecord | None,
    school: School,
    previously_granted: tuple[str, ...],
) -> bool:
    if withheld_because(item or DatasetRecord(school.estab, dataset.name), dataset, school):
        # Asked for once all the same: the pull then records in the dataset's state what is missing.
        return item is None or item.state not in {DatasetState.NOT_COVERED, DatasetState.ERASED}
    is_settled = item is not None and item.state in {DatasetState.CURRENT, DatasetState.HELD}
    return not (is_settled and dataset.covered_by(previously_granted))


def _erase_what_must_go(
    school: School,
    held: Iterable[DatasetRecord],
    erasures: Queue,
    config: DatasetConfig,
    now: datetime,
) -> set[str]:
    """Enqueue the erasure of every dataset whose data must go, and return their names."""
    ending = set()
    for item in held:
        reason = erasure_reason(item, config.dataset_of(item), school.retained_scopes)
        if reason and has_data(item, now):
            erasures.send(EraseDataset(school.estab, item.dataset, reason).body())
            ending.add(item.dataset)
    return ending


SCOPE_REMOVED = "scope_removed"


LEFT_OUT = "left_out"


def erasure_reason(item: DatasetRecord, dataset: Dataset | None, granted: Iterable[str]) -> str:
    """Return why the dataset's stored data must be erased; empty if it may be kept.

    The reason is a removed scope, of the whole dataset or of some columns, or a configuration
    that leaves out columns which are stored. The data of a dataset that is not configured any
    more expires (``retention``), unless a scope was removed under which it was pulled.
    """
    gone = set(item.published.scopes) - set(scopes.among(item.published.scopes, granted))
    if dataset is None:
        return SCOPE_REMOVED if gone else ""
    if not dataset.covered_by(granted) or gone & dataset.endpoint.column_scopes:
        return SCOPE_REMOVED
    return LEFT_OUT if dataset.leaves_out_any(item.published.columns) else ""


def has_data(item: DatasetRecord, now: datetime) -> bool:
    """Tell whether the dataset has data, or a pull that is fetching some."""
    has_data = bool(item.published.manifest and item.published.manifest.tables) or bool(item.hold)
    return has_data or item.progress.checkpoint is not None or item.is_leased(now)
