"""Brings the rows of one table from all pages of a pull into one ordered stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from xporter_bridge.datasets.model import Dataset
from xporter_bridge.ingestion.page_file import DELETED
from xporter_bridge.ingestion.staged_pages import StagedPages, WithheldRows
from xporter_bridge.snapshots.blocks import Block, Repeats
from xporter_bridge.snapshots.row_keys import KeyOfLine, key_of_line
from xporter_bridge.snapshots.store import SnapshotStore
from xporter_bridge.snapshots.union import follow_each_other, union

Stream = Callable[[], Iterator[Block]]


@dataclass(frozen=True)
class TableStream:
    """The distinct rows of one table: how many there are, and the stream of them, in order.

    ``repeats`` counts rows that came twice on one page, ``repeats_elsewhere`` rows that had come on
    another page, ``clashes`` rows that share their identity with another row. ``evidence`` is a
    digest of the identities that rows of different pages share; 0 if there are none.
    ``withheld`` are rows about erased people, which are in none of the other numbers.
    """

    rows: int
    stream: Stream
    repeats: int = 0
    repeats_elsewhere: int = 0
    clashes: int = 0
    evidence: int = 0
    withheld: WithheldRows = WithheldRows()  # noqa: RUF009 - frozen


@dataclass(frozen=True)
class TableInput:
    """The rows that the pull brought for one table; ``columns`` are the columns met in them."""

    table: str
    came: TableStream
    gone: TableStream
    columns: list[str]


NO_ROWS = TableStream(0, lambda: iter(()))


class TableCollector:
    """Collects the tables of one pull.

    Args:
        out: The prefix for intermediate results.
        heartbeat: Called with every block written; keeps the lease, and raises to stop.
    """

    def __init__(
        self, store: SnapshotStore, dataset: Dataset, *, out: str, heartbeat: Callable[[], None]
    ) -> None:
        self._store = store
        self._dataset = dataset
        self._out = out
        self._heartbeat = heartbeat
        self._spilled = 0

    def gather(self, pages: StagedPages, name: str) -> TableStream:
        """Return a table, or the deletions of one under ``<Table>_deleted``.

        Rows of pages in ascending order are counted without reading the pages. Overlapping pages
        are merged here, once; the merged rows are stored.
        """
        key_of = key_of_line(self._dataset.key_of(name.removesuffix(DELETED)))
        sections = list(pages.sections(name))
        met = Repeats()

        def rows() -> Iterator[Block]:
            return union(sections, key_of, lambda run: self._spill(run, key_of)[1], met)

        repeats, withheld = sum(each.repeats for each in sections), pages.withheld(name)
        if follow_each_other(sections):
            clashes = sum(section.clashes for section in sections)
            total = sum(section.rows for section in sections)
            return TableStream(total, rows, repeats, 0, clashes, withheld=withheld)
        stored = self._spill(rows(), key_of)
        return TableStream(*stored, repeats, met.repeats, met.clashes, met.evidence, withheld)

    def _spill(self, rows: Iterator[Block], key_of: KeyOfLine) -> tuple[int, Stream]:
        self._spilled += 1
        run = self._store.write(f"{self._out}run-{self._spilled:06d}", self._heartbeat)
        for block in rows:
            run.write_block(block)
        run.close()
        return run.rows, lambda: self._store.staged_blocks(run.key, key_of)
