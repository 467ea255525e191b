"""The mass-change guard: a change set that would delete most of a school's data is held.

Most such change sets are wrong: options drifted, a scope was removed, people opted out, or an
export failed half-way (xporter-api.md 13.13). The others are the roll-over of the school year,
which has limits of its own in a calendar window.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from xporter_bridge import telemetry
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.datasets.hold_limits import HoldLimits
from xporter_bridge.datasets.model import Dataset
from xporter_bridge.errors import ConflictError, RequestRejectedError
from xporter_bridge.pulls.messages import PullDataset
from xporter_bridge.pulls.record import DatasetRecord, Hold
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.schools.refusal import why_refused
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.snapshots.manifest import Manifest
from xporter_bridge.timestamps import earliest


@dataclass(frozen=True)
class TableChange:
    """How many rows of one table a change set touches; the table had ``previous`` rows before.

    ``slight`` counts updated rows in which only Xporter's bookkeeping or new columns differ.
    ``is_absent`` tells that the answer did not name the table, though Xporter names all of an
    endpoint's tables, empty ones too: the rows of an absent table are not known to be deleted.
    ``is_left_out`` tells that the dataset's configuration changed, which may leave out a table.
    """

    table: str
    previous: int
    inserted: int
    updated: int
    deleted: int
    slight: int = 0
    is_absent: bool = False
    is_left_out: bool = False

    @property
    def becomes_empty(self) -> bool:
        """Tell whether the table had rows and would have none."""
        return self.previous > 0 and self.previous + self.inserted == self.deleted


def limit_violations(changes: list[TableChange], limits: HoldLimits) -> list[str]:
    """Return why the change set must be held, one sentence per table; empty if it need not be.

    A table that was empty cannot lose rows, and a first pull has nothing to compare with. A table
    that would become empty violates the limits at any size: a failed export looks the same.
    """
    found = []
    for change in changes:
        if change.is_absent:
            found.append(f"{change.table}: absent from the answer")
            continue
        may_be_empty = change.is_left_out or limits.max_deleted_percent >= 100
        if change.becomes_empty and not may_be_empty:
            found.append(f"{change.table}: {change.deleted} of {change.previous} rows deleted")
            continue
        for verb, rows, percent in (
            ("deleted", change.deleted, limits.max_deleted_percent),
            ("updated", change.updated - change.slight, limits.max_updated_percent),
        ):
            if rows >= limits.floor_rows and rows * 100 > percent * change.previous:
                found.append(f"{change.table}: {rows} of {change.previous} rows {verb}")
    return found


def make_hold(
    item: DatasetRecord,
    made: Manifest,
    copies: Mapping[str, str],
    reasons: list[str],
    dataset: Dataset,
    now: datetime,
) -> tuple[Hold, bool]:
    """Return the hold for the draft manifest ``made``, and whether the hold is new.

    The hold is not new when the same change set was held before for the same reasons. Such a
    hold keeps its expiry, however often the change set is pulled. Its age counts from the first
    hold, also through other change sets and expiries: readers have not had the change since then.
    """
    before = item.hold
    hold = Hold(
        since=earliest(item.held_since, before.since if before else None) or now,
        expires_at=now + dataset.limits.expires,
        reasons=tuple(reasons),
        fingerprint=dataset.fingerprint,
        manifest=made,
        copies=copies,
    )
    if before is None or not _is_same(before, hold):
        return hold, True
    return replace(hold, expires_at=before.expires_at), False


def _is_same(before: Hold, hold: Hold) -> bool:
    following = before.manifest.next_changed_rows
    return following == hold.manifest.next_changed_rows and before.reasons == hold.reasons


def decide(
    estab: str,
    dataset: str,
    decision: str,
    schools: SchoolRepository,
    datasets: DatasetRepository,
    pulls: Queue,
    now: datetime,
) -> None:
    """Record the decision on the hold, and enqueue a pull that carries it out.

    After a crash between the two, the watchdog enqueues the pull within minutes.

    Raises:
        RequestRejectedError: 404 for no such school or dataset, 409 when nothing is held.
    """
    school = schools.get(estab)
    if school is None:
        raise RequestRejectedError(404, "there is no such school")
    if school.is_gone:
        raise RequestRejectedError(409, why_refused(school))
    if datasets.get(estab, dataset) is None:
        raise RequestRejectedError(404, "there is no such dataset")
    try:
        datasets.decide(estab, dataset, decision, now)
    except ConflictError as error:
        raise RequestRejectedError(
            409, "nothing is held, or the hold has changed; look again"
        ) from error
    pulls.send(PullDataset(estab, dataset).body())
    telemetry.record("hold_decided", estab=estab, dataset=dataset, decision=decision)
