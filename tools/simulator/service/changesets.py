"""Change sets: what differs between the rows now and the rows of an earlier reply."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import md5
from typing import Any

from tools.simulator.http.errors import bad_argument
from tools.simulator.school.revisioned_tables import Key
from tools.simulator.service.endpoints import Shape
from tools.simulator.service.selection import Selection

START = "*"
_KEPT = 300_000
_COMPARED_KEPT = 32


@dataclass(frozen=True)
class Snapshot:
    """The data that a hash identifies: query and revision of the reply that contained it."""

    hash: str
    previous: str
    selection: Selection
    taken_at: datetime
    relying_party: str


@dataclass(frozen=True)
class TableChanges:
    """One table's part of a change set."""

    keys: Sequence[Key]
    deleted: Sequence[str]


class Snapshots:
    """The hashes given out; they belong to a relying party and a school."""

    def __init__(self) -> None:
        self._by_name: OrderedDict[tuple[str, str, str], Snapshot] = OrderedDict()
        self._compared: OrderedDict[Hashable, dict[str, TableChanges]] = OrderedDict()

    def find(self, relying_party: str, estab: str, name: str) -> Snapshot:
        """Return the data that a hash identifies.

        Raises:
            XporterError: The hash is unknown or was forgotten. What the real service answers is
                not documented (xporter-api.md 5.5).
        """
        found = self._by_name.get((relying_party, estab, name.lower()))
        if found is None:
            raise bad_argument(f"changedRows {name} was not found or has expired")
        return found

    def keep(self, selection: Selection, relying_party: str, previous: str) -> str:
        """Remember the dataset of ``selection`` and return its hash: the same for the same data."""
        name = dataset_hash(selection, relying_party)
        key = (relying_party, selection.school.estab, name)
        if key not in self._by_name:
            now = datetime.now(UTC)
            self._by_name[key] = Snapshot(name, previous, selection, now, relying_party)
            if len(self._by_name) > _KEPT:
                self._by_name.popitem(last=False)
        return name

    def compare(self, snapshot: Snapshot, now: Selection) -> dict[str, TableChanges]:
        """Return the change set of every table; kept a while, since each page asks for it again."""
        name = (
            snapshot.hash, now.school.serial, now.query.fingerprint, now.scopes, now.revision,
        )  # fmt: skip
        found = self._compared.get(name)
        if found is None:
            found = {shape.name: changes(snapshot.selection, now, shape) for shape in now.shapes}
            self._compared[name] = found
            if len(self._compared) > _COMPARED_KEPT:
                self._compared.popitem(last=False)
        return found

    def forget(self, estab: str | None = None) -> int:
        """Forget the hashes of one school, or all, as the real service does in its own time."""
        doomed = [key for key in self._by_name if estab in (None, key[1])]
        for key in doomed:
            del self._by_name[key]
        return len(doomed)


def dataset_hash(selection: Selection, relying_party: str) -> str:
    """Return 32 lower-case hex digits that change exactly when the dataset may have."""
    school = selection.school
    state = [
        (
            shape.name,
            selection.source(shape).last(selection.revision),
            selection.columns(shape),
            *filter(None, [selection.odd_rows(shape)]),
        )
        for shape in selection.shapes
        if selection.is_asked(shape)
    ]
    facts = (relying_party, school.estab, school.profile.seed, selection.query.fingerprint, state)
    return md5(repr(facts).encode(), usedforsecurity=False).hexdigest()


def changes(before: Selection, now: Selection, shape: Shape) -> TableChanges:
    """Return the rows of ``shape`` that are new or differ, and the ids of those that vanished.

    A chain that is continued with other options, parameters or scopes is compared honestly:
    the result is the spurious changes and deletions that the documentation warns of.
    """
    if before.query.fingerprint != now.query.fingerprint or (
        before.columns(shape) != now.columns(shape)
        or before.is_asked(shape) != now.is_asked(shape)
        or before.odd_rows(shape) != now.odd_rows(shape)
    ):
        return _all_changed(before, now, shape)
    source = now.source(shape)
    touched = sorted(source.touched(before.revision, now.revision))
    keys: list[Key] = []
    deleted: list[str] = []
    for key in touched:
        held, holds = before.holds(shape, key), now.holds(shape, key)
        old_id = _id(before, shape, key) if held else None
        if holds:
            keys.append(key)
        if old_id is not None and (not holds or old_id != _id(now, shape, key)):
            deleted.append(old_id)
    return TableChanges(keys, deleted)


def _all_changed(before: Selection, now: Selection, shape: Shape) -> TableChanges:
    keys = now.keys(shape)
    kept = set(_ids(now, shape, keys))
    gone = _ids(before, shape, before.keys(shape))
    return TableChanges(keys, [str(each) for each in gone if each and each not in kept])


def _ids(selection: Selection, shape: Shape, keys: Sequence[Key]) -> list[Any]:
    """Return the ids as they are sent, also where rows are odd."""
    return [row.get("Id") for row in selection.rows(shape, keys)] if keys else []


def _id(selection: Selection, shape: Shape, key: Key) -> str | None:
    identity = selection.source(shape).row(key, selection.revision).get("Id")
    return None if identity is None else str(identity)
