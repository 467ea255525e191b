"""Tables that are computed on demand; only changes since the first day are stored."""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tools.simulator.school.profiles import Profile

Row = dict[str, Any]
Key = Any
Build = Callable[[Profile, Any, int, str | None], Row]


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened to one row at one revision of its school."""

    revision: int
    stamp: str
    version: int
    alive: bool
    overlay: Row | None = None


FIRST = Entry(0, "", 0, True)
_ABSENT = Entry(0, "", 0, False)


class Ledger:
    """The history of the rows that changed; memory grows with changes, not with rows."""

    def __init__(self, base: int | None) -> None:
        """Begin with ``base`` rows numbered from 0, or with any key when it is None."""
        self.base = base
        self.history: dict[Hashable, list[Entry]] = {}
        self.revisions: list[int] = [0]
        self._births: list[int] = []

    def record(self, key: Key, entry: Entry) -> None:
        """Append what happened to the row ``key``."""
        self.history.setdefault(key, []).append(entry)
        if self.revisions[-1] != entry.revision:
            self.revisions.append(entry.revision)

    def insert(self, revision: int, stamp: str, overlay: Row | None = None) -> int:
        """Add a row after the last one and return its number."""
        key = (self.base or 0) + len(self._births)
        self._births.append(revision)
        self.record(key, Entry(revision, stamp, 0, alive=True, overlay=overlay))
        return key

    def at(self, key: Key, revision: int) -> Entry:
        """Return the state of a row as it was at ``revision``."""
        entries = self.history.get(key)
        if entries:
            for entry in reversed(entries):
                if entry.revision <= revision:
                    return entry
        return FIRST if self.base is None or key < self.base else _ABSENT

    def size(self, revision: int) -> int:
        """Return how many numbers had been given out by ``revision``."""
        return (self.base or 0) + bisect_right(self._births, revision)

    def last(self, revision: int) -> int:
        """Return the newest revision, up to ``revision``, at which anything changed."""
        return self.revisions[bisect_right(self.revisions, revision) - 1]

    def touched(self, since: int, until: int) -> set[Key]:
        """Return the rows to which something happened after ``since``."""
        return {
            key
            for key, entries in self.history.items()
            if any(since < entry.revision <= until for entry in entries)
        }


class Source:
    """A table with rows of its own: pupils, staff, groups, incidents."""

    #: Whether the rows are only those of other tables, which keep their history.
    is_composed = False
    #: Whether rows can be added; lookups and groups have as many as they have.
    can_grow = True

    def __init__(self, profile: Profile, build: Build, base: int | None) -> None:
        self.profile = profile
        self.build = build
        self.ledger = Ledger(base)
        self._kept: tuple[int, Sequence[Key]] = (-1, ())

    def visible(self, key: Key, revision: int) -> bool:
        """Tell whether the row existed at ``revision``."""
        return self.ledger.at(key, revision).alive

    def last(self, revision: int) -> int:
        """Return the newest revision, up to ``revision``, that touched this table."""
        return self.ledger.last(revision)

    def touched(self, since: int, until: int) -> set[Key]:
        """Return every row that may differ between two revisions."""
        return self.ledger.touched(since, until)

    def size(self, revision: int) -> int:
        """Return the number of possible keys, deleted ones included."""
        return self.ledger.size(revision)

    def keys(self, revision: int) -> Sequence[Key]:
        """Return the keys at ``revision`` in the order of their ids."""
        last = self.last(revision)
        if self._kept[0] != last:
            self._kept = (last, self._alive(last))
        return self._kept[1]

    def unsettled(self) -> set[Key]:
        """Return every key that may not always have been visible, also if added and deleted."""
        return set(self.ledger.history)

    def _alive(self, revision: int) -> Sequence[Key]:
        size = self.size(revision)
        missing = {
            key for key in self.unsettled() if key < size and not self.visible(key, revision)
        }
        if not missing:
            return range(size)
        return array("Q", (key for key in range(size) if key not in missing))

    def row(self, key: Key, revision: int) -> Row:
        """Return one whole row, before scopes and options choose from its columns."""
        return self.rows((key,), revision)[0]

    def rows(self, keys: Iterable[Key], revision: int) -> list[Row]:
        """Return whole rows."""
        profile, build, ledger = self.profile, self.build, self.ledger
        if not ledger.history:
            return [build(profile, key, 0, None) for key in keys]
        return [self._changed(key, ledger.at(key, revision)) for key in keys]

    def _changed(self, key: Key, entry: Entry) -> Row:
        row = self.build(self.profile, key, entry.version, entry.stamp or None)
        if entry.overlay:
            row.update(entry.overlay)
        return row


@dataclass(frozen=True)
class Dependence:
    """How the rows of one table depend on those of another."""

    size: Callable[[int], int]
    parents: Callable[[int], Sequence[int]]
    children: Callable[[int], Iterable[int]]
    any_parent: bool = False
    is_sparse: bool = False


class DependentSource(Source):
    """A table whose rows come and go with those of another: contacts, memberships, summaries."""

    def __init__(
        self, profile: Profile, build: Build, parent: Source, dependence: Dependence
    ) -> None:
        super().__init__(profile, build, base=None)
        self.parent = parent
        self.dependence = dependence

    def visible(self, key: Key, revision: int) -> bool:
        """Tell whether the row and the rows that it depends on existed."""
        parents = self.dependence.parents(key)
        combine = any if self.dependence.any_parent else all
        return (
            bool(parents)
            and self.ledger.at(key, revision).alive
            and combine(self.parent.visible(parent, revision) for parent in parents)
        )

    def last(self, revision: int) -> int:
        """Return the newest revision that touched this table or its parent."""
        return max(self.ledger.last(revision), self.parent.last(revision))

    def touched(self, since: int, until: int) -> set[Key]:
        """Return rows that changed themselves, or whose parent came or went."""
        keys = self.ledger.touched(since, until)
        for parent in self.parent.touched(since, until):
            if self.parent.visible(parent, since) != self.parent.visible(parent, until):
                keys.update(self.dependence.children(parent))
        return keys

    def unsettled(self) -> set[Key]:
        """Return every key with a history, or whose parent has one."""
        children = self.dependence.children
        parents = self.parent.unsettled()
        return super().unsettled().union(*(children(parent) for parent in parents))

    def size(self, revision: int) -> int:
        """Return the number of possible keys."""
        return self.dependence.size(self.parent.size(revision))

    def _alive(self, revision: int) -> Sequence[Key]:
        if not self.dependence.is_sparse:
            return super()._alive(revision)
        keys = (key for key in range(self.size(revision)) if self.visible(key, revision))
        return array("Q", keys)


def per_parent(slots: int) -> Dependence:
    """Return the dependence of ``slots`` rows on each parent."""
    return Dependence(
        size=lambda parents: parents * slots,
        parents=lambda key: (key // slots,),
        children=lambda parent: range(parent * slots, parent * slots + slots),
    )


def every(step: int) -> Dependence:
    """Return the dependence of one row on every ``step``-th parent."""
    return Dependence(
        size=lambda parents: -(-parents // step),
        parents=lambda key: (key * step,),
        children=lambda parent: (parent // step,) if parent % step == 0 else (),
    )
