"""The manifest: the document that names all objects of one sequence of a dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from xporter_bridge.snapshots.layout import parquet_key
from xporter_bridge.snapshots.row_keys import ID, ORDER_NAME
from xporter_bridge.timestamps import iso, iso_or_none, parse, parse_or_none


@dataclass(frozen=True)
class ParquetEntry:
    """The Parquet file of a table's snapshot, in a manifest.

    ``key`` is None if the file could not be written. ``types`` has the form of each column that is
    not text (``parquet_forms``); ``sha256`` is the digest of the file.
    """

    key: str | None
    sha256: str = ""
    types: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return the fields of the table's JSON object."""
        if self.key is None:
            return {_PARQUET: None}
        return {
            _PARQUET: self.key,
            "parquet_sha256": self.sha256,
            "parquet_types": dict(self.types),
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> ParquetEntry | None:
        """Return the entry of a table's JSON object; None if it has none of its snapshot.

        A version that knows no Parquet keeps the fields when it erases a person, although the file
        is then that of an earlier snapshot, and deleted.
        """
        if _PARQUET not in document:
            return None
        key = document[_PARQUET]
        if key is None:
            return cls(None)
        if key != parquet_key(document["snapshot_key"]):
            return None
        return cls(key, document["parquet_sha256"], document["parquet_types"])


@dataclass(frozen=True)
class TableEntry:
    """The entry of one table in a manifest.

    ``key`` is the field that identifies rows without an Id. ``repeated`` is the number of rows that
    share their identity with another row. ``is_by_row`` means that the change files of this
    sequence identify each row by the whole row. ``parquet`` is None if no Parquet file was wanted.
    ``further`` are fields of later versions.
    """

    rows: int
    snapshot_key: str
    sha256: str
    upserts: int
    upserts_key: str
    deletes: int
    deletes_key: str
    columns: Sequence[str]
    key: str = ID
    is_by_row: bool = False
    repeated: int = 0
    parquet: ParquetEntry | None = None
    further: Mapping[str, Any] = field(default_factory=dict)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of its objects."""
        parquet = self.parquet.key if self.parquet else None
        written = (parquet,) if parquet else ()
        return self.snapshot_key, self.upserts_key, self.deletes_key, *written

    def document(self) -> dict[str, Any]:
        """Return the JSON object of the entry."""
        return {
            **{name: getattr(self, name) for name in _OF_EVERY_TABLE},
            "columns": list(self.columns),
            **({"key": self.key} if self.key != ID else {}),
            **({"identity": "row"} if self.is_by_row else {}),
            **({"repeated": self.repeated} if self.repeated else {}),
            **(self.parquet.document() if self.parquet else {}),
            **self.further,
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> TableEntry:
        """Return the entry of a JSON object."""
        return cls(
            **{name: document[name] for name in _OF_EVERY_TABLE},
            key=document.get("key", ID),
            is_by_row=document.get("identity") == "row",
            repeated=document.get("repeated", 0),
            parquet=ParquetEntry.read(document),
            further={n: value for n, value in document.items() if n not in _KNOWN_OF_A_TABLE},
        )


@dataclass(frozen=True)
class Manifest:
    """One sequence of a dataset; docs/data.md explains every field.

    ``pull_id`` is None in the manifest of an erasure, which has ``erased``. ``about`` holds all
    other fields: the definition of a dataset made on request, ``staleness``, and fields of later
    versions.
    """

    estab: str
    dataset: str
    sequence: int
    pull_id: str | None
    as_of: datetime | None
    completed_at: datetime
    stale: bool
    requested_changed_rows: str | None
    next_changed_rows: str | None
    about: Mapping[str, Any] = field(default_factory=dict)
    erased: Mapping[str, str] | None = None
    order: str = ORDER_NAME
    tables: Mapping[str, TableEntry] = field(default_factory=dict)

    @property
    def columns(self) -> dict[str, list[str]]:
        """The columns of each table."""
        return {name: list(table.columns) for name, table in self.tables.items()}

    def document(self) -> dict[str, Any]:
        """Return the JSON object of the manifest."""
        return {
            **{name: getattr(self, name) for name in _OF_EVERY_SEQUENCE},
            "as_of": iso_or_none(self.as_of),
            "completed_at": iso(self.completed_at),
            **self.about,
            **({"erased": dict(self.erased)} if self.erased else {}),
            "order": self.order,
            "tables": {name: table.document() for name, table in self.tables.items()},
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Manifest:
        """Return the manifest of a JSON object."""
        known = {*_OF_EVERY_SEQUENCE, "erased", "order", "tables"}
        times = {"as_of", "completed_at"}
        return cls(
            **{name: document[name] for name in _OF_EVERY_SEQUENCE if name not in times},
            as_of=parse_or_none(document["as_of"]),
            completed_at=parse(document["completed_at"]),
            about={name: value for name, value in document.items() if name not in known},
            erased=document.get("erased"),
            order=document.get("order", ORDER_NAME),
            tables={name: TableEntry.read(each) for name, each in document["tables"].items()},
        )


_OF_EVERY_TABLE = (
    "rows",
    "snapshot_key",
    "sha256",
    "upserts",
    "upserts_key",
    "deletes",
    "deletes_key",
    "columns",
)
_PARQUET = "parquet_key"
_KNOWN_OF_A_TABLE = {
    *_OF_EVERY_TABLE, "key", "identity", "repeated", _PARQUET, "parquet_sha256", "parquet_types",
}  # fmt: skip
_OF_EVERY_SEQUENCE = (
    "estab",
    "dataset",
    "sequence",
    "pull_id",
    "as_of",
    "completed_at",
    "stale",
    "requested_changed_rows",
    "next_changed_rows",
)
