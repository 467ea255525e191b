"""Takes erased people out of a dataset: what is published, superseded, held or under way."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from xporter_bridge import telemetry
from xporter_bridge.erasure.certificate import Certificate, DatasetErasure, of_request
from xporter_bridge.erasure.dependencies import EraseDependencies
from xporter_bridge.erasure.rewrite_snapshot import (
    RewrittenDataset,
    SnapshotRewriter,
    TableFinding,
)
from xporter_bridge.events.model import Event
from xporter_bridge.pulls.model import LEASE, changed_event
from xporter_bridge.pulls.publication import publish_committed
from xporter_bridge.pulls.record import DatasetRecord, DatasetState
from xporter_bridge.schools.erased_people import OpenedPeople, PersonTombstone, search_id
from xporter_bridge.snapshots.convert import ParquetConverter, ParquetFiles
from xporter_bridge.snapshots.layout import DatasetLayout, staging_prefix
from xporter_bridge.snapshots.manifest import Manifest
from xporter_bridge.xporter.column_types import type_of
from xporter_bridge.xporter.people import is_requested_for, may_concern

_RENEWED_EVERY = LEASE / 4
_MARGIN = timedelta(seconds=5)
# No Parquet file keeps an erasure from its end: those that are not written by then, a pull writes.
_TIME_FOR_PARQUET = timedelta(minutes=2)


class DatasetCleaner:
    """Cleans the datasets of one school, one after the other.

    Args:
        wanted: The people whose certificates are written.
        is_first: Whether superseded sequences may hold them too; at the last look, none does.
    """

    def __init__(
        self,
        estab: str,
        people: OpenedPeople,
        wanted: Sequence[PersonTombstone],
        deps: EraseDependencies,
        *,
        is_first: bool,
    ) -> None:
        self._estab = estab
        self._people = people
        self._wanted = wanted
        self._deps = deps
        self._is_first = is_first
        self._search = search_id(wanted)
        self._parquet_until = deps.now() + _TIME_FOR_PARQUET

    def clean(self, item: DatasetRecord) -> timedelta:
        """Clean one dataset; return how long to wait if a pull may still be writing.

        Every step may be repeated. A dataset that the same search has cleaned is not read again: no
        pull that begins after a tombstone was stored brings the person back.

        Raises:
            ConflictError: The lease was lost.
        """
        is_requested = self._is_requested_for_one(item)
        if not is_requested and not self._may_concern(item):
            return timedelta()
        deps = self._deps
        if item.people_search == self._search and not is_requested:
            self._publish_outbox(item)
            return timedelta()
        leased = None if item.erasing else deps.datasets.lease_to_erase(item, deps.now())
        if leased is None:
            return LEASE + _MARGIN
        if is_requested:
            self._forget(leased)
            return timedelta()
        item = publish_committed(leased, deps.datasets, deps.store, deps.now)
        item = self._without_work_under_way(item)
        made = item.published.manifest
        if made and made.erased is None:
            item = self._pruned(self._rewritten(item, made))
        cleaned = replace(item.released(), people_search=self._search)
        self._publish_outbox(deps.datasets.save(cleaned, deps.now()))
        return timedelta()

    def note(self, *, objects: int = 0, operations: int = 0, dead_letters: int = 0) -> None:
        """Count what was deleted in every certificate: of whom it was, deletion does not tell."""
        for person in self._wanted:
            counted = self._certificate(person).counting(
                objects=objects, operations=operations, dead_letters=dead_letters
            )
            self._deps.certificates.put(counted)

    def _publish_outbox(self, item: DatasetRecord) -> None:
        if item.outbox:
            self._deps.bus.publish(Event.read(entry) for entry in item.outbox)
            self._deps.datasets.clear_outbox(item)

    def _is_requested_for_one(self, item: DatasetRecord) -> bool:
        definition = item.definition
        return definition is not None and is_requested_for(
            definition["endpoint"], definition["parameters"], self._people.is_erased
        )

    def _may_concern(self, item: DatasetRecord) -> bool:
        """Tell whether rows of the dataset may name a person; an unknown endpoint's may."""
        dataset = self._deps.datasets.config.dataset_of(item)
        if dataset is None:
            return True
        catalogued = {table.name: table.fields for table in dataset.endpoint.tables.values()}
        return may_concern(catalogued) or may_concern(item.published.columns)

    def _forget(self, item: DatasetRecord) -> None:
        """Delete a dataset that was requested for one person; its parameters name the person."""
        deps = self._deps
        deps.store.delete_staged(staging_prefix(item.estab, item.dataset))
        prefixes = DatasetLayout(item.estab, item.dataset).prefixes
        objects = sum(deps.store.erase(prefix) for prefix in prefixes)
        deps.operations.delete(item.estab, f"#pull/{item.dataset}")
        deps.datasets.forget(item)
        self.note(objects=objects)

    def _without_work_under_way(self, item: DatasetRecord) -> DatasetRecord:
        """Drop a pull under way and a held change set: both may hold rows of the people."""
        deps = self._deps
        if item.hold:
            deps.datasets.add_demand(item.estab, item.dataset, deps.now())
            item = replace(item, hold=None, state=DatasetState.CURRENT, reason="")
        item = replace(item, progress=replace(item.progress, checkpoint=None))
        if self._hides_people(item):
            # Rows cannot be told apart whose columns of people are not stored: all are pulled anew.
            deps.datasets.add_demand(item.estab, item.dataset, deps.now())
            item = replace(item, chain=item.chain.broken())
        item = deps.datasets.save(item, deps.now())
        deps.store.delete_staged(staging_prefix(item.estab, item.dataset))
        return item

    def _hides_people(self, item: DatasetRecord) -> bool:
        dataset = self._deps.datasets.config.dataset_of(item)
        return self._is_first and dataset is not None and may_concern(dataset.leave_out)

    def _rewritten(self, item: DatasetRecord, manifest: Manifest) -> DatasetRecord:
        """Commit and publish a sequence without the people, if there is anything of them."""
        deps, pull_id = self._deps, uuid.uuid4().hex
        lease = _Heartbeat(item, deps)
        prefix = staging_prefix(item.estab, item.dataset, pull_id)
        out = f"{prefix}out-{item.lease.fence}/"
        rewriter = SnapshotRewriter(
            deps.store,
            manifest,
            self._people,
            out=out,
            heartbeat=lease.renew,
            parquet=self._parquet(item, out, lease.renew),
        )
        found = rewriter.search()
        if not found:
            return lease.item
        made = rewriter.rewrite(found)
        item = self._committed(lease.item, manifest, made, found, pull_id)
        item = publish_committed(item, deps.datasets, deps.store, deps.now)
        deps.store.delete_staged(prefix)
        return item

    def _parquet(
        self, item: DatasetRecord, out: str, heartbeat: Callable[[], None]
    ) -> ParquetFiles:
        deps, dataset = self._deps, self._deps.datasets.config.dataset_of(item)
        converter = ParquetConverter(
            deps.store,
            DatasetLayout(item.estab, item.dataset),
            dataset.endpoint.name if dataset else "unknown",
            type_of,
            has_time=lambda: deps.now() < self._parquet_until,
            heartbeat=heartbeat,
        )
        return ParquetFiles(deps.store, converter, out)

    def _committed(
        self,
        item: DatasetRecord,
        before: Manifest,
        made: RewrittenDataset,
        found: Mapping[str, TableFinding],
        pull_id: str,
    ) -> DatasetRecord:
        """Make the rewritten tables the current sequence; the certificates say so before."""
        now, sequence = self._deps.now(), before.sequence + 1
        self._certify(item.dataset, sequence, made, found)
        manifest = replace(
            before, sequence=sequence, pull_id=pull_id, completed_at=now, tables=made.tables
        )
        event = changed_event(manifest, now)
        telemetry.record(
            "people_erased_from_dataset",
            estab=item.estab,
            dataset=item.dataset,
            sequence=sequence,
            rows={name: each.rows.total() for name, each in found.items()},
        )
        committed = replace(
            item,
            published=item.published.committed(manifest, made.copies),
            outbox=(*item.outbox, event.document()),
        )
        return self._deps.datasets.save(committed, now)

    def _certify(
        self,
        dataset: str,
        sequence: int,
        made: RewrittenDataset,
        found: Mapping[str, TableFinding],
    ) -> None:
        for person in self._wanted:
            digest = person.digest
            done = DatasetErasure(
                dataset,
                sequence,
                {name: each.rows[digest] for name, each in found.items() if each.rows[digest]},
                {
                    name: each.mentions[digest]
                    for name, each in found.items()
                    if each.mentions[digest]
                },
                {name: made.tables[name].sha256 for name, each in found.items() if each.is_changed},
            )
            self._deps.certificates.put(self._certificate(person).adding(done))

    def _pruned(self, item: DatasetRecord) -> DatasetRecord:
        """Delete every version of all objects that no kept sequence names.

        At first, only the current sequence is kept. At the last look, those are that followed: a
        holder that was overtaken before may have copied an older one once more.
        """
        deps, published = self._deps, item.published
        if self._is_first:
            published = replace(published, oldest=published.sequence, retire_at=None)
        place = DatasetLayout(item.estab, item.dataset)
        keep = {place.latest}
        for sequence in range(max(published.oldest, 1), published.sequence + 1):
            key = place.manifest(sequence)
            document = deps.store.read_manifest(key)
            if document is not None:
                tables = Manifest.read(document).tables.values()
                keep |= {key, *(each for table in tables for each in table.keys)}
        objects = sum(deps.store.erase(prefix, keep) for prefix in place.prefixes)
        if objects:
            self.note(objects=objects)
        return replace(item, published=published)

    def _certificate(self, person: PersonTombstone) -> Certificate:
        found = self._deps.certificates.get(self._estab, person.digest)
        return of_request(found, self._estab, person)


class _Heartbeat:
    """The lease of a dataset, renewed while its rows are read and written."""

    def __init__(self, item: DatasetRecord, deps: EraseDependencies) -> None:
        self.item = item
        self._deps = deps
        self._renewed_at = deps.now()

    def renew(self) -> None:
        """Renew the lease if it is time.

        Raises:
            ConflictError: The lease was lost.
        """
        now = self._deps.now()
        if now - self._renewed_at >= _RENEWED_EVERY:
            self.item = self._deps.datasets.renew(self.item, now)
            self._renewed_at = now
