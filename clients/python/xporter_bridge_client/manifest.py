"""The manifest of one sequence: which objects are a dataset, and what each of them holds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class TableFacts:
    """The entry of one table; docs/data.md explains every field.

    ``key`` is the field that identifies a row without an ``Id``; empty for the whole row.
    ``is_by_row`` is true if the whole of a row identifies the row. ``parquet_key`` is None if the
    snapshot has no Parquet file; ``parquet_types`` has the form of each column that is not text.
    """

    name: str
    rows: int
    snapshot_key: str
    sha256: str
    columns: tuple[str, ...]
    upserts: int
    upserts_key: str
    deletes: int
    deletes_key: str
    key: str
    is_by_row: bool
    parquet_key: str | None = None
    parquet_sha256: str = ""
    parquet_types: Mapping[str, str] = field(default_factory=dict)

    @property
    def identified_by(self) -> tuple[str, bool]:
        """What identifies the table's rows; stored copies have to be renewed if this changes."""
        return self.key, self.is_by_row

    @classmethod
    def read(cls, name: str, document: Mapping[str, Any]) -> TableFacts:
        """Return the entry of a JSON object; unknown fields are ignored."""
        plain = ("rows", "snapshot_key", "sha256", "upserts", "upserts_key", "deletes")
        return cls(
            name=name,
            **{field: document[field] for field in plain},
            deletes_key=document["deletes_key"],
            columns=tuple(document.get("columns", ())),
            key=document.get("key", "Id"),
            is_by_row=document.get("identity") == "row" or bool(document.get("repeated")),
            parquet_key=document.get("parquet_key"),
            parquet_sha256=document.get("parquet_sha256", ""),
            parquet_types=document.get("parquet_types", {}),
        )


@dataclass(frozen=True)
class Manifest:
    """One sequence of a dataset.

    ``as_of`` is when Xporter extracted the data, or None. ``is_stale`` is true if Xporter could
    not refresh the data in time. ``document`` is the manifest as it is stored, with every field.
    """

    estab: str
    dataset: str
    sequence: int
    as_of: datetime | None
    completed_at: datetime
    is_stale: bool
    erased: Mapping[str, str] | None
    tables: Mapping[str, TableFacts]
    document: Mapping[str, Any]

    @property
    def cursor(self) -> str:
        """The place of this sequence for ``follow``.

        A school that was erased and came back counts from 1 again. Therefore the number alone
        does not say which data a consumer has.
        """
        facts = ("estab", "dataset", "sequence", "pull_id", "completed_at")
        text = "\n".join(str(self.document.get(name)) for name in facts)
        return f"{self.sequence}:{hashlib.sha256(text.encode()).hexdigest()[:24]}"

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Manifest:
        """Return the manifest of a JSON object."""
        as_of = document.get("as_of")
        return cls(
            estab=document["estab"],
            dataset=document["dataset"],
            sequence=int(document["sequence"]),
            as_of=datetime.fromisoformat(as_of) if as_of else None,
            completed_at=datetime.fromisoformat(document["completed_at"]),
            is_stale=bool(document.get("stale")),
            erased=document.get("erased"),
            tables={
                name: TableFacts.read(name, facts) for name, facts in document["tables"].items()
            },
            document=document,
        )
