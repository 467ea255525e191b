"""Reports what a pull has noticed and a person should know, though nothing waits for them."""

from __future__ import annotations

from dataclasses import replace

from xporter_bridge import telemetry
from xporter_bridge.datasets.model import Dataset
from xporter_bridge.ingestion.build_sequence import BuiltSequence
from xporter_bridge.ingestion.columns import ColumnPolicy
from xporter_bridge.pulls.model import DatasetRecord


def report_column_drift(
    item: DatasetRecord, dataset: Dataset, policy: ColumnPolicy
) -> DatasetRecord:
    """Report columns that are new, withheld, or of another casing: once each."""
    reported = {kind: set(names) for kind, names in item.reported_columns.items()}
    for kind in ("withheld", "added", "recased"):
        seen = {
            f"{table}.{column}"
            for table, columns in getattr(policy.report, kind).items()
            for column in columns
        }
        news = seen - reported.get(kind, set())
        if news:
            telemetry.warn(
                "columns_noticed",
                estab=item.estab,
                dataset=item.dataset,
                kind=kind,
                columns=sorted(news),
            )
            telemetry.count("ColumnDrift", dataset.endpoint.name, len(news))
            reported[kind] = reported.get(kind, set()) | news
    return replace(item, reported_columns={k: sorted(v) for k, v in reported.items()})


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
