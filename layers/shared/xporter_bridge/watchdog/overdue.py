"""Finds overdue work and enqueues it: no work is lost because a callback did not arrive.

Every item that waits stores the time at which the watchdog must look at it. A look is cheap and
idempotent: it decides from the item alone and sends a message to the function that does the work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from xporter_bridge import telemetry
from xporter_bridge.availability.messages import AdvanceRequest
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.datasets.model import Dataset
from xporter_bridge.erasure.messages import EraseDataset, ErasePeople, EraseSchool
from xporter_bridge.errors import ConflictError
from xporter_bridge.events.bus import EventBus
from xporter_bridge.messages import Message
from xporter_bridge.onboarding.messages import ProbeSchool
from xporter_bridge.operations.model import OperationKind, kind_of, soon
from xporter_bridge.operations.repository import OperationRepository
from xporter_bridge.pulls.contradiction import is_explained, is_look_due
from xporter_bridge.pulls.messages import PullDataset
from xporter_bridge.pulls.model import (
    MESSAGE_PATIENCE,
    is_overdue,
    is_silent,
    needs_worker,
    next_watch_at,
    ttl_of,
)
from xporter_bridge.pulls.note_trouble import note_waiting
from xporter_bridge.pulls.outbox import publish_dataset_events
from xporter_bridge.pulls.record import DatasetRecord
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.pulls.retention import EXPIRED, is_expired
from xporter_bridge.schools.model import School, next_probe
from xporter_bridge.schools.outbox import publish_school_events
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.timestamps import has_come
from xporter_bridge.watchdog.sweep import SweepResult, sweep
from xporter_bridge.writebacks.messages import SubmitWriteback

# The message that continues an operation of each kind.
_MESSAGES: Mapping[OperationKind, Callable[[str, str], Message]] = {
    OperationKind.PULL: AdvanceRequest,
    OperationKind.WRITEBACK: SubmitWriteback,
}
# After a message was sent, its consumer has this long before the next look.
_PATIENCE = timedelta(minutes=2)
# Their messages take some two seconds; the handler keeps twenty back.
_MOST_SCHOOLS_KEPT = 50
# Some 40 KB each.
_MOST_SCHOOLS_KNOWN = 200


@dataclass(frozen=True)
class WatchDependencies:
    """The dependencies of watching schools and datasets."""

    schools: SchoolRepository
    datasets: DatasetRepository
    pulls: Queue
    onboarding: Queue
    erasures: Queue
    bus: EventBus


def enqueue_overdue(
    deps: WatchDependencies, shards: Sequence[int], now: datetime, has_time: Callable[[], bool]
) -> Mapping[str, int]:
    """Look at every school and dataset of the shards whose time has come; return how many.

    Failed and unreached items are still overdue in the next sweep of their shard.
    """
    schools = sweep(
        ((estab,) for estab, _ in deps.schools.due(now, shards)),
        lambda estab: _look_at_school(estab, deps, now),
        has_time,
    )
    run = _DatasetRun(deps, now)
    datasets = sweep(deps.datasets.due(now, shards), run.look_at, has_time)
    unsent = run.waiting.send()
    if schools.is_cut or datasets.is_cut:
        telemetry.count("WatchCut", "data")
    return {
        "schools": schools.looked,
        "datasets": datasets.looked,
        "failed": schools.failed + datasets.failed + unsent,
        "cut": schools.is_cut + datasets.is_cut,
    }


def enqueue_overdue_operations(
    operations: OperationRepository,
    queues: Mapping[OperationKind, Queue],
    shards: Sequence[int],
    now: datetime,
    has_time: Callable[[], bool],
) -> SweepResult:
    """Send a message for every operation of the shards whose time has come.

    The consumer decides from the operation's record; nothing is decided here.
    """

    def send(estab: str, id_: str, seen: str) -> None:
        if kind := kind_of(id_):
            queues[kind].send(_MESSAGES[kind](estab, id_).body())
            operations.reschedule_watch(estab, id_, seen, soon(now))

    found = sweep(operations.due(now, shards), send, has_time)
    if found.is_cut:
        telemetry.count("WatchCut", "operations")
    return found


class _WaitingSchools:
    """Schools with datasets that wait for a message: one message serves all of a school.

    All datasets of a school lie in one shard.

    The messages are sent after the demands of all datasets that were met, so that the visit of the
    school finds them. A run keeps few schools back: their messages need time that it may not have.
    """

    def __init__(self, deps: WatchDependencies, now: datetime) -> None:
        self._deps, self._now = deps, now
        self._of_school: dict[str, list[tuple[str, str]]] = {}

    def add(self, estab: str, name: str, seen: str) -> None:
        """Note a dataset that waits.

        Args:
            seen: When the look was due; empty if a demand or a decision has been stored since,
                which has set the time of the next look itself.
        """
        self._of_school.setdefault(estab, []).append((name, seen))
        if len(self._of_school) >= _MOST_SCHOOLS_KEPT:
            self.send()

    def send(self) -> int:
        """Send the messages, set the times of the next looks, and return how many failed.

        A dataset whose message failed stays overdue, or its next look comes all the same.
        """
        of_school, self._of_school = self._of_school, {}
        sent = sweep(
            ((estab,) for estab in of_school),
            lambda estab: self._send(estab, of_school[estab]),
            lambda: True,
        )
        return sent.failed

    def _send(self, estab: str, waiting: list[tuple[str, str]]) -> None:
        if self._deps.datasets.breaker.may_send(self._now):
            telemetry.count("DeadlinePassed", "pull")
            self._deps.pulls.send(PullDataset(estab, waiting[0][0]).body())
        for name, seen in waiting:
            if seen:
                at = self._now + MESSAGE_PATIENCE
                self._deps.datasets.reschedule_watch(estab, name, seen, at)


def _look_at_school(estab: str, deps: WatchDependencies, now: datetime) -> None:
    schools = deps.schools
    publish_school_events(estab, schools, deps.bus)
    school = schools.get(estab)
    if school and school.is_being_erased:
        deps.erasures.send(EraseSchool(estab).body())
        return
    if school and school.erased_people and has_come(school.erased_people.watch_at, now):
        deps.erasures.send(ErasePeople(estab).body())
        schools.change(estab, lambda school: _people_watched(school, now))
    if school and has_come(school.probe_at, now):
        telemetry.count("DeadlinePassed", "probe")
        deps.onboarding.send(ProbeSchool(estab).body())
        schools.change(estab, lambda school: _probed(school, now))


def _people_watched(school: School, now: datetime) -> School:
    people = school.erased_people
    return replace(school, erased_people=people.watched(now)) if people else school


def _probed(school: School, now: datetime) -> School:
    return replace(school, probe_at=next_probe(school, now))


class _DatasetRun:
    """One run's looks at datasets. What is known of a school is read once for all its looks.

    A look in between may have changed the school or another dataset. What that can cost is a pull
    without need, or one that is made later: each dataset is read when it is looked at.
    """

    def __init__(self, deps: WatchDependencies, now: datetime) -> None:
        self.waiting = _WaitingSchools(deps, now)
        self._deps, self._now = deps, now
        self._school = lru_cache(_MOST_SCHOOLS_KNOWN)(deps.schools.get)
        self._of_school = lru_cache(_MOST_SCHOOLS_KNOWN)(deps.datasets.of_school)

    def look_at(self, estab: str, name: str, seen: str) -> None:
        """Decide what a dataset needs whose time has come, and ask for it."""
        deps, now = self._deps, self._now
        item = deps.datasets.get(estab, name)
        if item is None:
            return
        dataset = deps.datasets.config.dataset_of(item)
        note_waiting(item, deps.schools, deps.datasets.config, now)
        if item.outbox and not item.published.unpublished:
            publish_dataset_events(item, deps.datasets, deps.schools, deps.bus, now)
        if item.erasing or is_expired(item, dataset, now):
            reason = item.erasing or EXPIRED
            deps.erasures.send(EraseDataset(estab, name, reason).body())
            deps.datasets.reschedule_watch(estab, name, seen, now + _PATIENCE)
            return
        if item.hold and item.hold.expires_at <= now and not item.demand.decision:
            item = _expired(item, deps, now)
            seen = ""
        elif is_overdue(item, ttl_of(dataset), now) or is_look_due(item, now):
            asked = self._ask_again(item, dataset)
            if not isinstance(asked, DatasetRecord):
                deps.datasets.reschedule_watch(estab, name, seen, asked)
                return
            item, seen = asked, ""
        if needs_worker(item, now):
            self.waiting.add(estab, name, seen)
            return
        self._reschedule(item, dataset, seen)

    def _reschedule(self, item: DatasetRecord, dataset: Dataset | None, seen: str) -> None:
        if seen:
            at = next_watch_at(replace(item, outbox=()), dataset, self._now)
            self._deps.datasets.reschedule_watch(item.estab, item.dataset, seen, at)

    def _ask_again(
        self, item: DatasetRecord, dataset: Dataset | None
    ) -> DatasetRecord | datetime | None:
        """Request a pull that no callback requested, or return the time of the next look."""
        datasets, now = self._deps.datasets, self._now
        ttl, config = ttl_of(dataset), datasets.config
        is_due = is_overdue(item, ttl, now)
        if not is_due and is_explained(item, self._of_school(item.estab), config):
            return next_watch_at(replace(item, outbox=(), looks=item.looks.ended()), dataset, now)
        school = self._school(item.estab)
        if school is None or not school.is_pullable:
            # When the school is ready again, onboarding requests every dataset.
            return now + timedelta(days=1)
        if is_due and is_silent(item, ttl, now):
            telemetry.count("DatasetsSilent", config.database_of(item))
        elif not is_due and item.looks.count == 1:
            telemetry.count("CallbackContradicted", config.database_of(item))
        return datasets.add_demand(item.estab, item.dataset, now)


def _expired(item: DatasetRecord, deps: WatchDependencies, now: datetime) -> DatasetRecord:
    try:
        return deps.datasets.decide(item.estab, item.dataset, "expire", now)
    except ConflictError:
        # Another change set is held now, or none: its pull sets the time of the next look.
        return item
