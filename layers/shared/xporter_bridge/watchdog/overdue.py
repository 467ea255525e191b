"""Looks after whatever should have happened and has not: nothing is lost because nobody called.

Every item that waits for something carries the time by which somebody must look at it. Looking
is cheap and repeatable: it decides from the item alone and sends a message to whoever does work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from xporter_bridge import telemetry
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.errors import ConflictError
from xporter_bridge.events.bus import EventBus
from xporter_bridge.pulls.model import (
    DatasetItem,
    dataset_of,
    is_to_be_asked,
    next_look,
    wants_pull,
)
from xporter_bridge.pulls.outbox import publish_dataset_events
from xporter_bridge.pulls.repository import DatasetTable
from xporter_bridge.pulls.retention import EXPIRED, is_expired
from xporter_bridge.schools.model import School, next_probe
from xporter_bridge.schools.outbox import publish_school_events
from xporter_bridge.schools.repository import SchoolTable
from xporter_bridge.timestamps import iso
from xporter_bridge.watchdog.sweep import look_at_each

# A message was sent for it: give its consumer this long before looking again.
_PATIENCE = timedelta(minutes=2)


@dataclass(frozen=True)
class WatchDesk:
    """Everything that watching schools and datasets needs."""

    schools: SchoolTable
    datasets: DatasetTable
    pulls: Queue
    onboarding: Queue
    erasures: Queue
    bus: EventBus


def watch(desk: WatchDesk, now: datetime, has_time: Callable[[], bool]) -> Mapping[str, int]:
    """Look at every school and dataset whose time has come; return how many there were.

    What was not reached in time, or failed, is still due the next minute, which begins elsewhere.
    """
    schools = look_at_each(
        ((estab,) for estab, _ in desk.schools.due(now)),
        lambda estab: _look_at_school(estab, desk, now),
        has_time,
    )
    datasets = look_at_each(
        desk.datasets.due(now),
        lambda estab, name, seen: _look_at_dataset(estab, name, seen, desk, now),
        has_time,
    )
    return {
        "schools": schools.looked,
        "datasets": datasets.looked,
        "failed": schools.failed + datasets.failed,
        "cut": schools.is_cut + datasets.is_cut,
    }


def _look_at_school(estab: str, desk: WatchDesk, now: datetime) -> None:
    schools = desk.schools
    publish_school_events(estab, schools, desk.bus)
    school = schools.get(estab)
    if school and school.is_being_erased:
        desk.erasures.send({"estab": estab})
    elif school and school.probe_at and school.probe_at <= iso(now):
        telemetry.count("DeadlinePassed", "probe")
        desk.onboarding.send({"estab": estab})
        schools.change(estab, lambda school: _probed(school, now))


def _probed(school: School, now: datetime) -> School:
    return replace(school, probe_at=next_probe(school, now))


def _look_at_dataset(estab: str, name: str, seen: str, desk: WatchDesk, now: datetime) -> None:
    item = desk.datasets.get(estab, name)
    if item is None:
        return
    dataset = dataset_of(item)
    ttl = dataset.endpoint.ttl if dataset else timedelta(days=1)
    if item.outbox and not item.unpublished:
        publish_dataset_events(item, desk.datasets, desk.schools, desk.bus, now)
    if item.erasing or is_expired(item, now):
        reason = item.erasing or EXPIRED
        desk.erasures.send({"estab": estab, "dataset": name, "reason": reason})
        desk.datasets.look_again(estab, name, seen, iso(now + _PATIENCE))
        return
    if item.hold and item.hold["expires_at"] <= iso(now) and not item.decision:
        item = _expired(item, desk, now)
        seen = ""
    elif is_to_be_asked(item, ttl, now):
        school = desk.schools.get(estab)
        if school is None or not school.is_pullable:
            # Its own state asks for every dataset when it is ready again.
            desk.datasets.look_again(estab, name, seen, iso(now + timedelta(days=1)))
            return
        telemetry.count("DatasetsSilent", dataset.database if dataset else "unknown")
        item = desk.datasets.request(estab, name, now)
        seen = ""
    if wants_pull(item, now):
        telemetry.count("DeadlinePassed", "pull")
        desk.pulls.send({"estab": estab, "dataset": name})
        desk.datasets.look_again(estab, name, seen, iso(now + _PATIENCE))
    else:
        at = next_look(replace(item, outbox=()), ttl, now)
        desk.datasets.look_again(estab, name, seen, at)


def _expired(item: DatasetItem, desk: WatchDesk, now: datetime) -> DatasetItem:
    try:
        return desk.datasets.decide(item.estab, item.dataset, "expire", now)
    except ConflictError:
        return item  # Something else is held now, or nothing: that pull says when to look again.
