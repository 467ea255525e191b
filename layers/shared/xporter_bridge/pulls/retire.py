"""Deletes what was replaced long enough ago, a few sequences with every pull."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from xporter_bridge import telemetry
from xporter_bridge.pulls.model import DatasetItem
from xporter_bridge.pulls.retention import leaves_at, no_longer_named
from xporter_bridge.snapshots.manifest import Place
from xporter_bridge.snapshots.store import Lake
from xporter_bridge.timestamps import iso

_AT_A_TIME = 20


def retire(item: DatasetItem, lake: Lake, keep: timedelta, now: datetime) -> DatasetItem:
    """Delete sequences that were replaced before ``now - keep``; return the item to be saved.

    Each one's manifest goes last, so that a crash leaves what is to be deleted known. Whoever has
    lost their lease does no harm by it: nothing that is deleted will ever be named again.

    Raises:
        TransientError: S3 failed; the next pull carries on.
    """
    if not item.retire_at or item.retire_at > iso(now) or not item.manifest:
        return item
    place = Place(item.estab, item.dataset)
    oldest = max(item.oldest, 1)
    for sequence in range(oldest, min(item.sequence, oldest + _AT_A_TIME)):
        following = lake.document(place.manifest(sequence + 1))
        if following and leaves_at(following, keep) > now:
            return replace(item, oldest=sequence, retire_at=iso(leaves_at(following, keep)))
        old = lake.document(place.manifest(sequence))
        if old:
            lake.delete(no_longer_named(old, following or item.manifest, item.manifest))
            lake.delete([place.manifest(sequence)])
            telemetry.record(
                "sequence_retired", estab=item.estab, dataset=item.dataset, sequence=sequence
            )
        item = replace(item, oldest=sequence + 1)
    return replace(item, retire_at="") if item.oldest == item.sequence else item
