"""The few places in which one school's datasets are pulled at a time."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from xporter_bridge.aws.dynamodb import DynamoTable
from xporter_bridge.errors import ConflictError
from xporter_bridge.pulls.model import LEASE
from xporter_bridge.timestamps import iso

SLOT = "#slot-"
FREE = "(attribute_not_exists(lease_expires_at) OR lease_expires_at <= :now)"
_SLOTS_PER_SCHOOL = 4
_WAIT_FIRST = timedelta(seconds=2)
_WAITS = 5


@dataclass(frozen=True)
class Slot:
    """One of a school's places, and until when it is ours."""

    estab: str
    number: int
    until: str


class PullSlots:
    """Together with the pages in flight per pull this bounds what one school's agent is asked.

    A place whose holder died frees itself when its time has passed.
    """

    def __init__(self, items: DynamoTable) -> None:
        self._items = items

    def take(self, estab: str, now: datetime) -> Slot | None:
        """Take a place, or return None if all are taken."""
        for number in range(_SLOTS_PER_SCHOOL):
            until = iso(now + LEASE)
            try:
                self._items.update(
                    estab,
                    f"{SLOT}{number}",
                    set_={"lease_expires_at": until},
                    condition=FREE,
                    now=iso(now),
                )
            except ConflictError:
                continue
            return Slot(estab, number, until)
        return None

    def renew(self, slot: Slot, now: datetime) -> Slot:
        """Keep the place for another while; one that was lost is not taken back."""
        until = iso(now + LEASE)
        return Slot(slot.estab, slot.number, until) if self._set(slot, until) else slot

    def release(self, slot: Slot) -> None:
        """Give the place back, unless somebody else has it already."""
        self._set(slot, None)

    def _set(self, slot: Slot, until: str | None) -> bool:
        try:
            self._items.update(
                slot.estab,
                f"{SLOT}{slot.number}",
                set_={"lease_expires_at": until},
                condition="lease_expires_at = :mine",
                mine=slot.until,
            )
        except ConflictError:
            return False
        return True


def slot_retry_delay(estab: str, dataset: str, waits: int) -> timedelta | None:
    """Return after what time to try again for a place in which to pull; None for no more.

    Longer each time and spread, so that those that wait for one school take neither each other's
    turn nor the time of other schools; after a minute or so it is the watcher's to send for them.
    """
    if waits >= _WAITS:
        return None
    spread = hashlib.sha256(f"{estab}/{dataset}/{waits}".encode()).digest()[0] / 255
    return _WAIT_FIRST * (1 << waits) * (0.5 + spread)
