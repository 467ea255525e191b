"""The pages of one pull in the staging bucket, staged by this invocation or an earlier one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from xporter_bridge.ingestion.columns import ColumnPolicy
from xporter_bridge.ingestion.page_file import (
    DELETED,
    HEADER_BYTES,
    ByteRange,
    PageHeader,
    page_key,
    page_number,
    unpack_header,
    unpack_section,
)
from xporter_bridge.snapshots.blocks import Block, Section
from xporter_bridge.snapshots.compression import decompress
from xporter_bridge.snapshots.row_keys import is_without_identity
from xporter_bridge.snapshots.store import SnapshotStore
from xporter_bridge.xporter.pages import PageMetadata

# So many headers are read at a time.
_READERS = 8
# So much of what was just staged is kept in memory, so that small pulls never read it back.
_KEPT_BYTES = 2 * 1024 * 1024
# A pull this long asks for page 1 again at its end, to see that nothing moved meanwhile.
_LONG_PULL_PAGES = 10


@dataclass(frozen=True)
class WithheldRows:
    """Rows of a table that came and were left out, counted as those of a ``TableStream`` are."""

    rows: int = 0
    repeats: int = 0
    repeats_elsewhere: int = 0


@dataclass
class StagedPages:
    """The pages of one pull, in the staging bucket; ``fence`` is that of the lease."""

    store: SnapshotStore
    prefix: str
    fence: int
    headers: dict[int, PageHeader] = field(default_factory=dict)
    _keys: dict[int, str] = field(default_factory=dict)
    _bodies: dict[int, bytes] = field(default_factory=dict)
    _kept: int = 0

    def recover(self, policy: ColumnPolicy) -> None:
        """Learn which pages earlier holders have staged, and which columns they hold.

        A page that two of them staged is taken from the later one, and from then on only that: the
        earlier one may still be writing. One that cannot be read counts as not staged.
        """
        for key in sorted(self.store.staged_keys(self.prefix)):
            number = page_number(key)
            if number:
                self._keys[number] = key
        with ThreadPoolExecutor(_READERS, "header") as pool:
            read = zip(self._keys, pool.map(self._header, self._keys.values()), strict=True)
            self.headers |= {number: header for number, header in read if header}
        for header in self.headers.values():
            for table, columns in header.columns.items():
                policy.decide_columns(table, columns)

    def add(self, number: int, body: bytes) -> None:
        """Stage a page; when this returns it is ticked off."""
        key = page_key(self.prefix, number, self.fence)
        self.store.stage(key, body)
        self._keys[number] = key
        self._note(number, body)

    def keep_only_page(self, body: bytes) -> bool:
        """Keep the only page of a pull in memory, unless it is large; return whether it is kept.

        After a crash the page is requested again, which costs no more than reading it would.
        """
        if len(body) > _KEPT_BYTES:
            return False
        self._note(1, body)
        return True

    def _note(self, number: int, body: bytes) -> None:
        # The columns are for an invocation that resumes: a thousand pages need not repeat them.
        self.headers[number] = replace(unpack_header(body), columns={})
        if self._kept + len(body) <= _KEPT_BYTES:
            self._bodies[number] = body
            self._kept += len(body)

    @property
    def facts(self) -> PageMetadata:
        """The facts that all pages state about the whole result, for the next pull to rely on.

        A row without an identity cannot be followed: a change set would bring it again, changed,
        and say nothing of what it was. So no change set is asked for where there are such rows,
        and everything is pulled and compared.
        """
        facts = self.headers[1].facts
        return replace(facts, following=None) if self.has_rows_without_identity else facts

    @property
    def has_rows_without_identity(self) -> bool:
        """Tell whether there is a row, or a deletion, that only its whole text identifies."""
        return any(
            is_without_identity(place.last)
            for header in self.headers.values()
            for place in header.sections.values()
        )

    @property
    def may_have_moved(self) -> bool:
        """Tell whether the pages may belong to two moments, as far as their facts show."""
        facts = self.headers[1].facts
        is_unproved = facts.following is None and facts.page_count > 1
        return is_unproved or facts.page_count >= _LONG_PULL_PAGES

    @property
    def largest(self) -> int:
        """About how many bytes the largest answer had."""
        return max((header.size for header in self.headers.values()), default=0)

    def has_table(self, table: str) -> bool:
        """Tell whether a page names the table, be it empty."""
        return any(table in header.tables for header in self.headers.values())

    def has_block(self, number: int, name: str, block: Block | None) -> bool:
        """Tell whether a page holds exactly these rows of a table."""
        place = self.headers[number].sections.get(name)
        if place is None or block is None:
            return place is None and block is None
        ends = (place.rows, place.first, place.last)
        if ends != (block.rows, block.first, block.last):
            return False
        return self._loader(number, place)().data == block.data

    def tables(self) -> list[str]:
        """Return the result tables in the order in which the first page names them."""
        names = (name for _, header in sorted(self.headers.items()) for name in header.tables)
        return list(dict.fromkeys(name.removesuffix(DELETED) for name in names))

    def sections(self, table: str) -> Iterator[Section]:
        """Yield what each page holds of a table."""
        for number, header in sorted(self.headers.items()):
            place = header.sections.get(table)
            if place:
                load, is_near = self._loader(number, place), number in self._bodies
                yield Section(
                    place.rows,
                    place.first,
                    place.last,
                    load,
                    is_near,
                    repeats=place.repeats,
                    clashes=place.clashes,
                )

    def withheld(self, name: str) -> WithheldRows:
        """Return how many rows of a section were left out of all pages."""
        by_page = [header.withheld.get(name, ()) for header in self.headers.values()]
        came = sum(map(len, by_page))
        on_pages = sum(len(set(page)) for page in by_page)
        rows = len(set().union(*by_page))
        return WithheldRows(rows, came - on_pages, on_pages - rows)

    def _header(self, key: str) -> PageHeader | None:
        data = self.store.read_staged(key, 0, HEADER_BYTES - 1)
        if b"\n" not in data:
            data = self.store.read_staged(key)
        try:
            return unpack_header(data)
        except ValueError:
            return None

    def _loader(self, number: int, place: ByteRange) -> Callable[[], Block]:
        def load() -> Block:
            body = self._bodies.get(number)
            if body is None:
                packed = self.store.read_staged(self._keys[number], place.start, place.end - 1)
            else:
                packed = body[place.start : place.end]
            return unpack_section(place, packed, decompress)

        return load
