"""Tables that exist per day: attendance marks and lessons, computed for the days asked for."""

from collections.abc import Sequence
from datetime import date
from itertools import chain
from typing import overload

from tools.simulator.school.profiles import Profile
from tools.simulator.school.revisioned_tables import Build, Key, Ledger, Source

DatedKey = tuple[int, int, int]


class DatedKeys(Sequence[DatedKey]):
    """Every (day, slot, thing) in order, without holding them."""

    def __init__(self, days: Sequence[int], slots: int, things: Sequence[int]) -> None:
        self._days, self._slots, self._things = days, slots, things

    def __len__(self) -> int:
        return len(self._days) * self._slots * len(self._things)

    @overload
    def __getitem__(self, at: int) -> DatedKey: ...
    @overload
    def __getitem__(self, at: slice) -> list[DatedKey]: ...
    def __getitem__(self, at: int | slice) -> DatedKey | list[DatedKey]:
        if isinstance(at, slice):
            return [self._key(place) for place in range(*at.indices(len(self)))]
        if not 0 <= at < len(self):
            raise IndexError(at)
        return self._key(at)

    def _key(self, place: int) -> DatedKey:
        rest, thing = divmod(place, len(self._things))
        day, slot = divmod(rest, self._slots)
        return self._days[day], slot, self._things[thing]


class DatedSource(Source):
    """The rows of ``slots`` times a day for each of ``things``, between two dates.

    The ledger is the school's own and outlives this view of it.
    """

    def __init__(
        self, profile: Profile, build: Build, ledger: Ledger, things: Source, slots: int,
        days: tuple[date, date],
    ) -> None:  # fmt: skip
        super().__init__(profile, build, base=None)
        self.ledger = ledger
        self.things = things
        self.slots = slots
        first, final = days[0].toordinal(), days[1].toordinal()
        # Sundays have the ordinals that 7 divides, Saturdays the ones before.
        self.days = [day for day in range(first, final + 1) if day % 7 not in (0, 6)]
        self._span = (first, final)

    def visible(self, key: Key, revision: int) -> bool:
        """Tell whether the row lies between the dates and its pupil or class existed."""
        return (
            self._span[0] <= key[0] <= self._span[1]
            and self.things.visible(key[2], revision)
            and self.ledger.at(key, revision).alive
        )

    def last(self, revision: int) -> int:
        """Return the newest revision that touched a mark or who is marked."""
        return max(self.ledger.last(revision), self.things.last(revision))

    def touched(self, since: int, until: int) -> set[Key]:
        """Return rows that changed, or whose pupil came or went."""
        moved = (
            thing
            for thing in self.things.touched(since, until)
            if self.things.visible(thing, since) != self.things.visible(thing, until)
        )
        born = ((day, slot, n) for n in moved for day in self.days for slot in range(self.slots))
        own = (
            key
            for key in self.ledger.touched(since, until)
            if self._span[0] <= key[0] <= self._span[1] and key[1] < self.slots
        )
        return set(chain(born, own))

    def keys(self, revision: int) -> Sequence[Key]:
        """Return all keys between the dates; marks are changed, never removed."""
        return DatedKeys(self.days, self.slots, self.things.keys(revision))
