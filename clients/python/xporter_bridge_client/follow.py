"""Keeps a copy of a dataset current: yields the steps to apply, in order."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass, field

from .errors import DamagedError, SupersededError
from .manifest import Manifest, TableFacts
from .objects import Objects, StoredLines
from .rows import Row, identity, parsed

# An erasure deletes the objects of a dataset before its manifest.
_ATTEMPTS = 6
# The rows of a copy by table and identity.
Copy = MutableMapping[str, dict[str, Row]]


@dataclass(frozen=True)
class TableStep:
    """What a step does to one table: first ``replaces``, then the deletes, then the upserts.

    ``replaces`` is true if the rows that the copy has of the table have to be deleted first. An
    identity is text, unique within its table, and stays the same over all steps of a table until
    a step replaces the table.
    """

    facts: TableFacts
    replaces: bool
    _deletes: StoredLines | None
    _upserts: StoredLines | None

    @property
    def name(self) -> str:
        """The table's name."""
        return self.facts.name

    def deletes(self) -> Iterator[str]:
        """Yield the identity of each row to delete; the copy need not have the row."""
        return (each for each, _, _ in self._identified(self._deletes))

    def upserts(self) -> Iterator[tuple[str, Row]]:
        """Yield the identity and the whole of each row to insert or to replace."""
        return ((each, row) for each, row, _ in self._identified(self._upserts))

    def upserts_as_json(self) -> Iterator[tuple[str, str]]:
        """Yield what ``upserts`` yields with each row as the JSON that Xporter wrote."""
        return ((each, line.decode()) for each, _, line in self._identified(self._upserts))

    def _identified(self, lines: StoredLines | None) -> Iterator[tuple[str, Row, bytes]]:
        for line in lines or ():
            row = parsed(line)
            yield identity(line, row, self.facts), row, line

    def close(self) -> None:
        """Delete the temporary files."""
        for lines in (self._deletes, self._upserts):
            if lines is not None:
                lines.file.close()


@dataclass(frozen=True)
class Step:
    """One step of a copy, readable until the next step is taken.

    ``cursor`` is to be stored with the copy once the step is applied. ``replaces`` is true if
    everything that the copy has of the dataset has to be deleted first. ``erased`` says why the
    data was erased; the copy then stays empty. ``manifest`` is None if nothing is published any
    more, as after the erasure of a school.
    """

    cursor: str
    manifest: Manifest | None
    replaces: bool
    erased: str = ""
    tables: tuple[TableStep, ...] = field(default=())

    def apply(self, copy: Copy) -> None:
        """Apply the step to a copy in memory; a copy in a database does the same in SQL."""
        if self.replaces:
            copy.clear()
        for table in self.tables:
            rows = copy.setdefault(table.name, {})
            if table.replaces:
                rows.clear()
            for each in table.deletes():
                rows.pop(each, None)
            rows.update(table.upserts())

    def close(self) -> None:
        """Delete the temporary files."""
        for table in self.tables:
            table.close()


def follow(
    objects: Objects,
    estab: str,
    dataset: str,
    since: str,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Step]:
    """Yield every step after the cursor; ``Bridge.follow`` says how to use them."""
    follower = _Follower(objects, estab, dataset, since, sleep)
    while step := follower.next_step():
        with contextlib.closing(step):
            yield step


class _Follower:
    """One way from a cursor to the current sequence.

    ``_held`` is the manifest of the data that the copy has, where it is still published.
    """

    def __init__(
        self,
        objects: Objects,
        estab: str,
        dataset: str,
        since: str,
        sleep: Callable[[float], None],
    ) -> None:
        self._objects, self._place = objects, (estab, dataset)
        self._since, self._sleep = since, sleep
        self._held: Manifest | None = None
        self._latest: Manifest | None = None

    def next_step(self) -> Step | None:
        """Return the next step with everything that it names, or None at the end.

        Raises:
            SupersededError: Objects are being deleted for several seconds; try again later.
            DamagedError: An object stays other than its manifest says.
        """
        for attempt in range(_ATTEMPTS):
            try:
                step = self._attempt()
            except (SupersededError, DamagedError):
                # An object of another history, which began just now, is no damage.
                self._latest = None
                if attempt == _ATTEMPTS - 1:
                    raise
                self._sleep(0.1 * 2**attempt)
            else:
                if step:
                    self._since, self._held = step.cursor, step.manifest
                return step
        raise AssertionError("unreachable")

    def _attempt(self) -> Step | None:
        if self._latest is None or self._latest.cursor == self._since:
            self._latest = self._objects.manifest(*self._place)
        latest = self._latest
        if latest is None:
            gone = Step("", None, replaces=True, erased="nothing is published")
            return gone if self._since else None
        if latest.cursor == self._since:
            return None
        if latest.erased is not None:
            reason = latest.erased.get("reason", "")
            return Step(latest.cursor, latest, replaces=True, erased=reason or "erased")
        with contextlib.suppress(SupersededError):
            if (held := self._held_manifest(latest)) and (changes := self._changes(held)):
                return changes
        # What was superseded may have taken the place of what this began with, too.
        self._held, self._latest = None, self._objects.manifest(*self._place)
        if self._latest is None or self._latest.erased is not None:
            raise SupersededError("the dataset was erased just now")
        return self._whole(self._latest)

    def _held_manifest(self, latest: Manifest) -> Manifest | None:
        """Return the manifest of the cursor, if the latest follows from the same data."""
        if self._held is not None:
            return self._held
        number = self._since.partition(":")[0]
        if not number.isdigit() or int(number) >= latest.sequence:
            return None
        found = self._objects.manifest(*self._place, int(number))
        return found if found and found.cursor == self._since else None

    def _changes(self, held: Manifest) -> Step | None:
        """Return the sequence after the held one, if it is still published."""
        following = self._objects.manifest(*self._place, held.sequence + 1)
        if following is None or following.erased is not None:
            return None
        with contextlib.ExitStack() as opened:
            tables = [
                self._table(facts, held.tables.get(name), opened)
                for name, facts in following.tables.items()
            ]
            tables += [
                TableStep(facts, True, None, None)
                for name, facts in held.tables.items()
                if name not in following.tables
            ]
            # While the held manifest is there, no erasure has let another history begin, which
            # would have objects of the same keys.
            proof = self._objects.manifest(*self._place, held.sequence)
            if proof is None or proof.cursor != held.cursor:
                return None
            opened.pop_all()
        return Step(following.cursor, following, replaces=False, tables=tuple(tables))

    def _table(
        self, facts: TableFacts, held: TableFacts | None, opened: contextlib.ExitStack
    ) -> TableStep:
        """Return the changes of a table, or all of the table if its rows got other identities."""
        if held is not None and held.identified_by != facts.identified_by:
            return TableStep(facts, True, None, self._snapshot(facts, opened))
        deletes = self._fetched(facts.deletes_key, facts.deletes, opened)
        upserts = self._fetched(facts.upserts_key, facts.upserts, opened)
        return TableStep(facts, held is None, deletes, upserts)

    def _whole(self, manifest: Manifest) -> Step:
        with contextlib.ExitStack() as opened:
            tables = [
                TableStep(facts, True, None, self._snapshot(facts, opened))
                for facts in manifest.tables.values()
            ]
            opened.pop_all()
        return Step(manifest.cursor, manifest, replaces=True, tables=tuple(tables))

    def _snapshot(self, facts: TableFacts, opened: contextlib.ExitStack) -> StoredLines:
        lines = self._fetched(facts.snapshot_key, facts.rows, opened)
        if lines.sha256 != facts.sha256:
            raise DamagedError(f"{facts.snapshot_key} is not what its manifest says")
        return lines

    def _fetched(self, key: str, rows: int, opened: contextlib.ExitStack) -> StoredLines:
        lines = self._objects.lines(key)
        opened.callback(lines.file.close)
        if lines.rows != rows:
            raise DamagedError(f"{key} has {lines.rows} rows, and its manifest says {rows}")
        return lines
