"""The retention of superseded data (docs/data.md).

A superseded sequence is kept for some time, so that readers who are behind can catch up. So is a
temporary dataset: one that was pulled on request, or that is not configured any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from xporter_bridge import telemetry
from xporter_bridge.datasets.model import Dataset
from xporter_bridge.pulls.model import is_temporary
from xporter_bridge.pulls.record import DatasetRecord
from xporter_bridge.snapshots.layout import DatasetLayout
from xporter_bridge.snapshots.manifest import Manifest
from xporter_bridge.snapshots.store import SnapshotStore
from xporter_bridge.timestamps import has_come

EXPIRED = "expired"


def schedule_pruning(item: DatasetRecord, keep: timedelta, now: datetime) -> DatasetRecord:
    """Return the record with the time to prune the sequence that a new one is about to replace."""
    if not item.published.sequence or item.published.retire_at:
        return item  # Nothing is replaced, or an older sequence is pruned first.
    return replace(item, published=replace(item.published, retire_at=now + keep))


def prunable_at(following: Manifest, keep: timedelta) -> datetime:
    """Return when to delete a sequence, given the manifest of the sequence that replaced it."""
    return following.completed_at + keep


def unreferenced_keys(old: Manifest, *later: Manifest) -> list[str]:
    """Return the keys of a manifest's data that no later manifest names.

    An unchanged table keeps its snapshot over many sequences.
    """
    still_named = {key for each in later for key in _keys(each)}
    return sorted(set(_keys(old)) - still_named)


def is_expired(item: DatasetRecord, dataset: Dataset | None, now: datetime) -> bool:
    """Tell whether a temporary dataset, or the manifest of its erasure, has reached its end."""
    has_ended = has_come(item.published.expires_at, now)
    return has_ended and not item.is_due and is_temporary(item, dataset)


def _keys(manifest: Manifest) -> Iterator[str]:
    for table in manifest.tables.values():
        yield from table.keys


_AT_A_TIME = 20


def prune_superseded(
    item: DatasetRecord, store: SnapshotStore, keep: timedelta, now: datetime
) -> DatasetRecord:
    """Delete sequences that were replaced before ``now - keep``; return the record to be saved.

    The manifest of a sequence is deleted last: after a crash, the next pull reads from it which
    objects to delete. A holder that has lost the lease does no harm here, because no later
    manifest names the deleted objects.

    Raises:
        TransientError: S3 failed; the next pull continues.
    """
    published = item.published
    if not published.manifest or not has_come(published.retire_at, now):
        return item
    place = DatasetLayout(item.estab, item.dataset)
    oldest = max(published.oldest, 1)
    for sequence in range(oldest, min(published.sequence, oldest + _AT_A_TIME)):
        following = _read(store, place.manifest(sequence + 1))
        if following and prunable_at(following, keep) > now:
            later = prunable_at(following, keep)
            return replace(item, published=replace(published, oldest=sequence, retire_at=later))
        old = _read(store, place.manifest(sequence))
        if old:
            named = (following or published.manifest, published.manifest)
            store.delete(unreferenced_keys(old, *named))
            store.delete([place.manifest(sequence)])
            telemetry.record(
                "sequence_retired", estab=item.estab, dataset=item.dataset, sequence=sequence
            )
        published = replace(published, oldest=sequence + 1)
    if published.oldest == published.sequence:
        published = replace(published, retire_at=None)
    return replace(item, published=published)


def _read(store: SnapshotStore, key: str) -> Manifest | None:
    document = store.read_manifest(key)
    return Manifest.read(document) if document is not None else None
