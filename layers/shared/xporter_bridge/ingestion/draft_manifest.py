"""The manifest that a pull will have if it is committed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from xporter_bridge.pulls.record import DatasetRecord, PullCheckpoint
from xporter_bridge.snapshots.manifest import Manifest, TableEntry
from xporter_bridge.xporter.pages import PageMetadata


def draft_manifest(
    item: DatasetRecord,
    checkpoint: PullCheckpoint,
    facts: PageMetadata,
    tables: Mapping[str, TableEntry],
    now: datetime,
) -> Manifest:
    """Return the manifest that the pull will have if it is committed."""
    about: dict[str, Any] = dict(item.demand.definition or {})
    if checkpoint.staleness:
        about["staleness"] = checkpoint.staleness
    return Manifest(
        item.estab,
        item.dataset,
        item.published.sequence + 1,
        pull_id=checkpoint.pull_id,
        as_of=checkpoint.as_of,
        completed_at=now,
        stale=bool(checkpoint.staleness),
        requested_changed_rows=checkpoint.requested_changed_rows,
        next_changed_rows=facts.following,
        about=about,
        tables=tables,
    )
