"""Pages of what changed at any school, in order, and a cursor that can be stored.

A walk goes from an early change to the newest that an answer may hold. A change may enter the index
late, behind the place that the walk has reached; so the next walk begins some time before the
beginning of the walk before, and delivers what lies there once more.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from pydantic import BaseModel, Field

from xporter_bridge.errors import RequestRejectedError
from xporter_bridge.pulls.change import SAFETY_MARGIN, Change, ChangeKind, position_of
from xporter_bridge.pulls.change_index import ChangeIndex
from xporter_bridge.snapshots.layout import DatasetLayout
from xporter_bridge.timestamps import iso

# A change that enters the index so long after its time is still delivered.
OVERLAP = timedelta(minutes=5)
# The tombstone of a temporary dataset is kept so long; a later reader would not learn of its end.
CURSOR_LIFE = timedelta(days=30)
# Sorts before every change.
_FIRST = "0"
_CURSOR = re.compile(r"changes\|([0-9]{13})\|([0-9]{13}#[0-9]{7}#[^#|]*#[0-9]+#[a-z])?")


class ChangeView(BaseModel):
    """One change of what readers find in the bucket."""

    estab: str
    kind: ChangeKind = Field(
        description="committed, or dataset_erased or school_erased: forget what you hold of it."
    )
    dataset: str | None = Field(description="null for a school that was erased")
    sequence: int | None = Field(description="the dataset's latest; null for a school")
    committed_at: str = Field(description="from when on readers find it")
    manifest_key: str | None = Field(description="in the data bucket; null for a school")


class ChangePage(BaseModel):
    """One page of changes; ``more`` tells whether others can be read at once."""

    changes: list[ChangeView]
    cursor: str
    more: bool


@dataclass(frozen=True)
class _Position:
    """Where a walk is: after the change ``after``; empty between two walks.

    The next walk begins after the position ``next_from``.
    """

    next_from: str
    after: str = ""

    def cursor(self) -> str:
        text = f"changes|{self.next_from}|{self.after}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def change_page(index: ChangeIndex, after: str | None, limit: int, now: datetime) -> ChangePage:
    """Return at most ``limit`` changes after a cursor; without one, from the earliest on.

    Nothing that is younger than the safety margin is among them: a change of the same time may
    still be on its way into the index.

    Raises:
        RequestRejectedError: 400 for a cursor that is invalid, or older than its life.
        IndexNotReadyError: DynamoDB is making the index.
    """
    seen = _position(after, now) if after else None
    if seen and seen.after:
        begin, next_from = seen.after, seen.next_from
    else:
        begin, next_from = (seen.next_from if seen else _FIRST), position_of(now - OVERLAP)
    found = list(islice(index.read(begin, now - SAFETY_MARGIN, limit + 1), limit + 1))
    shown, has_more = found[:limit], len(found) > limit
    reached = _Position(next_from, shown[-1] if has_more else "")
    return ChangePage(changes=_views(shown), cursor=reached.cursor(), more=has_more)


def _views(texts: Sequence[str]) -> list[ChangeView]:
    return [_view(Change.read(text)) for text in texts]


def _view(change: Change) -> ChangeView:
    dataset, sequence = change.dataset, change.sequence
    return ChangeView(
        estab=change.estab,
        kind=change.kind,
        dataset=dataset or None,
        sequence=sequence or None,
        committed_at=iso(change.at),
        manifest_key=DatasetLayout(change.estab, dataset).manifest(sequence) if dataset else None,
    )


def _position(cursor: str, now: datetime) -> _Position:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        found = _CURSOR.fullmatch(text)
        position = _Position(found[1], found[2] or "") if found else None
    except (binascii.Error, ValueError) as error:
        raise RequestRejectedError(400, "invalid cursor") from error
    if position is None:
        raise RequestRejectedError(400, "invalid cursor")
    if position.next_from < position_of(now - CURSOR_LIFE):
        raise RequestRejectedError(
            400,
            f"the cursor is older than {CURSOR_LIFE.days} days: begin without it, and forget every "
            "dataset that does not come",
        )
    return position
