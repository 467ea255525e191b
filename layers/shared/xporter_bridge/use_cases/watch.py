"""Looks after whatever should have happened and has not: nothing is lost because nobody called.

Every item that waits for something carries the time by which somebody must look at it. Looking
is cheap and repeatable: it decides from the item alone and sends a message to whoever does work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from xporter_bridge import telemetry
from xporter_bridge.adapters.dataset_table import DatasetTable
from xporter_bridge.adapters.event_bus import EventBus
from xporter_bridge.adapters.queues import Queue
from xporter_bridge.adapters.school_table import SchoolTable
from xporter_bridge.pulls import DatasetItem, is_silent, next_look, wants_pull
from xporter_bridge.schools import School, next_probe
from xporter_bridge.times import iso
from xporter_bridge.use_cases.onboard import publish
from xporter_bridge.use_cases.pull import announce, dataset_of

# A message was sent for it: give its consumer this long before looking again.
_PATIENCE = timedelta(minutes=2)


@dataclass(frozen=True)
class WatchDesk:
    """Everything that watching schools and datasets needs."""

    schools: SchoolTable
    datasets: DatasetTable
    pulls: Queue
    onboarding: Queue
    bus: EventBus


def watch(desk: WatchDesk, now: datetime) -> Mapping[str, int]:
    """Look at every school and dataset whose time has come; return how many there were."""
    found = {"schools": 0, "datasets": 0}
    for estab, _ in desk.schools.due(iso(now)):
        found["schools"] += 1
        _look_at_school(estab, desk, now)
    for estab, dataset, seen in desk.datasets.due(now):
        found["datasets"] += 1
        _look_at_dataset(estab, dataset, seen, desk, now)
    return found


def _look_at_school(estab: str, desk: WatchDesk, now: datetime) -> None:
    schools = desk.schools
    publish(estab, schools, desk.bus)
    school = schools.get(estab)
    if school and school.probe_at and school.probe_at <= iso(now):
        telemetry.count("DeadlinePassed", "probe")
        desk.onboarding.send({"estab": estab})
        schools.change(estab, lambda school: _probed(school, now))


def _probed(school: School, now: datetime) -> School:
    return replace(school, probe_at=next_probe(school, now))


def _look_at_dataset(estab: str, name: str, seen: str, desk: WatchDesk, now: datetime) -> None:
    datasets = desk.datasets
    item = datasets.get(estab, name)
    if item is None:
        return
    dataset = dataset_of(item)
    ttl = dataset.endpoint.ttl if dataset else timedelta(days=1)
    if item.outbox and not item.unpublished:
        announce(item, desk.datasets, desk.schools, desk.bus, now)
    if item.hold and item.hold["expires_at"] <= iso(now) and not item.decision:
        item = datasets.decide(estab, name, "expire", now)
        seen = ""
    elif not item.is_due and (is_silent(item, ttl, now) or _is_baseline_due(item, now)):
        school = desk.schools.get(estab)
        if school is None or not school.is_pullable:
            # Its own state asks for every dataset when it is ready again.
            datasets.look_again(estab, name, seen, iso(now + timedelta(days=1)))
            return
        telemetry.count("SchoolsSilent", dataset.database if dataset else "unknown")
        item = datasets.request(estab, name, now)
        seen = ""
    if wants_pull(item, now):
        telemetry.count("DeadlinePassed", "pull")
        desk.pulls.send({"estab": estab, "dataset": name})
        datasets.look_again(estab, name, seen, iso(now + _PATIENCE))
    else:
        datasets.look_again(estab, name, seen, next_look(replace(item, outbox=()), ttl, now))


def _is_baseline_due(item: DatasetItem, now: datetime) -> bool:
    return bool(item.baseline_at) and item.baseline_at <= iso(now)
