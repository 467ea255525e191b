"""Decides what becomes of an assembled pull, commits it, and makes it visible to readers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from xporter_bridge import telemetry
from xporter_bridge.datasets.model import Dataset
from xporter_bridge.datasets.timetable import SCHOOL_TIME
from xporter_bridge.events.model import new_event
from xporter_bridge.ingestion.build_sequence import Assembled, draft
from xporter_bridge.ingestion.columns import ColumnPolicy
from xporter_bridge.ingestion.drift_reports import (
    notice_columns,
    notice_difference,
    notice_repeats,
)
from xporter_bridge.pulls.hold import held, suspicions
from xporter_bridge.pulls.model import Checkpoint, DatasetItem, DatasetState, next_baseline
from xporter_bridge.pulls.repository import DatasetTable
from xporter_bridge.pulls.retention import retire, superseded
from xporter_bridge.snapshots.layout import Place
from xporter_bridge.snapshots.store import Lake
from xporter_bridge.timestamps import iso, parse
from xporter_bridge.xporter.pages import PageFacts

_ENDED_BY = {
    "reject": "hold_rejected",
    "expire": "hold_expired",
    "configuration_changed": "hold_outdated",
}


class Committer:
    """Writes what a lease holder has achieved; each write is one conditional step.

    ``keep`` is for how long replaced sequences, and temporary datasets, stay (``retention``).
    ``leftovers`` are pulls whose staged work the item will never name again, once what names it
    now is written over. It is deleted last of all: a failure to delete must change nothing.
    """

    def __init__(
        self,
        datasets: DatasetTable,
        lake: Lake,
        ttl: timedelta,
        keep: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        self._datasets = datasets
        self._lake = lake
        self._ttl = ttl
        self._keep = keep
        self._now = now
        self.leftovers: set[str] = set()

    def commit(
        self,
        item: DatasetItem,
        dataset: Dataset,
        checkpoint: Checkpoint,
        facts: PageFacts,
        assembled: Assembled,
        policy: ColumnPolicy,
    ) -> DatasetItem:
        """Commit the pull, hold it, or note that nothing had changed; the lease stays.

        Raises:
            ConflictError: The lease was lost, and with it the right to commit.
        """
        item = notice_columns(item, dataset, policy)
        item = notice_repeats(item, dataset, assembled)
        made = draft(item, checkpoint, facts, assembled.tables, self._now())
        before = item.manifest
        # An erased dataset that is empty when its scope returns is news all the same.
        says_the_same = before and "erased" not in before and before["stale"] == made["stale"]
        if assembled.is_unchanged and says_the_same:
            return self._unchanged(item, dataset, checkpoint, made)
        if checkpoint.is_baseline and facts.following == item.next_changed_rows:
            notice_difference(item, dataset, assembled)
        today = self._now().astimezone(SCHOOL_TIME).date()
        reasons = suspicions(list(assembled.changes), dataset.limits.on(today))
        is_short = assembled.odd is not None and assembled.odd.is_short
        if is_short and any(change.deleted for change in assembled.changes):
            reasons.append(f"{facts.row_count} rows announced, and not so many came")
        if item.manifest and reasons:
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
            (self._now() - parse(checkpoint.started_at)) / timedelta(milliseconds=1),
        )
        served = replace(item, served=checkpoint.serving, fingerprint=dataset.fingerprint)
        return self._adopt(served, made, assembled.copies, checkpoint.is_baseline)

    def publish(self, item: DatasetItem) -> DatasetItem:
        """Copy what was committed to where readers look, ``latest.json`` last.

        Repeating it after a crash copies the same bytes to the same keys.

        Raises:
            ConflictError: The lease was lost; whoever has it publishes.
        """
        document = item.manifest
        if not item.unpublished or not document:
            return item
        place = Place(item.estab, item.dataset)
        self._lake.publish(item.unpublished)
        self._lake.put_document(place.manifest(item.sequence), document)
        # A holder that was overtaken must not put an older manifest in place of a later one: the
        # lease proves that what was seen is older, and the write that it is still there.
        seen = self._lake.version(place.latest)
        item = self._datasets.renew(item, self._now())
        self._lake.replace_document(place.latest, document, seen=seen)
        self.leftovers.add(document["pull_id"])
        return self._save(replace(item, unpublished=None, reason="", failures=0, retry_at=""))

    def retire(self, item: DatasetItem) -> DatasetItem:
        """Delete what was replaced long ago; whoever lets go of the dataset saves how far."""
        return retire(item, self._lake, self._keep, self._now())

    def carry_out_decision(self, item: DatasetItem, dataset: Dataset | None) -> DatasetItem:
        """Apply or drop a held change set as a person, or the end of its time, has decided.

        One that was made under another configuration might hold what must not be stored by now:
        it is dropped, and the dataset pulled anew.
        """
        if not item.decision:
            return item
        # What was decided on may be held no longer: applied already, replaced or released.
        hold = item.hold if item.hold_id == item.decided_hold else None
        decision = item.decision
        if hold and (dataset is None or hold["fingerprint"] != dataset.fingerprint):
            decision = "configuration_changed"
            self._datasets.request(item.estab, item.dataset, self._now())
        if hold and decision == "approve":
            approved = replace(item, fingerprint=hold["fingerprint"])
            item = self._adopt(approved, hold["manifest"], hold["copies"], is_baseline=False)
            item = self.publish(item)
        elif hold:
            reason = _ENDED_BY[decision]
            self.leftovers.add(item.hold_id)
            item = self._save(replace(item, hold=None, state=DatasetState.CURRENT, reason=reason))
        return self._datasets.take_decision(item)

    def not_covered(self, item: DatasetItem, dataset: Dataset) -> DatasetItem:
        """Note that the school's scopes do not allow the dataset, so it is not asked for."""
        reason = f"needs the scope {dataset.endpoint.scope}"
        if item.checkpoint:
            self.leftovers.add(item.checkpoint.pull_id)
        return self._save(
            replace(
                item,
                state=DatasetState.NOT_COVERED,
                reason=reason,
                served=item.requested,
                failures=0,
                retry_at="",
                checkpoint=None,
            )
        )

    def _unchanged(
        self,
        item: DatasetItem,
        dataset: Dataset,
        checkpoint: Checkpoint,
        made: Mapping[str, Any],
    ) -> DatasetItem:
        telemetry.count("PullUnchanged", dataset.endpoint.name)
        telemetry.record("pull_unchanged", estab=item.estab, dataset=item.dataset)
        served = replace(item, served=checkpoint.serving, fingerprint=dataset.fingerprint)
        self.leftovers |= {checkpoint.pull_id, item.hold_id}
        return self._save(self._settled(served, made, is_baseline=checkpoint.is_baseline))

    def _adopt(
        self,
        item: DatasetItem,
        made: Mapping[str, Any],
        copies: Mapping[str, str],
        is_baseline: bool,
    ) -> DatasetItem:
        """Make the draft the dataset's current sequence: this write is the commit."""
        sequence = made["sequence"]
        event = new_event(
            "dataset.changed",
            self._now(),
            about=f"{item.dataset}/{sequence}/{made['pull_id']}",
            estab=item.estab,
            dataset=item.dataset,
            sequence=sequence,
            manifest_key=Place(item.estab, item.dataset).manifest(sequence),
        )
        telemetry.record(
            "pull_committed",
            estab=item.estab,
            dataset=item.dataset,
            sequence=sequence,
            rows={name: table["rows"] for name, table in made["tables"].items()},
        )
        settled = self._settled(item, made, is_baseline=is_baseline)
        committed = replace(
            superseded(settled, self._keep, self._now()),
            sequence=sequence,
            manifest=made,
            unpublished=copies,
            columns={name: table["columns"] for name, table in made["tables"].items()},
            outbox=(*item.outbox, event.document()),
        )
        under_way = item.checkpoint.pull_id if item.checkpoint else ""
        self.leftovers |= {under_way, item.hold_id} - {made["pull_id"]}
        return self._save(committed)

    def _settled(
        self, item: DatasetItem, made: Mapping[str, Any], *, is_baseline: bool
    ) -> DatasetItem:
        """Return the item after a pull ended well; every earlier trouble is over."""
        now = self._now()
        due = is_baseline or not item.baseline_at
        return replace(
            item,
            state=DatasetState.CURRENT,
            reason="",
            next_changed_rows=made["next_changed_rows"] or "",
            as_of=made["as_of"],
            checked_at=iso(now),
            baseline_at=next_baseline(item, now) if due else item.baseline_at,
            expires_at=iso(now + self._keep),
            failures=0,
            retry_at="",
            checkpoint=None,
            hold=None,
        )

    def _hold(
        self,
        item: DatasetItem,
        dataset: Dataset,
        checkpoint: Checkpoint,
        made: Mapping[str, Any],
        assembled: Assembled,
        reasons: list[str],
    ) -> DatasetItem:
        """Keep the change set for a person to decide; readers go on with what they have."""
        now = self._now()
        hold, is_news = held(item.hold, made, assembled.copies, reasons, dataset, now)
        event = new_event(
            "dataset.held",
            now,
            about=f"{item.dataset}/{made['sequence']}/{made['pull_id']}",
            estab=item.estab,
            dataset=item.dataset,
            sequence=made["sequence"],
            reasons=reasons,
        )
        telemetry.warn("pull_held", estab=item.estab, dataset=item.dataset, reasons=reasons)
        telemetry.count("PullHeld", dataset.endpoint.name)
        waiting = replace(
            item,
            state=DatasetState.HELD,
            reason="; ".join(reasons),
            served=checkpoint.serving,
            checked_at=iso(now),
            baseline_at=next_baseline(item, now) if checkpoint.is_baseline else item.baseline_at,
            failures=0,
            retry_at="",
            checkpoint=None,
            hold=hold,
            outbox=(*item.outbox, event.document()) if is_news else item.outbox,
        )
        self.leftovers.add(item.hold_id)
        return self._save(waiting)

    def _save(self, item: DatasetItem) -> DatasetItem:
        return self._datasets.save(item, self._ttl, self._now())
