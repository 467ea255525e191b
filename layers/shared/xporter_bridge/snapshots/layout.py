"""The keys of all objects in both buckets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DatasetLayout:
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
        """The key of ``latest.json``."""
        return f"manifests/{self._partition}/latest.json"

    @property
    def prefixes(self) -> tuple[str, ...]:
        """All prefixes of the dataset's objects."""
        return tuple(f"{kind}/{self._partition}/" for kind in ("snapshots", "changes", "manifests"))

    @property
    def _partition(self) -> str:
        return f"estab={self.estab}/dataset={self.dataset}"


def parquet_key(snapshot_key: str) -> str:
    """Return the key of the Parquet file of a snapshot.

    It is below the prefix of all snapshots of the dataset, so that whatever erases a dataset, also
    a version that knows no Parquet, erases it; and outside the prefix of the table, where readers
    of NDJSON look.
    """
    place, table = snapshot_key.removesuffix(".ndjson.gz").split("/table=", 1)
    return f"{place}/format=parquet/table={table}.parquet"


def school_prefixes(estab: str) -> tuple[str, ...]:
    """Return all prefixes of the school's objects."""
    return tuple(f"{kind}/estab={estab}/" for kind in ("snapshots", "changes", "manifests"))


def staging_prefix(estab: str, dataset: str, pull_id: str = "") -> str:
    """Return the prefix of the staged objects of a dataset, or of one pull of it."""
    return f"staging/estab={estab}/dataset={dataset}/" + (f"{pull_id}/" if pull_id else "")


def staged_prefix(estab: str) -> str:
    """Return the prefix of the staged objects of a school."""
    return f"staging/estab={estab}/"
