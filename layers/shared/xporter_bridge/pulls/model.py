"""The pure decisions on the record of one dataset of one school.

Demand is a counter: every reason to pull raises ``requested``. A pull remembers the value that it
saw when it began, and writes the value to ``served`` when it ends. Demand that arrives during a
pull leaves ``requested`` above ``served``, and causes exactly one more pull.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from xporter_bridge.datasets.model import Dataset
from xporter_bridge.events.model import Event, new_event
from xporter_bridge.pulls.record import DatasetRecord, DatasetState, PullCheckpoint
from xporter_bridge.schools.model import School
from xporter_bridge.snapshots.layout import DatasetLayout
from xporter_bridge.snapshots.manifest import Manifest
from xporter_bridge.timestamps import earliest, has_come, iso, latest
from xporter_bridge.xporter import scopes
from xporter_bridge.xporter.pages import ALL_ROWS

LEASE = timedelta(seconds=90)
BASELINE_EVERY = timedelta(days=7)
# Xporter refreshes overnight; a database is silent if no callback came this long after its TTL.
SILENCE_GRACE = timedelta(hours=3)
CHECKPOINT_LIFE = timedelta(hours=6)
MAX_RESTARTS = 5
# A message is on its way, and in a night of the whole fleet it waits in the queue.
MESSAGE_PATIENCE = timedelta(minutes=30)
_BACKOFF_FIRST = timedelta(seconds=5)
_MAX_BACKOFF = timedelta(hours=1)
# Most refusals repeat, but a temporary failure of Xporter looks the same.
_FAILED_FIRST = timedelta(hours=1)


_ASKED_AGAIN = frozenset({DatasetState.CURRENT, DatasetState.HELD, DatasetState.FAILED})


def ttl_of(dataset: Dataset | None) -> timedelta:
    """Return the time to live of the data; a day for a dataset that is not configured any more."""
    return dataset.endpoint.ttl if dataset else timedelta(days=1)


def is_temporary(item: DatasetRecord, dataset: Dataset | None) -> bool:
    """Tell whether nothing requests the dataset regularly, so that its data must expire.

    Such a dataset was made on request or for one day, or is not configured any more (None).
    """
    return item.demand.definition is not None or dataset is None


def start_or_resume(
    item: DatasetRecord, dataset: Dataset, pull_id: str, now: datetime
) -> PullCheckpoint:
    """Return the pull to run: the unfinished one if it still fits, else a new one."""
    follows = item.chain.next_changed_rows if _is_same_chain(item, dataset) else ""
    under_way = item.progress.checkpoint
    if (
        under_way
        and under_way.fingerprint == dataset.fingerprint
        and under_way.requested_changed_rows in {ALL_ROWS, follows}
        and under_way.started_at > now - CHECKPOINT_LIFE
    ):
        return under_way
    is_baseline = has_come(item.chain.baseline_at, now)
    return PullCheckpoint(
        pull_id=pull_id,
        serving=item.demand.requested,
        fingerprint=dataset.fingerprint,
        requested_changed_rows=("" if is_baseline else follows) or ALL_ROWS,
        started_at=now,
        is_baseline=is_baseline,
        staleness=item.demand.staleness,
    )


def with_served(item: DatasetRecord, dataset: Dataset, checkpoint: PullCheckpoint) -> DatasetRecord:
    """Return the item once a pull has served the demand that the pull met when it began."""
    progress = replace(item.progress, served=checkpoint.serving)
    chain = replace(item.chain, fingerprint=dataset.fingerprint)
    return replace(item, progress=progress, chain=chain)


def may_stay(item: DatasetRecord, checkpoint: PullCheckpoint) -> bool:
    """Tell whether an answer that says "nothing new" leaves what readers have as it is."""
    before = item.published.manifest
    is_old = checkpoint.staleness or (before and before.stale)
    is_change_set = checkpoint.requested_changed_rows != ALL_ROWS
    return is_change_set and not is_old and before is not None and before.erased is None


def with_scopes_used(
    item: DatasetRecord, dataset: Dataset, granted: Iterable[str]
) -> DatasetRecord:
    """Return the item with the scopes under which it is pulled now.

    They are added to earlier ones: data fetched under a removed scope is there until its erasure.
    """
    now_used = scopes.among(dataset.endpoint.scopes, granted)
    together = tuple(sorted({*item.published.scopes, *now_used}))
    return replace(item, published=replace(item.published, scopes=together))


def withheld_because(item: DatasetRecord, dataset: Dataset, school: School) -> str:
    """Return why the dataset is not pulled although it is asked for; empty if it is.

    Neither without its scope, nor while one is missing under which its columns were pulled: they
    would vanish from it before anybody has looked a second time whether that scope has gone.
    """
    if not dataset.covered_by(school.scopes):
        return f"needs the scope {dataset.endpoint.scope}"
    of_columns = dataset.endpoint.column_scopes.intersection(item.published.scopes)
    missing = scopes.among(of_columns, school.missing_scopes)
    return f"waits for the scope {', '.join(missing)}" if missing else ""


def _is_same_chain(item: DatasetRecord, dataset: Dataset) -> bool:
    before = item.published.manifest
    if before is None or item.chain.fingerprint != dataset.fingerprint:
        return False
    # A table whose key has changed must be compared as a whole.
    return all(each.key == dataset.key_of(name) for name, each in before.tables.items())


def backoff(failures: int) -> timedelta:
    """Return the back-off after so many failures in a row.

    A school that fails again and again slows down its own pulls only.
    """
    return min(_BACKOFF_FIRST * (1 << min(failures - 1, 10)), _MAX_BACKOFF)


def next_baseline(item: DatasetRecord, now: datetime) -> datetime:
    """Return when to compare the whole dataset again: in a week, spread over the hours of a day."""
    digest = hashlib.sha256(f"{item.estab}/{item.dataset}".encode()).digest()
    return now + BASELINE_EVERY + timedelta(minutes=int.from_bytes(digest[:2]) % 1440)


def next_watch_at(item: DatasetRecord, dataset: Dataset | None, now: datetime) -> datetime | None:
    """Return when the watchdog should look at the dataset if nothing else happens."""
    if item.outbox or item.published.unpublished:
        return now + timedelta(minutes=1)
    if item.is_leased(now):
        return item.lease.expires_at
    if item.has_unfinished_work or item.erasing:
        return latest(item.progress.retry_at, now + timedelta(minutes=2))
    return earliest(
        item.hold.expires_at if item.hold else None,
        item.published.expires_at if is_temporary(item, dataset) else None,
        next_unprompted_pull_at(item, ttl_of(dataset)),
        next_look_at(item),
    )


def next_look_at(item: DatasetRecord) -> datetime | None:
    """Return when to look again after a callback; None if no look is needed."""
    at, tried_at = item.looks.at, _tried_at(item)
    return at if at and (tried_at is None or at > tried_at) else None


def _tried_at(item: DatasetRecord) -> datetime | None:
    return latest(item.published.checked_at, item.lease.began_at)


def next_unprompted_pull_at(item: DatasetRecord, ttl: timedelta) -> datetime | None:
    """Return when to pull without a request; None for never.

    A pull is due when the database has been silent past its TTL, when the whole dataset is to be
    compared, or when a request that Xporter refused may succeed. After an attempt, each of these
    waits its full time again, so that a school that cannot be pulled is not tried every minute.
    """
    tried = _tried_at(item)
    if item.demand.definition is not None or item.state not in _ASKED_AGAIN or tried is None:
        return None
    if item.state is DatasetState.FAILED:
        return tried + min(_FAILED_FIRST * (1 << min(item.progress.failures - 1, 10)), ttl)
    silent_at, baseline_at = tried + ttl + SILENCE_GRACE, item.chain.baseline_at
    if not baseline_at:
        return silent_at
    return min(silent_at, baseline_at if tried < baseline_at else tried + ttl)


def is_overdue(item: DatasetRecord, ttl: timedelta, now: datetime) -> bool:
    """Tell whether a pull is due without a request."""
    return has_come(next_unprompted_pull_at(item, ttl), now) and not item.is_due


def is_silent(item: DatasetRecord, ttl: timedelta, now: datetime) -> bool:
    """Tell whether no callback has caused a pull for longer than the TTL and some grace.

    The weekly comparison and the repetition of a refused pull are due without a callback too, and
    say nothing about callbacks.
    """
    tried = _tried_at(item)
    is_refused = item.state is DatasetState.FAILED
    return not is_refused and tried is not None and tried + ttl + SILENCE_GRACE <= now


def waits_for_callback(item: DatasetRecord) -> bool:
    """Tell whether a pull that answers a callback is requested and has not begun.

    One more callback then changes nothing: the pull will begin after both. A pull under way, or one
    that may be resumed, has perhaps read the data before the callback came.
    """
    heard, began = item.demand.heard_at, item.lease.began_at
    is_begun = item.lease.expires_at is not None or item.progress.checkpoint is not None
    has_heard = heard is not None and (began is None or heard > began)
    return item.is_due and has_heard and not is_begun and not item.demand.staleness


def in_order_of_change(items: Iterable[DatasetRecord]) -> list[DatasetRecord]:
    """Return the datasets, that first which changed last; those that never changed come last.

    The dataset that changed last is the likeliest to have changed again, and its change explains
    the callback to the datasets that are pulled after it (``pulls.contradiction``).
    """

    def changed_at(item: DatasetRecord) -> float:
        made = item.published.manifest
        return made.completed_at.timestamp() if made and item.published.sequence > 1 else 0

    return sorted(items, key=changed_at, reverse=True)


def needs_worker(item: DatasetRecord, now: datetime) -> bool:
    """Tell whether to send a message for the dataset: work to do, no lease, no back-off.

    Publishing a commit and carrying out a decision do not wait for the end of a back-off.
    """
    may_pull = item.is_due and not item.progress.backs_off(now)
    has_work = may_pull or bool(item.published.unpublished) or bool(item.demand.decision)
    return has_work and not item.erasing and not item.is_leased(now)


def changed_event(made: Manifest, now: datetime) -> Event:
    """Return the event that a sequence is the current one; the same sequence has the same id."""
    # The manifest of an erasure has no pull.
    told_apart_by = made.pull_id or iso(made.completed_at)
    return new_event(
        "dataset.changed",
        now,
        about=f"{made.dataset}/{made.sequence}/{told_apart_by}",
        estab=made.estab,
        dataset=made.dataset,
        sequence=made.sequence,
        manifest_key=DatasetLayout(made.estab, made.dataset).manifest(made.sequence),
    )
