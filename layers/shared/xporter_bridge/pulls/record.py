"""The record of one dataset of one school, made of parts; who may write each part is its type.

``Demand`` is written by the code that requests pulls, everything else under the lease, fenced by
``Lease.fence``. So ``save`` writes every part but ``Demand``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from xporter_bridge.pulls.attempt import Attempt
from xporter_bridge.pulls.noticed import Noticed
from xporter_bridge.snapshots.manifest import Manifest


class DatasetState(StrEnum):
    """The state of a dataset; only ``current`` waits for nothing; ``failing`` is never stored."""

    PENDING = "pending"
    CURRENT = "current"
    HELD = "held"
    FAILING = "failing"
    FAILED = "failed"
    NOT_COVERED = "not_covered"
    ERASED = "erased"


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
    started_at: datetime
    as_of: datetime | None = None
    is_baseline: bool = False
    staleness: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Demand:
    """What is requested of a dataset: pulls, and the decision on a hold.

    ``requested`` counts the requests. ``definition`` is that of a dataset made on request or for
    one day, ``staleness`` says why the next result may be old, and ``heard_at`` is when the latest
    callback was received. ``decision`` is on the held pull ``decided_hold``.
    """

    requested: int = 0
    definition: Mapping[str, Any] | None = None
    decision: str = ""
    decided_hold: str = ""
    staleness: Mapping[str, Any] | None = None
    heard_at: datetime | None = None


@dataclass(frozen=True)
class Lease:
    """Who may write: the holder of the highest fence, until ``expires_at``.

    ``began_at`` is when the latest pull began to read the school's data.
    """

    fence: int = 0
    expires_at: datetime | None = None
    began_at: datetime | None = None

    def released(self) -> Lease:
        """Return the lease after its holder released it."""
        return replace(self, expires_at=None)


@dataclass(frozen=True)
class Progress:
    """The served demand, the pull under way, and the number of failures in a row."""

    served: int = 0
    failures: int = 0
    retry_at: datetime | None = None
    checkpoint: PullCheckpoint | None = None

    @property
    def pull_id(self) -> str:
        """The pull under way; empty when none is."""
        return self.checkpoint.pull_id if self.checkpoint else ""

    def backs_off(self, now: datetime) -> bool:
        """Tell whether it is too early for another pull."""
        return self.retry_at is not None and self.retry_at > now

    def ended(self, served: int) -> Progress:
        """Return the progress after a pull that need not be repeated; earlier trouble is over."""
        return Progress(served=served)

    def recovered(self) -> Progress:
        """Return the progress when no failure counts any more; a pull under way goes on."""
        return replace(self, failures=0, retry_at=None)

    def abandoned(self, served: int) -> Progress:
        """Return the progress after a pull that nobody shall resume; its failures count on."""
        return Progress(served=served, failures=self.failures)


@dataclass(frozen=True)
class Chain:
    """The start of the next pull: Xporter's hash of the last answer, and the request for it.

    At ``baseline_at`` the whole dataset is compared again.
    """

    fingerprint: str = ""
    next_changed_rows: str = ""
    baseline_at: datetime | None = None

    def broken(self) -> Chain:
        """Return the chain that the next pull does not follow: it requests all rows."""
        return replace(self, next_changed_rows="")


@dataclass(frozen=True)
class Published:
    """The published data of a dataset, and when parts of them end.

    ``unpublished`` are the copies that a commit still has to make. Sequences before ``oldest`` are
    deleted; at ``retire_at`` the next one may be. A temporary dataset ends at ``expires_at``.
    ``change`` is its entry in the index of changes, once readers find it; ``scopes`` are all under
    which data was fetched. ``as_of`` is Xporter's time, ``checked_at`` that of the last comparison.
    """

    sequence: int = 0
    manifest: Manifest | None = None
    unpublished: Mapping[str, str] | None = None
    oldest: int = 0
    retire_at: datetime | None = None
    expires_at: datetime | None = None
    as_of: datetime | None = None
    checked_at: datetime | None = None
    columns: Mapping[str, list[str]] = field(default_factory=dict)
    scopes: tuple[str, ...] = ()
    change: str = ""

    def committed(self, made: Manifest, copies: Mapping[str, str]) -> Published:
        """Return the published data as stored once the draft is the current sequence."""
        return replace(
            self, sequence=made.sequence, manifest=made, unpublished=copies, columns=made.columns
        )

    def erased(self, tombstone: Manifest, until: datetime) -> Published:
        """Return what is published once all objects are deleted: a manifest that ends."""
        sequence = tombstone.sequence
        return Published(sequence, tombstone, oldest=sequence, expires_at=until)


@dataclass(frozen=True)
class Hold:
    """A change set that waits for a person's decision, or for the end of its time."""

    since: datetime
    expires_at: datetime
    reasons: tuple[str, ...]
    fingerprint: str
    manifest: Manifest
    copies: Mapping[str, str]

    @property
    def pull_id(self) -> str:
        """The pull that made the change set."""
        return self.manifest.pull_id or ""


@dataclass(frozen=True)
class Looks:
    """The pulls repeated because the data contradicted the callback of ``heard_at``.

    ``count`` is how many there were, ``at`` when to repeat next.
    """

    heard_at: datetime | None = None
    count: int = 0
    at: datetime | None = None

    def ended(self) -> Looks:
        """Return the looks when no further one is needed."""
        return replace(self, at=None)


@dataclass(frozen=True)
class DatasetRecord:
    """One dataset of one school.

    ``erasing`` says why its data is being deleted; until the deletion ends, there is no pull.
    ``held_since``: since then a change is held, or computed anew, on which nobody has decided.
    ``people_search`` is the latest search for erased people after which nothing of them is stored.
    """

    estab: str
    dataset: str
    state: DatasetState = DatasetState.PENDING
    reason: str = ""
    erasing: str = ""
    outbox: tuple[Mapping[str, Any], ...] = ()
    demand: Demand = Demand()
    lease: Lease = Lease()
    progress: Progress = Progress()
    chain: Chain = Chain()
    published: Published = Published()
    hold: Hold | None = None
    held_since: datetime | None = None
    looks: Looks = Looks()
    noticed: Noticed = Noticed()  # noqa: RUF009 - frozen
    attempts: tuple[Attempt, ...] = ()
    people_search: str = ""

    @property
    def definition(self) -> Mapping[str, Any] | None:
        """What a dataset is made of that was requested by hand; None for a configured one."""
        return self.demand.definition

    @property
    def is_due(self) -> bool:
        """Tell whether a pull was requested that no pull has served yet."""
        return self.demand.requested > self.progress.served

    @property
    def has_unfinished_work(self) -> bool:
        """Tell whether a lease holder would find something to do."""
        return self.is_due or bool(self.published.unpublished) or bool(self.demand.decision)

    @property
    def hold_id(self) -> str:
        """The pull whose change set is held; empty when none is."""
        return self.hold.pull_id if self.hold else ""

    @property
    def named_pulls(self) -> frozenset[str]:
        """The pulls whose staged objects are still needed, and the empty name."""
        made = self.published.manifest if self.published.unpublished else None
        return frozenset({self.progress.pull_id, (made and made.pull_id) or "", self.hold_id, ""})

    def is_leased(self, now: datetime) -> bool:
        """Tell whether an invocation holds the lease."""
        return self.lease.expires_at is not None and self.lease.expires_at > now

    def released(self) -> DatasetRecord:
        """Return the record after the lease holder released it."""
        return replace(self, lease=self.lease.released())

    def not_covered(self, reason: str) -> DatasetRecord:
        """Return the record when the school's scopes do not allow the pull that was requested."""
        return replace(
            self,
            state=DatasetState.NOT_COVERED,
            reason=reason,
            progress=self.progress.ended(self.demand.requested),
        )

    def held(self, hold: Hold, served: int) -> DatasetRecord:
        """Return the record once a change set waits for a decision; what is published stays."""
        return replace(
            self,
            state=DatasetState.HELD,
            reason="; ".join(hold.reasons),
            progress=self.progress.ended(served),
            hold=hold,
        )

    def erased(self, tombstone: Manifest, reason: str, until: datetime) -> DatasetRecord:
        """Return the record once its data is deleted; what was requested is still to be served."""
        return DatasetRecord(
            self.estab,
            self.dataset,
            state=DatasetState.ERASED,
            reason=reason,
            outbox=self.outbox,
            demand=self.demand,
            lease=self.lease.released(),
            progress=self.progress.ended(self.progress.served),
            published=self.published.erased(tombstone, until),
            looks=self.looks.ended(),
        )
