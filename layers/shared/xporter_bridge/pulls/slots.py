"""Slots: how many datasets of one school may be pulled at the same time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from xporter_bridge.aws.dynamodb import DynamoTable, Item
from xporter_bridge.errors import ConflictError
from xporter_bridge.pulls.model import LEASE, backoff
from xporter_bridge.timestamps import iso

SLOT = "#slot-"
FREE = "(attribute_not_exists(lease_expires_at) OR lease_expires_at <= :now)"
_IS_ANSWERING = "(attribute_not_exists(slow_until) OR slow_until <= :now)"
_SLOTS_PER_SCHOOL = 4


@dataclass(frozen=True)
class Slot:
    """One of a school's slots, and until when we hold it.

    ``timeouts`` is how many pulls in a row have waited for the school in vain.
    """

    estab: str
    number: int
    until: datetime
    timeouts: int = 0


class PullSlots:
    """The slots of every school.

    Slots and the limit of pages in flight per pull bound the load on one school's agent. A slot
    whose holder crashed becomes free when its time has passed. A school that does not answer in
    time has one slot, and only now and then, until it answers again: it keeps no invocation from
    other schools.
    """

    def __init__(self, items: DynamoTable) -> None:
        self._items = items

    def take(self, estab: str, now: datetime) -> Slot | None:
        """Take a slot, or return None if all are taken or the school was too slow just now."""
        for number in range(_SLOTS_PER_SCHOOL):
            until = now + LEASE
            try:
                taken = self._items.update(
                    estab,
                    f"{SLOT}{number}",
                    set_={"lease_expires_at": iso(until)},
                    condition=f"{FREE} AND {_IS_ANSWERING}",
                    now=iso(now),
                )
            except ConflictError:
                if number == 0 and self._is_slow(estab):
                    return None
                continue
            return Slot(estab, number, until, int(taken.get("timeouts", 0)))
        return None

    def renew(self, slot: Slot, now: datetime) -> Slot:
        """Extend the slot; a slot that another pull took meanwhile is not taken back."""
        until = now + LEASE
        is_held = self._set(slot, {"lease_expires_at": iso(until)})
        return Slot(slot.estab, slot.number, until, slot.timeouts) if is_held else slot

    def release(self, slot: Slot) -> None:
        """Free the slot, unless another pull holds it by now."""
        self._set(slot, {"lease_expires_at": None})

    def note_answer(self, slot: Slot) -> Slot:
        """Give a school that answers all its slots back."""
        if slot.timeouts:
            self._note(slot, {"timeouts": None, "slow_until": None})
        return Slot(slot.estab, slot.number, slot.until)

    def note_timeout(self, slot: Slot, now: datetime) -> None:
        """Keep all pulls from the school for a while, longer after each pull that timed out."""
        timeouts = slot.timeouts + 1
        slow_until = iso(now + backoff(timeouts))
        self._note(slot, {"timeouts": timeouts, "slow_until": slow_until})

    def _is_slow(self, estab: str) -> bool:
        first = self._items.get(estab, f"{SLOT}0") or {}
        return bool(first.get("timeouts"))

    def _note(self, slot: Slot, facts: Item) -> None:
        """Write into the school's first slot, with or without holding that slot."""
        self._items.update(slot.estab, f"{SLOT}0", set_=facts)

    def _set(self, slot: Slot, facts: Item) -> bool:
        try:
            self._items.update(
                slot.estab,
                f"{SLOT}{slot.number}",
                set_=facts,
                condition="lease_expires_at = :mine",
                mine=iso(slot.until),
            )
        except ConflictError:
            return False
        return True
