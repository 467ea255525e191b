"""How long superseded data is kept (docs/data.md).

A superseded sequence is kept for some time, so that readers who are behind can catch up. So is a
temporary dataset: one that was pulled on request, or that is not configured any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from xporter_bridge import telemetry
from xporter_bridge.pulls.model import DatasetRecord, is_temporary
from xporter_bridge.snapshots.layout import DatasetLayout
from xporter_bridge.snapshots.store import SnapshotStore
from xporter_bridge.timestamps import iso, parse

EXPIRED = "expired"


def schedule_pruning(item: DatasetRecord, keep: timedelta, now: datetime) -> DatasetRecord:
    """Return the record with the time to prune the sequence that a new one is about to replace."""
    if not item.sequence or item.retire_at:
        return item  # Nothing is replaced, or an older sequence is pruned first.
    return replace(item, retire_at=iso(now + keep))


def prunable_at(following: Mapping[str, Any], keep: timedelta) -> datetime:
    """Return when to delete a sequence, given the manifest of the sequence that replaced it."""
    return parse(following["completed_at"]) + keep


def unreferenced_keys(old: Mapping[str, Any], *later: Mapping[str, Any]) -> list[str]:
    """Return the keys of a manifest's data that no later manifest names.

    An unchanged table keeps its snapshot over many sequences.
    """
    still_named = {key for document in later for key in _keys(document)}
    return sorted(set(_keys(old)) - still_named)


def is_expired(item: DatasetRecord, now: datetime) -> bool:
    """Tell whether a temporary dataset, or the manifest of its erasure, has reached its end."""
    has_ended = bool(item.expires_at) and item.expires_at <= iso(now)
    return has_ended and not item.is_due and is_temporary(item)


def _keys(document: Mapping[str, Any]) -> Iterator[str]:
    for table in document["tables"].values():
        yield from (value for name, value in table.items() if name.endswith("_key"))


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
    if not item.retire_at or item.retire_at > iso(now) or not item.manifest:
        return item
    place = DatasetLayout(item.estab, item.dataset)
    oldest = max(item.oldest, 1)
    for sequence in range(oldest, min(item.sequence, oldest + _AT_A_TIME)):
        following = store.read_manifest(place.manifest(sequence + 1))
        if following and prunable_at(following, keep) > now:
            return replace(item, oldest=sequence, retire_at=iso(prunable_at(following, keep)))
        old = store.read_manifest(place.manifest(sequence))
        if old:
            store.delete(unreferenced_keys(old, following or item.manifest, item.manifest))
            store.delete([place.manifest(sequence)])
            telemetry.record(
                "sequence_retired", estab=item.estab, dataset=item.dataset, sequence=sequence
            )
        item = replace(item, oldest=sequence + 1)
    return replace(item, retire_at="") if item.oldest == item.sequence else item
