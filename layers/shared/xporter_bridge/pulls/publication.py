"""Publishes a committed sequence: what was staged is copied to where readers look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from xporter_bridge.pulls.record import DatasetRecord
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.snapshots.layout import DatasetLayout
from xporter_bridge.snapshots.store import SnapshotStore


def publish_committed(
    item: DatasetRecord,
    datasets: DatasetRepository,
    store: SnapshotStore,
    now: Callable[[], datetime],
) -> DatasetRecord:
    """Copy what was committed to where readers look, ``latest.json`` last, and save that.

    Repeating it after a crash copies the same bytes to the same keys. The staged objects stay.

    Args:
        now: A clock: copying may take minutes, and the last write needs its own time.

    Raises:
        ConflictError: The lease was lost; its new holder publishes.
    """
    if not is_unpublished(item):
        return item
    copy_committed(item, store)
    seen = store.etag(DatasetLayout(item.estab, item.dataset).latest)
    item = datasets.renew(item, now())
    return datasets.save(with_latest(item, store, seen=seen), now())


def is_unpublished(item: DatasetRecord) -> bool:
    """Tell whether readers cannot find yet what was committed."""
    return bool(item.published.unpublished) and item.published.manifest is not None


def copy_committed(item: DatasetRecord, store: SnapshotStore) -> None:
    """Copy the objects and the manifest of what was committed, of which no reader knows yet."""
    made = item.published.manifest
    if made and item.published.unpublished:
        store.publish(item.published.unpublished)
        document, place = made.document(), DatasetLayout(item.estab, item.dataset)
        store.put_document(place.manifest(made.sequence), document)


def with_latest(item: DatasetRecord, store: SnapshotStore, *, seen: str) -> DatasetRecord:
    """Write ``latest.json``, and return the record, which is not saved yet.

    Args:
        seen: The ETag of ``latest.json``, read before a write that proved the lease. A holder that
            was overtaken must not put an older manifest in place of a later one: the lease proves
            that what was seen is older, and this write that it is still there.

    Raises:
        ConflictError: Another holder has published since.
    """
    made = item.published.manifest
    if made is None:
        return item
    place = DatasetLayout(item.estab, item.dataset)
    store.replace_manifest(place.latest, made.document(), seen=seen)
    published = replace(item.published, unpublished=None)
    return replace(item, published=published, reason="", progress=item.progress.recovered())
