"""The API's documents as types; each keeps the whole document in ``document``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Attention:
    """The one thing to know about a school; ``severity`` is trouble, notice or none."""

    says: str
    do: str
    since: datetime | None
    severity: str

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Attention:
        """Return the attention of an answer or of an event."""
        since = moment(document.get("since"))
        return cls(document["says"], document["do"], since, document["severity"])


@dataclass(frozen=True)
class SchoolState:
    """One school as the API shows it; what was not asked for is None or empty."""

    estab: str
    name: str | None
    state: str
    state_since: datetime | None
    next_step: str | None
    attention: Attention | None
    scopes: tuple[str, ...]
    datasets: Mapping[str, DatasetState]
    document: Mapping[str, Any]

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> SchoolState:
        """Return the school of an answer; fields that the answer does not have are None."""
        attention = document.get("attention")
        return cls(
            estab=document["estab"],
            name=document.get("name"),
            state=document.get("state", ""),
            state_since=moment(document.get("state_since")),
            next_step=document.get("next_step"),
            attention=attention and Attention.read(attention),
            scopes=tuple(document.get("scopes") or ()),
            datasets={
                each["dataset"]: DatasetState.read(each) for each in document.get("datasets") or ()
            },
            document=document,
        )


@dataclass(frozen=True)
class DatasetState:
    """One dataset of a school; ``hold_reasons`` is empty if no change set is held."""

    dataset: str
    state: str
    reason: str | None
    sequence: int | None
    as_of: datetime | None
    checked_at: datetime | None
    is_stale: bool | None
    hold_reasons: tuple[str, ...]
    document: Mapping[str, Any]

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> DatasetState:
        """Return the dataset of an answer."""
        freshness = document.get("freshness") or {}
        return cls(
            dataset=document["dataset"],
            state=document["state"],
            reason=document.get("reason"),
            sequence=document.get("sequence"),
            as_of=moment(freshness.get("as_of")),
            checked_at=moment(freshness.get("checked_at")),
            is_stale=freshness.get("is_stale"),
            hold_reasons=tuple((document.get("hold") or {}).get("reasons") or ()),
            document=document,
        )


@dataclass(frozen=True)
class Pull:
    """A pull on request: queued, waiting, pulling, and then completed, held or failed.

    ``result`` says how the pull ended, for example committed or unchanged; ``outcome`` how the wait
    before it ended, in which Xporter refreshes the data.
    """

    id: str
    estab: str
    dataset: str
    state: str
    reason: str | None
    result: str | None
    outcome: str | None
    manifest: Mapping[str, Any] | None
    document: Mapping[str, Any]

    @property
    def has_ended(self) -> bool:
        """Tell whether the state is final."""
        return self.state in {"completed", "held", "failed"}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Pull:
        """Return the pull of an answer."""
        names = ("id", "estab", "dataset", "state", "reason", "result", "outcome", "manifest")
        return cls(**_taken(document, names), document=document)


@dataclass(frozen=True)
class Writeback:
    """A writeback: queued, sent, and then completed, failed or unknown.

    After ``unknown``, a late outcome may still make it completed or failed. ``parts`` are the
    requests to Xporter, one per date.
    """

    id: str
    estab: str
    kind: str
    state: str
    reason: str | None
    parts: tuple[Mapping[str, Any], ...]
    document: Mapping[str, Any]

    @property
    def has_ended(self) -> bool:
        """Tell whether the state is final, or was given up on for the time being."""
        return self.state in {"completed", "failed", "unknown"}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Writeback:
        """Return the writeback of an answer."""
        names = ("id", "estab", "kind", "state", "reason")
        return cls(
            **_taken(document, names),
            parts=tuple(document.get("parts") or ()),
            document=document,
        )


def _taken(document: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: document.get(name) for name in names}


def moment(text: str | None) -> datetime | None:
    """Return a time of the API, or None."""
    return datetime.fromisoformat(text) if text else None
