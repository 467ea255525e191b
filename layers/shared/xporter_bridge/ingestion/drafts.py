"""What a pull has made before it is committed: its manifest, or what is held for a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from xporter_bridge.datasets.model import Dataset
from xporter_bridge.pulls.model import Checkpoint, DatasetItem
from xporter_bridge.snapshots.manifest import Place, manifest
from xporter_bridge.timestamps import iso
from xporter_bridge.xporter.pages import PageFacts


def draft(
    item: DatasetItem,
    checkpoint: Checkpoint,
    facts: PageFacts,
    tables: Mapping[str, Mapping[str, Any]],
    now: datetime,
) -> dict[str, Any]:
    """Return the manifest that the pull will have if it is committed."""
    about: dict[str, Any] = dict(item.definition or {})
    if checkpoint.staleness:
        about["staleness"] = checkpoint.staleness
    return manifest(
        Place(item.estab, item.dataset),
        item.sequence + 1,
        tables,
        pull_id=checkpoint.pull_id,
        as_of=checkpoint.as_of or checkpoint.started_at,
        completed_at=iso(now),
        stale=bool(checkpoint.staleness),
        requested_changed_rows=checkpoint.requested_changed_rows,
        next_changed_rows=facts.following,
        **about,
    )


def held(
    before: Mapping[str, Any] | None,
    made: Mapping[str, Any],
    copies: Mapping[str, str],
    reasons: list[str],
    dataset: Dataset,
    now: datetime,
) -> tuple[dict[str, Any], bool]:
    """Return what is held of the draft that was ``made``, and whether that is news.

    It is none when the same change set was held ``before`` for the same reasons: its time goes
    on, however often it is pulled.
    """
    is_news = before is None or not _is_same(before, made, reasons)
    times = {"since": iso(now), "expires_at": iso(now + dataset.limits.expires)}
    if before and not is_news:
        times = {name: before[name] for name in times}
    hold = {
        **times,
        "reasons": reasons,
        "fingerprint": dataset.fingerprint,
        "manifest": made,
        "copies": dict(copies),
    }
    return hold, is_news


def _is_same(hold: Mapping[str, Any], made: Mapping[str, Any], reasons: list[str]) -> bool:
    following = hold["manifest"]["next_changed_rows"]
    return bool(following == made["next_changed_rows"] and hold["reasons"] == reasons)
