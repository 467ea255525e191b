"""Makes the new state of a dataset out of its previous snapshot and the pages of a pull."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from xporter_bridge.adapters.lake import Lake, StagedTable
from xporter_bridge.blocks import Block, Spill, count, union
from xporter_bridge.datasets import Dataset
from xporter_bridge.holds import TableChange
from xporter_bridge.manifests import Place, table_entry
from xporter_bridge.merging import Merge, Outcome
from xporter_bridge.ordering import KeyOfLine, identity_line, key_of_line
from xporter_bridge.pages import PageFacts, prove_complete
from xporter_bridge.staging import DELETED
from xporter_bridge.use_cases.fetching import StagedPages


@dataclass(frozen=True)
class Assembled:
    """A candidate for the next sequence; nothing of it is visible to readers yet.

    ``copies`` maps the key at which readers will find an object to where it is staged.
    """

    tables: Mapping[str, Mapping[str, Any]]
    changes: tuple[TableChange, ...]
    copies: Mapping[str, str]

    @property
    def is_unchanged(self) -> bool:
        """Tell whether the candidate holds the very rows that readers already have."""
        return not any(c.inserted or c.updated or c.deleted for c in self.changes)


class Assembler:
    """Assembles one pull.

    Args:
        out: The prefix for results; holds the fence, so that two holders never share one.
        beat: Called with every block written; keeps the lease, and raises to stop.
    """

    def __init__(
        self,
        lake: Lake,
        dataset: Dataset,
        place: Place,
        *,
        out: str,
        beat: Callable[[], None],
    ) -> None:
        self._lake = lake
        self._dataset = dataset
        self._place = place
        self._out = out
        self._beat = beat
        self._spilled = 0

    def assemble(
        self,
        pages: StagedPages,
        facts: PageFacts,
        columns: Mapping[str, list[str]],
        previous: Mapping[str, Any] | None,
        sequence: int,
        *,
        is_full: bool,
    ) -> Assembled:
        """Merge every table and return the candidate.

        Raises:
            PageDriftError: The pages do not hold as many distinct rows as they announced.
        """
        before: Mapping[str, Any] = previous["tables"] if previous else {}
        came, gone = self._counted(pages)
        prove_complete(facts, came, gone)
        entries: dict[str, Any] = {}
        copies: dict[str, str] = {}
        changes: list[TableChange] = []
        for table in dict.fromkeys((*pages.tables(), *before)):
            old = before.get(table)
            if old and not is_full and not came.get(table) and not gone.get(table):
                entry, outcome = self._carried(table, old, sequence, copies)
            else:
                entry, outcome = self._merged(
                    table, pages, old, sequence, copies, columns.get(table, []), is_full=is_full
                )
            entries[table] = entry
            changes.append(
                TableChange(
                    table, outcome.previous, outcome.inserted, outcome.updated, outcome.deleted
                )
            )
        return Assembled(entries, tuple(changes), copies)

    def _counted(self, pages: StagedPages) -> tuple[dict[str, int], dict[str, int]]:
        came: dict[str, int] = {}
        gone: dict[str, int] = {}
        for table in pages.tables():
            key_of = key_of_line(self._dataset.key_of(table))
            for counts, name in ((came, table), (gone, table + DELETED)):
                counts[table] = count(pages.sections(name), key_of, self._spiller(key_of))
        return came, gone

    def _came(self, pages: StagedPages, table: str) -> Iterator[Block]:
        key_of = key_of_line(self._dataset.key_of(table.removesuffix(DELETED)))
        return union(pages.sections(table), key_of, self._spiller(key_of))

    def _spiller(self, key_of: KeyOfLine) -> Spill:
        return lambda run: self._spill(run, key_of)

    def _spill(self, run: Iterator[Block], key_of: KeyOfLine) -> Callable[[], Iterator[Block]]:
        self._spilled += 1
        table = self._lake.write(f"{self._out}run-{self._spilled:06d}")
        for block in run:
            table.write(block.data, block.rows)
            self._beat()
        table.close()
        return lambda: self._lake.staged_blocks(table.key, key_of)

    def _merged(
        self,
        table: str,
        pages: StagedPages,
        old: Mapping[str, Any] | None,
        sequence: int,
        copies: dict[str, str],
        columns: list[str],
        *,
        is_full: bool,
    ) -> tuple[dict[str, Any], Outcome]:
        key_field = self._dataset.key_of(table)
        key_of = key_of_line(key_field)
        snapshot, upserts, deletes = (
            self._lake.write(f"{self._out}{table}.{kind}")
            for kind in ("snapshot", "upserts", "deletes")
        )
        merge = Merge(
            key_of,
            identity_line(key_field),
            is_full=is_full,
            snapshot=Beating(snapshot, self._beat),
            upserts=upserts,
            deletes=deletes,
        )
        before = self._lake.blocks(old["snapshot_key"], key_of) if old else iter(())
        outcome = merge.run(before, self._came(pages, table), self._came(pages, table + DELETED))
        is_changed = bool(outcome.inserted or outcome.updated or outcome.deleted) or old is None
        for written in (snapshot, upserts, deletes):
            written.close()
        entry = table_entry(
            self._place,
            table,
            sequence,
            rows=outcome.rows,
            sha256=snapshot.sha256,
            upserts=upserts.rows,
            deletes=deletes.rows,
            columns=list(dict.fromkeys((*(old["columns"] if old else ()), *columns))),
            snapshot_key=None if is_changed or old is None else old["snapshot_key"],
        )
        copies |= {entry["upserts_key"]: upserts.key, entry["deletes_key"]: deletes.key}
        if is_changed:
            copies[entry["snapshot_key"]] = snapshot.key
        return entry, outcome

    def _carried(
        self, table: str, old: Mapping[str, Any], sequence: int, copies: dict[str, str]
    ) -> tuple[dict[str, Any], Outcome]:
        """Keep a table that nothing touched: its snapshot stays, its change files are empty."""
        entry = table_entry(
            self._place,
            table,
            sequence,
            rows=old["rows"],
            sha256=old["sha256"],
            upserts=0,
            deletes=0,
            columns=old["columns"],
            snapshot_key=old["snapshot_key"],
        )
        empty = self._lake.write(f"{self._out}empty")
        if empty.key not in copies.values():
            empty.close()
        copies |= {entry["upserts_key"]: empty.key, entry["deletes_key"]: empty.key}
        return entry, Outcome(previous=old["rows"], rows=old["rows"])


class Beating:
    """A sink that keeps the lease while a long table is written."""

    def __init__(self, table: StagedTable, beat: Callable[[], None]) -> None:
        self._table = table
        self._beat = beat

    def write(self, data: bytes, rows: int) -> None:
        """Append the rows."""
        self._table.write(data, rows)
        self._beat()
