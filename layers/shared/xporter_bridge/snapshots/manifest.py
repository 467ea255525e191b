"""The manifest: the document that names all objects of one sequence of a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xporter_bridge.snapshots.layout import DatasetLayout
from xporter_bridge.snapshots.row_keys import ID, ORDER_NAME


def table_entry(
    place: DatasetLayout,
    table: str,
    sequence: int,
    *,
    rows: int,
    sha256: str,
    upserts: int,
    deletes: int,
    columns: list[str],
    key: str = ID,
    snapshot_key: str | None = None,
    repeated: int = 0,
    is_by_row: bool = False,
) -> dict[str, Any]:
    """Return the manifest's entry of one table.

    Args:
        key: The field that identifies rows which have no Id.
        snapshot_key: Given when the snapshot of an earlier sequence still is the table.
        repeated: How many rows share their identity with another row.
        is_by_row: The change files of this sequence identify each row by the whole of it.
    """
    odd = {"repeated": repeated} if repeated else {}
    return {
        "rows": rows,
        "snapshot_key": snapshot_key or place.snapshot(table, sequence),
        "sha256": sha256,
        "upserts": upserts,
        "upserts_key": place.change(table, sequence, "upserts"),
        "deletes": deletes,
        "deletes_key": place.change(table, sequence, "deletes"),
        "columns": columns,
        **({"key": key} if key != ID else {}),
        **({"identity": "row"} if is_by_row else {}),
        **odd,
    }


def manifest(
    place: DatasetLayout, sequence: int, tables: Mapping[str, Mapping[str, Any]], **facts: Any
) -> dict[str, Any]:
    """Return the manifest of one sequence; ``facts`` are the fields that docs/data.md explains."""
    return {
        "estab": place.estab,
        "dataset": place.dataset,
        "sequence": sequence,
        **facts,
        "order": ORDER_NAME,
        "tables": dict(tables),
    }
