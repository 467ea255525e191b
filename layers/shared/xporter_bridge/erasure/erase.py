"""Erases a school, the data of a withdrawn scope, or what has been kept long enough.

Every version is deleted for good.

Three rules keep a crash from leaving data behind unnoticed: the item says what is to be erased
before anything is deleted, the message leaves its queue only afterwards, and every step may be
repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from xporter_bridge import telemetry
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.erasure.audit import note_dataset_erased, note_school_erased
from xporter_bridge.erasure.dependencies import EraseDependencies
from xporter_bridge.erasure.erase_people import erase_people
from xporter_bridge.erasure.forget_dead_letters import forget_dead_letters_of_school
from xporter_bridge.erasure.messages import (
    LATE_LOOKS,
    EraseDataset,
    ErasePeople,
    EraseSchool,
)
from xporter_bridge.erasure.tombstone import (
    begun,
    cleared,
    erased_manifest,
    finished,
    is_erased,
    secrets_of,
    without_data,
)
from xporter_bridge.errors import ConflictError, RequestRejectedError
from xporter_bridge.events.model import Event
from xporter_bridge.pulls.model import LEASE
from xporter_bridge.pulls.reconcile import LEFT_OUT, SCOPE_REMOVED, erasure_reason
from xporter_bridge.pulls.record import DatasetRecord
from xporter_bridge.pulls.retention import EXPIRED, is_expired
from xporter_bridge.schools.credentials import ErasedSecrets
from xporter_bridge.schools.model import School
from xporter_bridge.schools.outbox import publish_school_events
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.schools.vault import SchoolVault
from xporter_bridge.snapshots.layout import (
    DatasetLayout,
    school_prefixes,
    staged_prefix,
    staging_prefix,
)

# The longest delay of a queue. It is longer than any function may run, so every invocation that
# began before the school was erased has ended.
_LATE = timedelta(minutes=15)
_MARGIN = timedelta(seconds=5)
_A_DAY = timedelta(days=1)
_ATTEMPTS = 5


def _always(_school: School) -> bool:
    return True


def request_erasure(
    estab: str,
    schools: SchoolRepository,
    vault: SchoolVault,
    erasures: Queue,
    now: datetime,
    *,
    only_if: Callable[[School], bool] = _always,
    cause: str = "",
) -> School:
    """Delete the school's key, and request the erasure of all its other data.

    A crash between the two steps leaves a school whose record says that it is being erased;
    a second request continues the erasure.

    Args:
        only_if: Decides from the record at the moment of the write; a school of which it says no
            is returned as it is.
        cause: Why, if no person requested the erasure.

    Raises:
        RequestRejectedError: 404 for an unknown school.
        TransientError: Nothing is deleted; the request should come again.
    """
    for _ in range(_ATTEMPTS):
        seen = schools.get(estab)
        if seen is None:
            raise RequestRejectedError(404, "there is no such school")
        if not only_if(seen):
            return seen
        # What it remembers is every secret that the school has at that moment.
        mark = _marked_as_seen(seen, vault.remembering_erased(seen), now, only_if, cause)
        school = schools.change(estab, mark, of_erased=True)
        if school.is_gone:
            erasures.send(EraseSchool(estab).body())
            return school
    raise ConflictError("school_changed")


def _marked_as_seen(
    seen: School,
    erased: ErasedSecrets | None,
    now: datetime,
    only_if: Callable[[School], bool],
    cause: str,
) -> Callable[[School], School]:
    """Return a change that marks the school as being erased, if it has the secrets of ``seen``."""

    def mark(school: School) -> School:
        is_as_seen = secrets_of(school) == secrets_of(seen) and only_if(school)
        return begun(school, now, erased, cause) if is_as_seen else school

    return mark


def erase(message: EraseSchool | EraseDataset | ErasePeople, deps: EraseDependencies) -> None:
    """Carry out one erasure.

    Args:
        message: A school that ``request_erasure`` has marked, one dataset, or the people of a
            school whose tombstones ``request_person`` has stored.

    Raises:
        TransientError: The message should come again.
    """
    if isinstance(message, EraseDataset):
        erase_dataset(message.estab, message.dataset, message.reason, deps)
    elif isinstance(message, ErasePeople):
        erase_people(message, deps)
    else:
        erase_school(message, deps)


def erase_school(message: EraseSchool, deps: EraseDependencies) -> None:
    """Delete everything of a school that is marked for it; only the tombstone stays.

    A message that comes twice, or looks once more, finds a tombstone, and deletes what a late
    writer may have left after it, and the writebacks that have become dead letters meanwhile. One
    that comes when the school has authorised anew does nothing.
    """
    estab, looks = message.estab, message.looks
    school = deps.schools.change(estab, lambda school: cleared(school, deps.now()), of_erased=True)
    if not school.is_being_erased and school.state is not SchoolState.ERASED:
        telemetry.record("erasure_superseded", estab=estab, state=str(school.state))
        return
    wait = _delete_everything(estab, deps)
    if wait:
        deps.erasures.send(EraseSchool(estab, looks=looks).body(), delay_seconds=wait)
        return
    if school.is_being_erased:
        looks = LATE_LOOKS
    if looks:
        # The message is sent before the write: after a crash in between, a spare check follows.
        again = EraseSchool(estab, looks=looks - 1)
        deps.erasures.send(again.body(), delay_seconds=int(_LATE.total_seconds()))
    if school.is_being_erased:
        note_school_erased(school, deps.audit, deps.now())
        if school.state is not SchoolState.INVITED:  # nobody was ever told of such a school
            deps.datasets.changes.note_school_erased(estab, deps.now())
        deps.schools.change(estab, lambda school: finished(school, deps.now()), of_erased=True)
        telemetry.record("school_erased", estab=estab)
        telemetry.count("DataErased", "school")
    publish_school_events(estab, deps.schools, deps.bus)


def erase_dataset(estab: str, name: str, reason: str, deps: EraseDependencies) -> None:
    """Delete every version of a dataset's data; one more manifest tells its readers.

    Until that manifest is written, readers find none. Columns that the remaining scopes still
    allow are pulled anew afterwards. If a temporary dataset had been erased before, its manifests
    and its item are deleted too.

    The item says first that the dataset is being erased, and last that it is erased: an erasure
    that has begun is completed, also if the school allows the dataset again meanwhile.
    """
    item = deps.datasets.get(estab, name)
    if item is None or _is_superseded(item, reason, deps):
        telemetry.record("erasure_superseded", estab=estab, dataset=name)
        return
    reason = item.erasing or reason
    if reason == EXPIRED and is_erased(item):
        _forget(item, deps)
        return
    if not is_erased(item):
        leased = deps.datasets.lease_to_erase(item, deps.now())
        if leased is None:
            again = EraseDataset(estab, name, reason).body()
            deps.erasures.send(again, delay_seconds=_seconds(LEASE))
            return
        item = (
            _emptied(leased, reason, deps) if leased.published.sequence else _stopped(leased, deps)
        )
        note_dataset_erased(item, reason, deps.audit, deps.now())
        telemetry.record("dataset_erased", estab=estab, dataset=name, reason=reason)
        telemetry.count("DataErased", "dataset")
    if item.outbox:
        deps.bus.publish(Event.read(entry) for entry in item.outbox)
        deps.datasets.clear_outbox(item)


def _delete_everything(estab: str, deps: EraseDependencies) -> int:
    """Delete the school's data, and return for how many seconds a pull may still be writing.

    A lease holder cannot commit any more, but may still be copying an earlier commit.
    """
    held = deps.datasets.of_school(estab)
    for item in held:
        deps.datasets.invalidate_lease(estab, item.dataset, keep_content=False)
    erased = sum(deps.store.erase(prefix) for prefix in school_prefixes(estab))
    deps.store.delete_staged(staged_prefix(estab))
    deps.operations.delete_school(estab)
    letters = forget_dead_letters_of_school(estab, deps.dead_writebacks)
    telemetry.record(
        "school_data_deleted",
        estab=estab,
        datasets=len(held),
        objects=erased,
        dead_letters=letters,
    )
    if any(item.is_leased(deps.now()) for item in held):
        return _seconds(LEASE)
    deps.datasets.delete_school(estab)
    return 0


def _forget(item: DatasetRecord, deps: EraseDependencies) -> None:
    """Delete the tombstone of the dataset; a later request begins the dataset anew."""
    for prefix in DatasetLayout(item.estab, item.dataset).prefixes:
        deps.store.erase(prefix)
    deps.datasets.forget(item)
    telemetry.record("dataset_forgotten", estab=item.estab, dataset=item.dataset)


def _is_superseded(item: DatasetRecord, reason: str, deps: EraseDependencies) -> bool:
    """Tell whether the erasure is not wanted: the scope is back, or the whole school is erased."""
    school = deps.schools.get(item.estab)
    if school is None or school.is_being_erased or school.state is SchoolState.ERASED:
        return True
    if item.erasing:
        return False
    dataset = deps.datasets.config.dataset_of(item)
    if reason == EXPIRED:
        return not is_expired(item, dataset, deps.now())
    if reason not in {SCOPE_REMOVED, LEFT_OUT} or is_erased(item):  # a person gave any other reason
        return False
    return not erasure_reason(item, dataset, school.retained_scopes)


def _may_be_pulled_anew(item: DatasetRecord, deps: EraseDependencies) -> bool:
    """Tell whether only a part of the dataset may be held no longer."""
    school, dataset = deps.schools.get(item.estab), deps.datasets.config.dataset_of(item)
    is_wanted = item.is_due or not is_expired(item, dataset, deps.now())
    return bool(is_wanted and school and dataset and dataset.covered_by(school.scopes))


def _emptied(item: DatasetRecord, reason: str, deps: EraseDependencies) -> DatasetRecord:
    place = DatasetLayout(item.estab, item.dataset)
    if _may_be_pulled_anew(item, deps):
        deps.datasets.add_demand(item.estab, item.dataset, deps.now())
    item = deps.datasets.save(replace(item, erasing=reason), deps.now())
    # Staged objects go first: an invocation that was suspended could still publish them.
    deps.store.delete_staged(staging_prefix(item.estab, item.dataset))
    for prefix in place.prefixes:
        deps.store.erase(prefix)
        item = deps.datasets.renew(item, deps.now())
    last = erased_manifest(item, reason, deps.now())
    deps.store.put_document(place.manifest(last.sequence), last.document())
    deps.store.put_document(place.latest, last.document())
    emptied = without_data(item, last, reason, deps.now())
    return deps.datasets.save(emptied, deps.now())


def _stopped(item: DatasetRecord, deps: EraseDependencies) -> DatasetRecord:
    """End a first pull that has not been committed, and so has no readers to be told."""
    deps.store.delete_staged(staging_prefix(item.estab, item.dataset))
    stopped = replace(
        item.released(),
        progress=replace(item.progress, checkpoint=None),
        published=replace(item.published, scopes=()),
    )
    return deps.datasets.save(stopped, deps.now())


def _seconds(wait: timedelta) -> int:
    return int((wait + _MARGIN).total_seconds())
