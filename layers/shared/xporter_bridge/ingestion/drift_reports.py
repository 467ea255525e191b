"""Reports drift that a person should know of, although no pull waits for a decision."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import accumulate
from typing import Any

from xporter_bridge import telemetry
from xporter_bridge.datasets.model import Dataset
from xporter_bridge.errors import ChangeSetUnusableError, PageDriftError
from xporter_bridge.ingestion.built_sequence import BuiltSequence
from xporter_bridge.ingestion.columns import ColumnPolicy
from xporter_bridge.pulls.freshness import is_outdated
from xporter_bridge.pulls.model import ttl_of
from xporter_bridge.pulls.record import DatasetRecord
from xporter_bridge.timestamps import iso_or_none

# All names that are remembered as reported stand in the dataset's item.
_MAX_REMEMBERED_BYTES = 32 * 1024


def report_column_drift(
    item: DatasetRecord, dataset: Dataset, policy: ColumnPolicy, is_first: Callable[[str], bool]
) -> DatasetRecord:
    """Report new, withheld and differently cased columns, and values that are no table: once each.

    Only the first report of the fleet is counted as a metric, which raises the alarm: a release of
    Xporter brings the same column to every school within a day.

    Names that change with every pull would fill the item: when there are too many, those that this
    pull did not meet are forgotten, and then any. What is forgotten is reported again.

    Args:
        is_first: Tells whether nothing of this name was noticed at any school before.
    """
    reported = {kind: set(names) for kind, names in item.noticed.reported_columns.items()}
    met: dict[str, set[str]] = {}
    for kind in ("withheld", "added", "recased", "ignored"):
        seen = {
            f"{table}.{column}"
            for table, columns in getattr(policy.report, kind).items()
            for column in columns
        }
        met[kind] = seen
        news = seen - reported.get(kind, set())
        if news:
            firsts = [name for name in news if is_first(f"{dataset.endpoint.name}/{kind}/{name}")]
            names: dict[str, Any] = {"kind": kind, "columns": sorted(news)}
            if firsts:
                telemetry.warn("columns_noticed", estab=item.estab, dataset=item.dataset, **names)
            else:
                telemetry.record("columns_noticed", estab=item.estab, dataset=item.dataset, **names)
            if firsts:
                telemetry.count("ColumnDrift", dataset.endpoint.name, len(firsts))
            reported[kind] = reported.get(kind, set()) | news
    columns = _remembered(reported, met)
    return replace(item, noticed=replace(item.noticed, reported_columns=columns))


def _remembered(
    reported: Mapping[str, Collection[str]], met: Mapping[str, Collection[str]]
) -> dict[str, list[str]]:
    """Return the reported names, as many as the item has room for, those just met first."""
    every = [(kind, name) for kind, names in reported.items() for name in sorted(names)]
    every.sort(key=lambda each: each[1] not in met.get(each[0], ()))
    # As JSON, a name has two quotes and a comma.
    ends = accumulate(len(name.encode()) + 3 for _, name in every)
    kept = {each for each, end in zip(every, ends, strict=True) if end <= _MAX_REMEMBERED_BYTES}
    return {
        kind: sorted(name for name in names if (kind, name) in kept)
        for kind, names in reported.items()
    }


def notice_repeats(
    item: DatasetRecord, dataset: Dataset, assembled: BuiltSequence
) -> DatasetRecord:
    """Report how many rows of each table share their identity with another row: each count once.

    What was odd about the answer is remembered: the next pull may take it for the data at once.
    """
    repeated = assembled.repeated
    news = {
        name: rows for name, rows in repeated.items() if item.noticed.repeated.get(name) != rows
    }
    if news:
        telemetry.warn("identity_repeated", estab=item.estab, dataset=item.dataset, tables=news)
        telemetry.count("IdentityRepeated", dataset.endpoint.name, sum(news.values()))
    odd = assembled.odd.digest if assembled.odd else item.noticed.oddities_seen
    return replace(item, noticed=replace(item.noticed, repeated=repeated, oddities_seen=odd))


def report_baseline_mismatch(
    item: DatasetRecord, dataset: Dataset, assembled: BuiltSequence
) -> None:
    """Raise the alarm: Xporter says that nothing changed, and our snapshot differs."""
    telemetry.warn(
        "baseline_differs",
        estab=item.estab,
        dataset=item.dataset,
        rows={c.table: [c.inserted, c.updated, c.deleted] for c in assembled.changes},
        keys=sorted(key for key in assembled.copies if key.startswith("changes/")),
    )
    telemetry.count("BaselineDiffered", dataset.endpoint.name)


def report_outdated(
    item: DatasetRecord, dataset: Dataset | None, as_of: datetime | None, now: datetime
) -> None:
    """Raise the alarm, once, when data begin to be so old that the school's agent may have died."""
    checked_at, ttl = item.published.checked_at, ttl_of(dataset)
    was_outdated = checked_at is not None and is_outdated(item.published.as_of, ttl, checked_at)
    if item.demand.definition is None and is_outdated(as_of, ttl, now) and not was_outdated:
        told = iso_or_none(as_of)
        telemetry.warn("mis_not_refreshed", estab=item.estab, dataset=item.dataset, as_of=told)
        telemetry.count("MisNotRefreshed", (dataset and dataset.database) or "unknown")


def report_restart(
    item: DatasetRecord, dataset: Dataset, error: ChangeSetUnusableError | PageDriftError
) -> None:
    """Report that a pull begins again, because the school's data moved or no change set fits."""
    reason = error.reason
    tables = getattr(error, "tables", None)
    names = {"estab": item.estab, "dataset": item.dataset}
    telemetry.warn("pull_restarted", **names, reason=reason, tables=tables)
    telemetry.count("PullRestarted", dataset.endpoint.name)
    if reason == "deletion_unmet":
        telemetry.count("DeletionUnmet", dataset.endpoint.name)
