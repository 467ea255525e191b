"""Slots: how many datasets of one school may be pulled at the same time."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

from xporter_bridge.aws.dynamodb import DynamoTable, Item
from xporter_bridge.errors import ConflictError
from xporter_bridge.pulls.model import LEASE, backoff
from xporter_bridge.timestamps import iso

SLOT = "#slot-"
FREE = "(attribute_not_exists(lease_expires_at) OR lease_expires_at <= :now)"
_IS_ANSWERING = "(attribute_not_exists(slow_until) OR slow_until <= :now)"
SLOTS_PER_SCHOOL = 4
# No estab has such a name. The places of slow schools are items under this key.
_FLEET = "#fleet"
# So many places are tried, so that a full fleet of slow schools costs few writes.
_PLACES_TRIED = 2
# All schools that did not answer in time share one of so many concurrent pulls.
_SLOW_SHARE = 10


def slow_places_of(concurrent_pulls: int) -> int:
    """Return how many of the concurrent pulls may wait for schools that did not answer in time."""
    return max(1, concurrent_pulls // _SLOW_SHARE)


@dataclass(frozen=True)
class Slot:
    """One of a school's slots, and until when we hold it.

    ``timeouts`` is how many pulls in a row have waited for the school in vain. ``slow_place`` is
    the place of the fleet that the slot of such a school takes too.
    """

    estab: str
    number: int
    until: datetime
    timeouts: int = 0
    slow_place: int | None = None


class PullSlots:
    """The slots of every school.

    Slots and the limit of pages in flight per pull bound the load on one school's agent. A slot
    whose holder crashed becomes free when its time has passed. A school that does not answer in
    time has one slot, and only now and then, until it answers again. All such schools share a few
    places, so that they keep few invocations from the others, however many they are.
    """

    def __init__(self, items: DynamoTable) -> None:
        self._items = items

    def take(self, estab: str, now: datetime, *, slow_places: int) -> Slot | None:
        """Take a slot, or return None if all are taken or the school was too slow just now.

        Args:
            slow_places: How many schools that did not answer in time may have a slot at a time.
        """
        for number in range(SLOTS_PER_SCHOOL):
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
            slot = Slot(estab, number, until, int(taken.get("timeouts", 0)))
            return self._with_slow_place(slot, now, slow_places) if slot.timeouts else slot
        return None

    def renew(self, slot: Slot, now: datetime) -> Slot:
        """Extend the slot; a slot that another pull took meanwhile is not taken back."""
        until = now + LEASE
        is_held = self._set(slot, {"lease_expires_at": iso(until)})
        return replace(slot, until=until) if is_held else slot

    def release(self, slot: Slot) -> None:
        """Free the slot, unless another pull holds it by now."""
        self._set(slot, {"lease_expires_at": None})

    def note_answer(self, slot: Slot) -> Slot:
        """Give a school that answers all its slots back."""
        if slot.timeouts:
            self._note(slot, {"timeouts": None, "slow_until": None})
        return replace(slot, timeouts=0)

    def note_timeout(self, slot: Slot, now: datetime) -> None:
        """Keep all pulls from the school for a while, longer after each pull that timed out."""
        timeouts = slot.timeouts + 1
        slow_until = iso(now + backoff(timeouts))
        self._note(slot, {"timeouts": timeouts, "slow_until": slow_until})

    def _with_slow_place(self, slot: Slot, now: datetime, places: int) -> Slot | None:
        first = int.from_bytes(hashlib.sha256(slot.estab.encode()).digest()[:2])
        for number in range(first, first + min(_PLACES_TRIED, places)):
            place = number % places
            try:
                self._items.update(
                    _FLEET,
                    f"#slow-{place}",
                    set_={"lease_expires_at": iso(slot.until)},
                    condition=FREE,
                    now=iso(now),
                )
            except ConflictError:
                continue
            return replace(slot, slow_place=place)
        self.release(slot)
        return None

    def _is_slow(self, estab: str) -> bool:
        first = self._items.get(estab, f"{SLOT}0") or {}
        return bool(first.get("timeouts"))

    def _note(self, slot: Slot, facts: Item) -> None:
        """Write into the school's first slot, with or without holding that slot."""
        self._items.update(slot.estab, f"{SLOT}0", set_=facts)

    def _set(self, slot: Slot, facts: Item) -> bool:
        """Write the slot and the slow place; return False if another pull has the slot by now."""
        keys = [(slot.estab, f"{SLOT}{slot.number}")]
        if slot.slow_place is not None:
            keys.append((_FLEET, f"#slow-{slot.slow_place}"))
        held = [self._set_one(key, slot.until, facts) for key in keys]
        return held[0]

    def _set_one(self, key: tuple[str, str], until: datetime, facts: Item) -> bool:
        condition = "lease_expires_at = :mine"
        try:
            self._items.update(*key, set_=facts, condition=condition, mine=iso(until))
        except ConflictError:
            return False
        return True
