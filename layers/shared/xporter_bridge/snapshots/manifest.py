"""Where data lies in the bucket, and the document that says what belongs together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xporter_bridge.snapshots.row_keys import ORDER_NAME


@dataclass(frozen=True)
class Place:
    """One dataset of one school in the bucket (docs/data.md, "Layout")."""

    estab: str
    dataset: str

    def snapshot(self, table: str, sequence: int) -> str:
        """Return the key of a table's snapshot."""
        return f"snapshots/{self._partition}/table={table}/{sequence:010d}.ndjson.gz"

    def change(self, table: str, sequence: int, kind: str) -> str:
        """Return the key of a change file; ``kind`` is ``upserts`` or ``deletes``."""
        return f"changes/{self._partition}/table={table}/{sequence:010d}.{kind}.ndjson.gz"

    def manifest(self, sequence: int) -> str:
        """Return the key of the manifest of one sequence."""
        return f"manifests/{self._partition}/{sequence:010d}.json"

    @property
    def latest(self) -> str:
        """The key of the manifest that readers begin with."""
        return f"manifests/{self._partition}/latest.json"

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Every prefix that holds anything of the dataset."""
        return tuple(f"{kind}/{self._partition}/" for kind in ("snapshots", "changes", "manifests"))

    @property
    def _partition(self) -> str:
        return f"estab={self.estab}/dataset={self.dataset}"


def school_prefixes(estab: str) -> tuple[str, ...]:
    """Return every prefix that holds anything of the school."""
    return tuple(f"{kind}/estab={estab}/" for kind in ("snapshots", "changes", "manifests"))


def table_entry(
    place: Place,
    table: str,
    sequence: int,
    *,
    rows: int,
    sha256: str,
    upserts: int,
    deletes: int,
    columns: list[str],
    snapshot_key: str | None = None,
) -> dict[str, Any]:
    """Return what a manifest says of one table.

    ``snapshot_key`` is given when the snapshot of an earlier sequence still is the table.
    """
    return {
        "rows": rows,
        "snapshot_key": snapshot_key or place.snapshot(table, sequence),
        "sha256": sha256,
        "upserts": upserts,
        "upserts_key": place.change(table, sequence, "upserts"),
        "deletes": deletes,
        "deletes_key": place.change(table, sequence, "deletes"),
        "columns": columns,
    }


def manifest(
    place: Place, sequence: int, tables: Mapping[str, Mapping[str, Any]], **facts: Any
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
