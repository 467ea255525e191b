"""What changed at any school, as types, and an iterator whose cursor can be stored."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from .http import Transport

# How many changes one call asks for.
_AT_ONCE = 500


@dataclass(frozen=True)
class Change:
    """A change of what readers find; ``kind`` is committed, dataset_erased or school_erased.

    ``sequence`` is the dataset's latest, of which ``manifest_key`` names the manifest in the
    bucket. Of an erased school, dataset, sequence and key are None.
    """

    estab: str
    kind: str
    dataset: str | None
    sequence: int | None
    committed_at: datetime
    manifest_key: str | None
    document: Mapping[str, Any]

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Change:
        """Return the change of an answer."""
        return cls(
            estab=document["estab"],
            kind=document["kind"],
            dataset=document["dataset"],
            sequence=document["sequence"],
            committed_at=datetime.fromisoformat(document["committed_at"]),
            manifest_key=document["manifest_key"],
            document=document,
        )


class Changes(Iterator[Change]):
    """Iterates over the changes, page by page, and ends where nothing else can be read yet.

    ``cursor`` may be stored at any time: it is behind every change that has been asked for and
    whose page has not been passed, so that a process that is killed gets those changes again.
    """

    def __init__(self, transport: Transport, after: str) -> None:
        self.cursor = after
        self._transport = transport
        self._waiting: deque[Change] = deque()
        self._passed = after
        self._has_more = True

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Change:
        while not self._waiting:
            # The caller has asked for more, and so has done with all of the page before.
            self.cursor = self._passed
            if not self._has_more:
                raise StopIteration
            query = {"limit": _AT_ONCE, **({"after": self.cursor} if self.cursor else {})}
            page = self._transport.send("GET", "/v1/changes", query=query)
            self._waiting.extend(map(Change.read, page["changes"]))
            self._passed, self._has_more = page["cursor"], page["more"]
        return self._waiting.popleft()
