"""Makes a school's datasets follow what its scopes allow, whenever those may have changed."""

from __future__ import annotations

from datetime import datetime

from xporter_bridge.aws.sqs import Queue
from xporter_bridge.datasets.model import Dataset, configured
from xporter_bridge.datasets.timetable import SCHOOL_TIME
from xporter_bridge.erasure.tombstone import holds_anything, must_go
from xporter_bridge.pulls.model import DatasetItem, DatasetState
from xporter_bridge.pulls.repository import DatasetTable
from xporter_bridge.schools.model import School


def follow_scopes(
    school: School,
    previous_scopes: tuple[str, ...],
    datasets: DatasetTable,
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
            datasets.request(school.estab, name, now, definition=dataset.definition_on(today))
            wanted.append({"estab": school.estab, "dataset": name})
    pulls.send_all(wanted)
    _erase_what_must_go(school, list(held.values()), erasures, now)


def _is_wanted(
    dataset: Dataset,
    item: DatasetItem | None,
    granted: tuple[str, ...],
    previously_granted: tuple[str, ...],
) -> bool:
    if not dataset.covered_by(granted):
        # Asked for once all the same: the pull then records in the dataset's state what is missing.
        return item is None or item.state not in {DatasetState.NOT_COVERED, DatasetState.ERASED}
    is_settled = item is not None and item.state in {DatasetState.CURRENT, DatasetState.HELD}
    return not (is_settled and dataset.covered_by(previously_granted))


def _erase_what_must_go(
    school: School, held: list[DatasetItem], erasures: Queue, now: datetime
) -> None:
    """Have erased what may be held no longer, and overtaken whoever is fetching it just now."""
    for item in held:
        reason = must_go(item, school.scopes)
        if reason and holds_anything(item, now):
            erasures.send({"estab": school.estab, "dataset": item.dataset, "reason": reason})
