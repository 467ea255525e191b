"""Who was erased, who asked for what, and which fields are stored, as types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .api_types import moment


@dataclass(frozen=True)
class ErasedPerson:
    """A person who was erased; ``id`` is a keyed digest, and nobody is named.

    ``erased_at`` is None until the stored data is deleted, and ``verified_at`` until the last
    look, at least a quarter of an hour later. The certificate is there after that.
    """

    id: str
    kind: str
    requested_at: datetime
    erased_at: datetime | None
    verified_at: datetime | None
    certificate: Mapping[str, Any] | None
    document: Mapping[str, Any]

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> ErasedPerson:
        """Return the person of an answer."""
        return cls(
            id=document["id"],
            kind=document["kind"],
            requested_at=datetime.fromisoformat(document["requested_at"]),
            erased_at=moment(document.get("erased_at")),
            verified_at=moment(document.get("verified_at")),
            certificate=document.get("certificate"),
            document=document,
        )


@dataclass(frozen=True)
class AuditEntry:
    """Who asked for what, or how it ended; ``estab`` is None for what concerns no single school."""

    at: datetime
    estab: str | None
    action: str
    outcome: str
    by: str
    id: str
    about: Mapping[str, str]
    document: Mapping[str, Any]

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> AuditEntry:
        """Return the entry of an answer."""
        return cls(
            at=datetime.fromisoformat(document["at"]),
            estab=document["estab"],
            action=document["action"],
            outcome=document["outcome"],
            by=document["by"],
            id=document["id"],
            about=document["about"],
            document=document,
        )


@dataclass(frozen=True)
class StoredTable:
    """The fields of a table: stored, left out, or stored although their names are sensitive."""

    table: str
    key: str
    stored: tuple[str, ...]
    left_out: tuple[str, ...]
    allowed: tuple[str, ...]

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> StoredTable:
        """Return the table of an answer."""
        return cls(
            document["table"],
            document["key"],
            tuple(document["stored"]),
            tuple(document["left_out"]),
            tuple(document["allowed"]),
        )


@dataclass(frozen=True)
class StoredDataset:
    """What a configured dataset stores; ``scopes`` are all scopes of Xporter that affect it."""

    dataset: str
    endpoint: str
    database: str
    scopes: tuple[str, ...]
    new_columns: str
    tables: Mapping[str, StoredTable]
    document: Mapping[str, Any]

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> StoredDataset:
        """Return the dataset of an answer."""
        return cls(
            dataset=document["dataset"],
            endpoint=document["endpoint"],
            database=document["database"],
            scopes=tuple(document["scopes"]),
            new_columns=document["new_columns"],
            tables={each["table"]: StoredTable.read(each) for each in document["tables"]},
            document=document,
        )
