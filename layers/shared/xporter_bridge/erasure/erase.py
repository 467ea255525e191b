"""Erases a school, the data of a withdrawn scope, or what has been kept long enough.

Every version goes, and for good.

Three things keep a crash from leaving data behind unnoticed: what is to be erased is written
down before anything is deleted, the message is taken off its queue only afterwards, and every step
may be repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from xporter_bridge import telemetry
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.erasure.tombstone import (
    begun,
    cleared,
    erased_manifest,
    finished,
    is_erased,
    without_data,
)
from xporter_bridge.errors import RequestRejectedError
from xporter_bridge.events.bus import EventBus
from xporter_bridge.events.model import Event
from xporter_bridge.operations.repository import OperationTable
from xporter_bridge.pulls.model import LEASE, DatasetItem, dataset_of
from xporter_bridge.pulls.reconcile import LEFT_OUT, SCOPE_REMOVED, must_go
from xporter_bridge.pulls.repository import DatasetTable
from xporter_bridge.pulls.retention import EXPIRED, is_expired
from xporter_bridge.schools.model import School, SchoolState
from xporter_bridge.schools.outbox import publish_school_events
from xporter_bridge.schools.repository import SchoolTable
from xporter_bridge.snapshots.layout import Place, school_prefixes, staged_prefix, staging_prefix
from xporter_bridge.snapshots.store import Lake

# The longest that a queue delays; longer than any function may run, so whoever began before the
# school was erased has ended.
_LATE = timedelta(minutes=15)
_MARGIN = timedelta(seconds=5)
_A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class EraseDesk:
    """Everything that erasing needs; ``erasures`` is the queue that brings its messages."""

    schools: SchoolTable
    datasets: DatasetTable
    operations: OperationTable
    lake: Lake
    erasures: Queue
    bus: EventBus
    now: Callable[[], datetime]


def request_erasure(estab: str, schools: SchoolTable, erasures: Queue, now: datetime) -> School:
    """Delete the school's key, and have everything else of it erased.

    A crash between the two steps leaves a school that says of itself that it is being erased;
    asking again carries on.

    Raises:
        RequestRejectedError: 404 for an unknown school.
    """
    if schools.get(estab) is None:
        raise RequestRejectedError(404, "there is no such school")
    school = schools.change(estab, lambda school: begun(school, now))
    erasures.send({"estab": estab})
    return school


def erase(message: Mapping[str, Any], desk: EraseDesk) -> None:
    """Carry out one erasure.

    Args:
        message: ``estab`` for a school that ``request_erasure`` has marked; with ``dataset`` and
            ``reason`` for one dataset of it.

    Raises:
        TransientError: The message should come again.
    """
    if "dataset" in message:
        erase_dataset(message["estab"], message["dataset"], message["reason"], desk)
    else:
        erase_school(message["estab"], desk)


def erase_school(estab: str, desk: EraseDesk) -> None:
    """Delete everything of a school that is marked for it; only the tombstone stays.

    A message that comes twice finds a tombstone, and deletes what a late writer may have left
    after it; one that comes when the school has authorised anew does nothing.
    """
    school = desk.schools.change(estab, lambda school: cleared(school, desk.now()))
    if not school.is_being_erased and school.state is not SchoolState.ERASED:
        telemetry.record("erasure_superseded", estab=estab, state=str(school.state))
        return
    wait = _delete_everything(estab, desk)
    if school.is_being_erased and wait:
        desk.erasures.send({"estab": estab}, delay_seconds=wait)
        return
    if school.is_being_erased:
        # Sent first: a crash in between leaves one look too many, not one too few.
        desk.erasures.send({"estab": estab}, delay_seconds=int(_LATE.total_seconds()))
        desk.schools.change(estab, lambda school: finished(school, desk.now()))
        telemetry.record("school_erased", estab=estab)
        telemetry.count("DataErased", "school")
    publish_school_events(estab, desk.schools, desk.bus)


def erase_dataset(estab: str, name: str, reason: str, desk: EraseDesk) -> None:
    """Delete every version of a dataset's data; one more manifest tells its readers.

    Readers find no manifest at all in between. What may still be held of it, as the columns of
    the scopes that are left, is pulled anew afterwards. Of a temporary dataset that was erased
    before, the manifests and the item go too.

    The item says first that it is being erased, and last that it is: once begun, an erasure is
    carried out, whatever the school allows meanwhile.
    """
    item = desk.datasets.get(estab, name)
    if item is None or _is_superseded(item, reason, desk):
        telemetry.record("erasure_superseded", estab=estab, dataset=name)
        return
    reason = item.erasing or reason
    if reason == EXPIRED and is_erased(item):
        _forget(item, desk)
        return
    if not is_erased(item):
        leased = desk.datasets.lease_to_erase(item, desk.now())
        if leased is None:
            again = {"estab": estab, "dataset": name, "reason": reason}
            desk.erasures.send(again, delay_seconds=_seconds(LEASE))
            return
        item = _emptied(leased, reason, desk) if leased.sequence else _stopped(leased, desk)
        telemetry.record("dataset_erased", estab=estab, dataset=name, reason=reason)
        telemetry.count("DataErased", "dataset")
    if item.outbox:
        desk.bus.publish(Event.read(entry) for entry in item.outbox)
        desk.datasets.clear_outbox(item)


def _delete_everything(estab: str, desk: EraseDesk) -> int:
    """Delete what can be, and return for how many seconds somebody may still be writing.

    Whoever holds a dataset cannot commit any more, but may be copying what they have committed.
    """
    held = desk.datasets.of_school(estab)
    for item in held:
        desk.datasets.overtake(estab, item.dataset, keep_content=False)
    erased = sum(desk.lake.erase(prefix) for prefix in school_prefixes(estab))
    desk.lake.unstage(staged_prefix(estab))
    desk.operations.delete_school(estab)
    telemetry.record("school_data_deleted", estab=estab, datasets=len(held), objects=erased)
    if any(item.is_leased(desk.now()) for item in held):
        return _seconds(LEASE)
    desk.datasets.delete_school(estab)
    return 0


def _forget(item: DatasetItem, desk: EraseDesk) -> None:
    """Delete what said that the data is gone; asked for again, the dataset begins anew."""
    for prefix in Place(item.estab, item.dataset).prefixes:
        desk.lake.erase(prefix)
    desk.datasets.forget(item)
    telemetry.record("dataset_forgotten", estab=item.estab, dataset=item.dataset)


def _is_superseded(item: DatasetItem, reason: str, desk: EraseDesk) -> bool:
    """Tell whether the scope came back or the dataset was asked for, or the whole school goes."""
    school = desk.schools.get(item.estab)
    if school is None or school.is_being_erased or school.state is SchoolState.ERASED:
        return True
    if item.erasing:
        return False
    if reason == EXPIRED:
        return not is_expired(item, desk.now())
    is_by_rule = reason in {SCOPE_REMOVED, LEFT_OUT}  # any other word is that of a person
    return is_by_rule and not is_erased(item) and not must_go(item, school.scopes)


def _may_be_pulled_anew(item: DatasetItem, desk: EraseDesk) -> bool:
    """Tell whether only a part of the dataset may be held no longer."""
    school, dataset = desk.schools.get(item.estab), dataset_of(item)
    is_wanted = item.is_due or not is_expired(item, desk.now())
    return bool(is_wanted and school and dataset and dataset.covered_by(school.scopes))


def _emptied(item: DatasetItem, reason: str, desk: EraseDesk) -> DatasetItem:
    place = Place(item.estab, item.dataset)
    if _may_be_pulled_anew(item, desk):
        desk.datasets.request(item.estab, item.dataset, desk.now())
    item = desk.datasets.save(replace(item, erasing=reason), _A_DAY, desk.now())
    # First of all what somebody who stood still could copy to where readers look.
    desk.lake.unstage(staging_prefix(item.estab, item.dataset))
    for prefix in place.prefixes:
        desk.lake.erase(prefix)
        item = desk.datasets.renew(item, desk.now())
    document = erased_manifest(item, reason, desk.now())
    desk.lake.put_document(place.manifest(document["sequence"]), document)
    desk.lake.put_document(place.latest, document)
    emptied = without_data(item, document, desk.now())
    return desk.datasets.save(emptied, _A_DAY, desk.now())


def _stopped(item: DatasetItem, desk: EraseDesk) -> DatasetItem:
    """End a first pull that has not been committed, and so has no readers to be told."""
    desk.lake.unstage(staging_prefix(item.estab, item.dataset))
    stopped = replace(item, lease_expires_at="", checkpoint=None, scopes=())
    return desk.datasets.save(stopped, _A_DAY, desk.now())


def _seconds(wait: timedelta) -> int:
    return int((wait + _MARGIN).total_seconds())
