"""Slots: how many datasets of one school may be pulled at the same time."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from xporter_bridge.aws.dynamodb import DynamoTable
from xporter_bridge.errors import ConflictError
from xporter_bridge.pulls.model import LEASE
from xporter_bridge.timestamps import iso, iso_or_none

SLOT = "#slot-"
FREE = "(attribute_not_exists(lease_expires_at) OR lease_expires_at <= :now)"
_SLOTS_PER_SCHOOL = 4
_WAIT_FIRST = timedelta(seconds=2)
_WAITS = 5


@dataclass(frozen=True)
class Slot:
    """One of a school's slots, and until when we hold it."""

    estab: str
    number: int
    until: datetime


class PullSlots:
    """The slots of every school.

    Slots and the limit of pages in flight per pull bound the load on one school's agent. A slot
    whose holder crashed becomes free when its time has passed.
    """

    def __init__(self, items: DynamoTable) -> None:
        self._items = items

    def take(self, estab: str, now: datetime) -> Slot | None:
        """Take a slot, or return None if all are taken."""
        for number in range(_SLOTS_PER_SCHOOL):
            until = now + LEASE
            try:
                self._items.update(
                    estab,
                    f"{SLOT}{number}",
                    set_={"lease_expires_at": iso(until)},
                    condition=FREE,
                    now=iso(now),
                )
            except ConflictError:
                continue
            return Slot(estab, number, until)
        return None

    def renew(self, slot: Slot, now: datetime) -> Slot:
        """Extend the slot; a slot that another pull took meanwhile is not taken back."""
        until = now + LEASE
        return Slot(slot.estab, slot.number, until) if self._set(slot, until) else slot

    def release(self, slot: Slot) -> None:
        """Free the slot, unless another pull holds it by now."""
        self._set(slot, None)

    def _set(self, slot: Slot, until: datetime | None) -> bool:
        try:
            self._items.update(
                slot.estab,
                f"{SLOT}{slot.number}",
                set_={"lease_expires_at": iso_or_none(until)},
                condition="lease_expires_at = :mine",
                mine=iso(slot.until),
            )
        except ConflictError:
            return False
        return True


def slot_retry_delay(estab: str, dataset: str, waits: int) -> timedelta | None:
    """Return after what time to try again for a slot; None for no more.

    The delay grows and is spread, so that the datasets that wait for one school delay neither each
    other nor other schools. After about a minute, the watchdog sends the next message.
    """
    if waits >= _WAITS:
        return None
    spread = hashlib.sha256(f"{estab}/{dataset}/{waits}".encode()).digest()[0] / 255
    return _WAIT_FIRST * (1 << waits) * (0.5 + spread)
