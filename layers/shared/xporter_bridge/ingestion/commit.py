"""Commits an assembled pull, holds it, or finds it unchanged, and publishes it to readers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from xporter_bridge import telemetry
from xporter_bridge.datasets.model import Dataset
from xporter_bridge.datasets.timetable import SCHOOL_TIME
from xporter_bridge.events.model import new_event
from xporter_bridge.ingestion.built_sequence import BuiltSequence
from xporter_bridge.ingestion.columns import ColumnPolicy
from xporter_bridge.ingestion.draft_manifest import draft_manifest
from xporter_bridge.ingestion.drift_reports import (
    notice_repeats,
    report_baseline_mismatch,
    report_column_drift,
    report_outdated,
)
from xporter_bridge.ingestion.staged_leftovers import StagedLeftovers
from xporter_bridge.pulls import publication
from xporter_bridge.pulls.contradiction import after_news, after_nothing_new
from xporter_bridge.pulls.hold import limit_violations, make_hold
from xporter_bridge.pulls.model import changed_event, next_baseline, with_served
from xporter_bridge.pulls.record import DatasetRecord, DatasetState, PullCheckpoint
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.pulls.retention import prune_superseded, schedule_pruning
from xporter_bridge.snapshots.layout import DatasetLayout
from xporter_bridge.snapshots.manifest import Manifest
from xporter_bridge.snapshots.store import SnapshotStore
from xporter_bridge.xporter.pages import ALL_ROWS, PageMetadata

_ENDED_BY = {
    "reject": "hold_rejected",
    "expire": "hold_expired",
    "configuration_changed": "hold_outdated",
}
_PULLED_ANEW = {"expire", "configuration_changed"}


class PullCommit:
    """Writes what a lease holder has achieved; each write is one conditional step.

    ``keep`` is for how long replaced sequences, and temporary datasets, stay (``retention``).
    ``of_school`` are the school's datasets by name, as far as the visit knows them.
    """

    def __init__(
        self,
        datasets: DatasetRepository,
        store: SnapshotStore,
        keep: timedelta,
        now: Callable[[], datetime],
        of_school: Mapping[str, DatasetRecord],
        leftovers: StagedLeftovers,
        heartbeat: Callable[[], None],
    ) -> None:
        self._heartbeat = heartbeat
        self._datasets = datasets
        self._of_school = of_school
        self._store = store
        self._keep = keep
        self._now = now
        self._latest_seen: str | None = None  # until this holder commits
        self._leftovers = leftovers

    def commit(
        self,
        item: DatasetRecord,
        dataset: Dataset,
        checkpoint: PullCheckpoint,
        facts: PageMetadata,
        assembled: BuiltSequence,
        policy: ColumnPolicy,
    ) -> DatasetRecord:
        """Commit the pull, hold it, or note that nothing had changed; the lease stays.

        Raises:
            ConflictError: The lease was lost, and with it the right to commit.
        """
        item = report_column_drift(item, dataset, policy, self._is_first)
        item = notice_repeats(item, dataset, assembled)
        made = draft_manifest(item, checkpoint, facts, assembled.tables, self._now())
        before = item.published.manifest
        # An erased dataset that is empty when its scope returns is news all the same.
        says_the_same = before and before.erased is None and before.stale == made.stale
        if assembled.is_unchanged and says_the_same:
            self._leftovers.add(checkpoint.pull_id)
            return self._unchanged(item, dataset, checkpoint, made)
        is_same_hash = facts.following == item.chain.next_changed_rows
        if checkpoint.is_baseline and is_same_hash and assembled.has_other_rows:
            report_baseline_mismatch(item, dataset, assembled)
        today = self._now().astimezone(SCHOOL_TIME).date()
        reasons = limit_violations(list(assembled.changes), dataset.limits.on(today))
        is_short = assembled.odd is not None and assembled.odd.is_short
        if is_short and any(change.deleted for change in assembled.changes):
            reasons.append(f"{facts.row_count} rows announced, and not so many came")
        if item.published.manifest and reasons:
            return self._hold(item, dataset, checkpoint, made, assembled, reasons)
        telemetry.count("PullCommitted", dataset.endpoint.name)
        telemetry.count(
            "RowsPulled",
            dataset.endpoint.name,
            sum(c.inserted + c.updated for c in assembled.changes),
        )
        telemetry.count(
            "PullDuration",
            dataset.endpoint.name,
            (self._now() - checkpoint.started_at) / timedelta(milliseconds=1),
        )
        served = with_served(item, dataset, checkpoint)
        return self._commit_sequence(served, made, assembled.copies, checkpoint.is_baseline)

    def publish(self, item: DatasetRecord) -> DatasetRecord:
        """Copy what was committed to where readers look (``pulls.publication``).

        What this holder has committed is not saved as published: the write that releases the lease
        does so, and after a crash the next holder copies once more.

        Raises:
            ConflictError: The lease was lost; its new holder publishes.
        """
        made = item.published.manifest
        if not publication.is_unpublished(item) or made is None:
            return item
        self._leftovers.add(made.pull_id)
        if self._latest_seen is None:
            return publication.publish_committed(item, self._datasets, self._store, self._now)
        publication.copy_committed(item, self._store)
        # Proves the lease anew if a quarter of it has passed; an erasure waits for its end.
        self._heartbeat()
        return publication.with_latest(item, self._store, seen=self._latest_seen)

    def prune(self, item: DatasetRecord) -> DatasetRecord:
        """Delete sequences replaced long ago; the write that releases the lease saves how far."""
        return prune_superseded(item, self._store, self._keep, self._now())

    def carry_out_decision(self, item: DatasetRecord, dataset: Dataset | None) -> DatasetRecord:
        """Apply or drop a held change set as a person, or the end of its time, has decided.

        One that was made under another configuration might hold what must not be stored by now:
        it is dropped, and the dataset pulled anew. So it is when nobody has decided in time: what
        people are withdrawn from must not be forgotten, and is held again by that pull.
        """
        if not item.demand.decision:
            return item
        # What was decided on may be held no longer: applied already, replaced or released.
        hold = item.hold if item.hold_id == item.demand.decided_hold else None
        decision = item.demand.decision
        if hold and (dataset is None or hold.fingerprint != dataset.fingerprint):
            decision = "configuration_changed"
        if hold and decision in _PULLED_ANEW:
            self._datasets.add_demand(item.estab, item.dataset, self._now())
        if hold and decision == "approve":
            approved = replace(item, chain=replace(item.chain, fingerprint=hold.fingerprint))
            item = self._commit_sequence(approved, hold.manifest, hold.copies, is_baseline=False)
            item = self.publish(item)
        elif hold:
            reason = _ENDED_BY[decision]
            self._leftovers.add(item.hold_id)
            since = None if decision == "reject" else item.held_since or hold.since
            ended = replace(item, hold=None, held_since=since, reason=reason)
            item = self._save(replace(ended, state=DatasetState.CURRENT))
        return self._datasets.clear_decision(item)

    def not_covered(self, item: DatasetRecord, reason: str) -> DatasetRecord:
        """Note that the school's scopes do not allow the dataset, so it is not asked for."""
        self._leftovers.add(item.progress.pull_id)
        return self._save(item.not_covered(reason))

    def note_nothing_new(
        self, item: DatasetRecord, dataset: Dataset, checkpoint: PullCheckpoint, facts: PageMetadata
    ) -> DatasetRecord:
        """Return the dataset after an answer without rows, of which nothing was staged.

        Not saved: the write that releases the lease follows and saves all of it at once.
        """
        telemetry.count("PagesPulled", dataset.endpoint.name, facts.page_count)
        before = item.published.manifest
        tables = before.tables if before else {}
        made = draft_manifest(item, checkpoint, facts, tables, self._now())
        return self._unchanged(item, dataset, checkpoint, made)

    def _unchanged(
        self, item: DatasetRecord, dataset: Dataset, checkpoint: PullCheckpoint, made: Manifest
    ) -> DatasetRecord:
        telemetry.count("PullUnchanged", dataset.endpoint.name)
        telemetry.record("pull_unchanged", estab=item.estab, dataset=item.dataset)
        known, config = self._of_school.values(), self._datasets.config
        item = after_nothing_new(item, known, config, checkpoint.started_at, self._now())
        served = with_served(item, dataset, checkpoint)
        self._leftovers.add(item.hold_id)
        settled = self._settled(served, made, is_baseline=checkpoint.is_baseline)
        if not item.held_since or checkpoint.requested_changed_rows == ALL_ROWS:
            return settled
        # A change set without news contradicts the one that was held: all rows decide.
        demand = self._datasets.add_demand(item.estab, item.dataset, self._now()).demand
        broken = settled.chain.broken()
        return replace(settled, chain=broken, demand=demand, held_since=item.held_since)

    def _commit_sequence(
        self,
        item: DatasetRecord,
        made: Manifest,
        copies: Mapping[str, str],
        is_baseline: bool,
    ) -> DatasetRecord:
        """Make the draft the dataset's current sequence: this write is the commit."""
        sequence = made.sequence
        event = changed_event(made, self._now())
        telemetry.record(
            "pull_committed",
            estab=item.estab,
            dataset=item.dataset,
            sequence=sequence,
            rows={name: table.rows for name, table in made.tables.items()},
        )
        settled = self._settled(item, made, is_baseline=is_baseline)
        settled = schedule_pruning(after_news(settled), self._keep, self._now())
        committed = replace(
            settled,
            published=settled.published.committed(made, copies),
            outbox=(*item.outbox, event.document()),
        )
        self._leftovers.add(*{item.progress.pull_id, item.hold_id} - {made.pull_id})
        # Before the write that proves the lease (publication.with_latest).
        seen = self._store.etag(DatasetLayout(item.estab, item.dataset).latest)
        saved = self._save(committed)
        self._latest_seen = seen
        return saved

    def _settled(self, item: DatasetRecord, made: Manifest, *, is_baseline: bool) -> DatasetRecord:
        """Return the item after a pull ended well; every earlier trouble is over."""
        now = self._now()
        report_outdated(item, self._datasets.config.dataset_of(item), made.as_of, now)
        due = is_baseline or not item.chain.baseline_at
        return replace(
            item,
            state=DatasetState.CURRENT,
            reason="",
            chain=replace(
                item.chain,
                next_changed_rows=made.next_changed_rows or "",
                baseline_at=next_baseline(item, now) if due else item.chain.baseline_at,
            ),
            published=replace(
                item.published,
                as_of=made.as_of,
                checked_at=now,
                expires_at=now + self._keep,
            ),
            progress=item.progress.ended(item.progress.served),
            hold=None,
            held_since=None,
        )

    def _hold(
        self,
        item: DatasetRecord,
        dataset: Dataset,
        checkpoint: PullCheckpoint,
        made: Manifest,
        assembled: BuiltSequence,
        reasons: list[str],
    ) -> DatasetRecord:
        """Keep the change set for a person to decide; readers go on with what they have."""
        now = self._now()
        hold, is_news = make_hold(item, made, assembled.copies, reasons, dataset, now)
        event = new_event(
            "dataset.held",
            now,
            about=f"{item.dataset}/{made.sequence}/{made.pull_id}",
            estab=item.estab,
            dataset=item.dataset,
            sequence=made.sequence,
            reasons=reasons,
        )
        telemetry.warn("pull_held", estab=item.estab, dataset=item.dataset, reasons=reasons)
        telemetry.count("PullHeld", dataset.endpoint.name)
        waiting = replace(
            after_news(item).held(hold, served=checkpoint.serving),
            held_since=hold.since,
            published=replace(item.published, checked_at=now),
            chain=replace(item.chain, baseline_at=next_baseline(item, now))
            if checkpoint.is_baseline
            else item.chain,
            outbox=(*item.outbox, event.document()) if is_news else item.outbox,
        )
        self._leftovers.add(item.hold_id)
        return self._save(waiting)

    def _is_first(self, name: str) -> bool:
        return self._datasets.notices.is_first(name, self._now())

    def _save(self, item: DatasetRecord) -> DatasetRecord:
        return self._datasets.save(item, self._now())
