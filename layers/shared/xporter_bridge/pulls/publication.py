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
    """Copy what was committed to where readers look, ``latest.json`` last.

    Repeating it after a crash copies the same bytes to the same keys. The staged objects stay.

    Args:
        now: A clock: copying may take minutes, and the last write needs its own time.

    Raises:
        ConflictError: The lease was lost; its new holder publishes.
    """
    made = item.published.manifest
    if not item.published.unpublished or not made:
        return item
    place = DatasetLayout(item.estab, item.dataset)
    store.publish(item.published.unpublished)
    store.put_document(place.manifest(made.sequence), made.document())
    # A holder that was overtaken must not put an older manifest in place of a later one: the
    # lease proves that what was seen is older, and the write that it is still there.
    seen = store.etag(place.latest)
    item = datasets.renew(item, now())
    store.replace_manifest(place.latest, made.document(), seen=seen)
    published = replace(item.published, unpublished=None)
    recovered = item.progress.recovered()
    done = replace(item, published=published, reason="", progress=recovered)
    return datasets.save(done, now())
