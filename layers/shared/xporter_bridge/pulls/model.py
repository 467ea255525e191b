"""The record of one dataset of one school, and the pure decisions on it.

Demand is a counter: every reason to pull raises ``requested``. A pull remembers the value that it
saw when it began, and writes the value to ``served`` when it ends. Demand that arrives during a
pull leaves ``requested`` above ``served``, and causes exactly one more pull.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from xporter_bridge.datasets.config import configured
from xporter_bridge.datasets.model import Dataset
from xporter_bridge.schools.model import School
from xporter_bridge.snapshots.row_keys import ID
from xporter_bridge.timestamps import iso, parse
from xporter_bridge.xporter import scopes
from xporter_bridge.xporter.pages import ALL_ROWS

LEASE = timedelta(seconds=90)
BASELINE_EVERY = timedelta(days=7)
# Xporter refreshes overnight; a database is silent if no callback came this long after its TTL.
SILENCE_GRACE = timedelta(hours=3)
CHECKPOINT_LIFE = timedelta(hours=6)
MAX_RESTARTS = 5
_BACKOFF_FIRST = timedelta(seconds=5)
_MAX_BACKOFF = timedelta(hours=1)
# Most refusals repeat, but a temporary failure of Xporter looks the same.
_FAILED_FIRST = timedelta(hours=1)


class DatasetState(StrEnum):
    """Where a dataset stands; only ``current`` waits for nothing."""

    PENDING = "pending"
    CURRENT = "current"
    HELD = "held"
    FAILED = "failed"
    NOT_COVERED = "not_covered"
    ERASED = "erased"


_ASKED_AGAIN = frozenset({DatasetState.CURRENT, DatasetState.HELD, DatasetState.FAILED})


@dataclass(frozen=True)
class PullCheckpoint:
    """A pull under way, with everything that another invocation needs to resume it.

    A page is done when it is in the staging bucket under ``pull_id``. ``as_of`` is the time on
    page 1, None where the time is unknown, and ``serving`` the value of ``requested`` that the
    pull serves. ``staleness`` says why the data may be old.
    """

    pull_id: str
    serving: int
    fingerprint: str
    requested_changed_rows: str
    started_at: str
    as_of: str | None = None
    is_baseline: bool = False
    staleness: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class DatasetRecord:
    """One dataset of one school.

    ``requested``, ``definition``, ``decision``, ``decided_hold``, ``staleness`` and ``heard_at``
    (when the latest callback was received) are written by the code that requests pulls. Everything
    else is written under the lease, fenced by ``fence``.
    Sequences before ``oldest`` are deleted; at ``retire_at`` the next one may be. A temporary
    dataset ends at ``expires_at``. ``scopes`` are all scopes under which data of it was fetched.
    ``erasing`` says why its data is being deleted; until the deletion ends, there is no pull.
    ``oddities_seen`` is the evidence of a pull that was odd, and ``repeated`` how many rows of each
    table were reported to share their identity with another. ``looks`` counts the pulls repeated
    because the data contradicted the callback of ``looked_for``, ``look_at`` when to repeat next.
    """

    estab: str
    dataset: str
    requested: int = 0
    served: int = 0
    fence: int = 0
    lease_expires_at: str = ""
    began_at: str = ""
    expires_at: str = ""
    oldest: int = 0
    retire_at: str = ""
    state: DatasetState = DatasetState.PENDING
    reason: str = ""
    sequence: int = 0
    fingerprint: str = ""
    next_changed_rows: str = ""
    manifest: Mapping[str, Any] | None = None
    as_of: str = ""
    checked_at: str = ""
    baseline_at: str = ""
    failures: int = 0
    retry_at: str = ""
    checkpoint: PullCheckpoint | None = None
    hold: Mapping[str, Any] | None = None
    decision: str = ""
    decided_hold: str = ""
    unpublished: Mapping[str, str] | None = None
    outbox: tuple[Mapping[str, Any], ...] = ()
    definition: Mapping[str, Any] | None = None
    columns: Mapping[str, list[str]] = field(default_factory=dict)
    reported_columns: Mapping[str, list[str]] = field(default_factory=dict)
    oddities_seen: str = ""
    repeated: Mapping[str, int] = field(default_factory=dict)
    heard_at: str = ""
    looked_for: str = ""
    looks: int = 0
    look_at: str = ""
    scopes: tuple[str, ...] = ()
    erasing: str = ""
    staleness: Mapping[str, Any] | None = None

    @property
    def is_due(self) -> bool:
        """Tell whether a pull was requested that no pull has served yet."""
        return self.requested > self.served

    @property
    def has_unfinished_work(self) -> bool:
        """Tell whether a lease holder would find something to do."""
        return self.is_due or bool(self.unpublished) or bool(self.decision)

    @property
    def hold_id(self) -> str:
        """The pull whose change set is held; empty when none is."""
        return self.hold["manifest"]["pull_id"] if self.hold else ""

    @property
    def named_pulls(self) -> frozenset[str]:
        """The pulls whose staged objects are still needed, and the empty name."""
        under_way = self.checkpoint.pull_id if self.checkpoint else ""
        committed = self.manifest["pull_id"] if self.unpublished and self.manifest else ""
        return frozenset({under_way, committed, self.hold_id, ""})

    def is_leased(self, now: datetime) -> bool:
        """Tell whether an invocation holds the lease."""
        return self.lease_expires_at > iso(now)


def dataset_of(item: DatasetRecord) -> Dataset | None:
    """Return the definition of the dataset; None if the dataset is not configured any more."""
    return configured().dataset_of(item)


def database_of(item: DatasetRecord) -> str:
    """Return the database of Xporter that the dataset is made of; empty if it is unknown."""
    dataset = dataset_of(item)
    return dataset.database if dataset else ""


def is_temporary(item: DatasetRecord) -> bool:
    """Tell whether nothing requests the dataset regularly, so that its data must expire.

    Such a dataset was made on request or for one day, or is not configured any more.
    """
    return item.definition is not None or dataset_of(item) is None


def start_or_resume(
    item: DatasetRecord, dataset: Dataset, pull_id: str, now: datetime
) -> PullCheckpoint:
    """Return the pull to run: the unfinished one if it still fits, else a new one."""
    follows = item.next_changed_rows if _is_same_chain(item, dataset) else ""
    under_way = item.checkpoint
    if (
        under_way
        and under_way.fingerprint == dataset.fingerprint
        and under_way.requested_changed_rows in {ALL_ROWS, follows}
        and parse(under_way.started_at) > now - CHECKPOINT_LIFE
    ):
        return under_way
    is_baseline = bool(item.baseline_at) and item.baseline_at <= iso(now)
    return PullCheckpoint(
        pull_id=pull_id,
        serving=item.requested,
        fingerprint=dataset.fingerprint,
        requested_changed_rows=("" if is_baseline else follows) or ALL_ROWS,
        started_at=iso(now),
        is_baseline=is_baseline,
        staleness=item.staleness,
    )


def with_scopes_used(
    item: DatasetRecord, dataset: Dataset, granted: Iterable[str]
) -> DatasetRecord:
    """Return the item with the scopes under which it is pulled now.

    They are added to earlier ones: data fetched under a removed scope is there until its erasure.
    """
    now_used = scopes.among(dataset.endpoint.scopes, granted)
    return replace(item, scopes=tuple(sorted({*item.scopes, *now_used})))


def withheld_because(item: DatasetRecord, dataset: Dataset, school: School) -> str:
    """Return why the dataset is not pulled although it is asked for; empty if it is.

    Neither without its scope, nor while one is missing under which its columns were pulled: they
    would vanish from it before anybody has looked a second time whether that scope has gone.
    """
    if not dataset.covered_by(school.scopes):
        return f"needs the scope {dataset.endpoint.scope}"
    of_columns = dataset.endpoint.column_scopes.intersection(item.scopes)
    missing = scopes.among(of_columns, school.missing_scopes)
    return f"waits for the scope {', '.join(missing)}" if missing else ""


def _is_same_chain(item: DatasetRecord, dataset: Dataset) -> bool:
    tables = item.manifest.get("tables", {}) if item.manifest else {}
    # A table whose key has changed must be compared as a whole.
    has_same_keys = all(e.get("key", ID) == dataset.key_of(name) for name, e in tables.items())
    return item.fingerprint == dataset.fingerprint and bool(item.manifest) and has_same_keys


def backoff(failures: int) -> timedelta:
    """Return the back-off after so many failures in a row.

    A school that fails again and again slows down its own pulls only.
    """
    return min(_BACKOFF_FIRST * (1 << min(failures - 1, 10)), _MAX_BACKOFF)


def next_baseline(item: DatasetRecord, now: datetime) -> str:
    """Return when to compare the whole dataset again: in a week, spread over the hours of a day."""
    digest = hashlib.sha256(f"{item.estab}/{item.dataset}".encode()).digest()
    return iso(now + BASELINE_EVERY + timedelta(minutes=int.from_bytes(digest[:2]) % 1440))


def next_watch_at(item: DatasetRecord, ttl: timedelta, now: datetime) -> str:
    """Return when the watchdog should look at the dataset if nothing else happens."""
    if item.outbox or item.unpublished:
        return iso(now + timedelta(minutes=1))
    if item.is_leased(now):
        return item.lease_expires_at
    if item.has_unfinished_work or item.erasing:
        return max(item.retry_at, iso(now + timedelta(minutes=2)))
    moments = [item.hold["expires_at"]] if item.hold else []
    if is_temporary(item):
        moments.append(item.expires_at)
    moments += (next_unprompted_pull_at(item, ttl), next_look_at(item))
    return min(filter(None, moments), default="")


def next_look_at(item: DatasetRecord) -> str:
    """Return when to look again after a callback; empty if nobody need, or somebody has since."""
    return item.look_at if item.look_at > max(item.checked_at, item.began_at) else ""


def next_unprompted_pull_at(item: DatasetRecord, ttl: timedelta) -> str:
    """Return when to pull without a request; empty for never.

    A pull is due when the database has been silent past its TTL, when the whole dataset is to be
    compared, or when a request that Xporter refused may succeed. After an attempt, each of these
    waits its full time again, so that a school that cannot be pulled is not tried every minute.
    """
    tried_at = max(item.checked_at, item.began_at)
    if item.definition is not None or item.state not in _ASKED_AGAIN or not tried_at:
        return ""
    tried = parse(tried_at)
    if item.state is DatasetState.FAILED:
        return iso(tried + min(_FAILED_FIRST * (1 << min(item.failures - 1, 10)), ttl))
    silent_at = iso(tried + ttl + SILENCE_GRACE)
    if not item.baseline_at:
        return silent_at
    return min(silent_at, item.baseline_at if tried_at < item.baseline_at else iso(tried + ttl))


def is_overdue(item: DatasetRecord, ttl: timedelta, now: datetime) -> bool:
    """Tell whether a pull is due without a request."""
    at = next_unprompted_pull_at(item, ttl)
    return bool(at) and at <= iso(now) and not item.is_due


def needs_worker(item: DatasetRecord, now: datetime) -> bool:
    """Tell whether to send a message for the dataset: work to do, no lease, no back-off.

    Publishing a commit and carrying out a decision do not wait for the end of a back-off.
    """
    may_pull = item.is_due and item.retry_at <= iso(now)
    has_work = may_pull or bool(item.unpublished) or bool(item.decision)
    return has_work and not item.erasing and not item.is_leased(now)
