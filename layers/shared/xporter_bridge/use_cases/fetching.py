"""Fetches the pages of one pull into the staging bucket, several at a time.

A page counts as fetched when it lies there, so a kill costs at most the pages in flight, and
whoever goes on with the pull lists what is there and fetches the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Lock

from xporter_bridge.adapters.compression import compress, decompress
from xporter_bridge.adapters.lake import Lake
from xporter_bridge.adapters.xporter_api import XporterApi
from xporter_bridge.blocks import Block, Section
from xporter_bridge.columns import ColumnPolicy
from xporter_bridge.datasets import Dataset
from xporter_bridge.errors import ContractError, XporterBridgeError, XporterUnavailableError
from xporter_bridge.pages import Page, PageFacts, read_page
from xporter_bridge.rendering import rendered
from xporter_bridge.staging import (
    DELETED,
    HEADER_BYTES,
    PageHeader,
    SectionPlace,
    pack,
    page_key,
    page_number,
    unpack_header,
    unpack_section,
)
from xporter_bridge.use_cases.crew import Crew, Stopwatch
from xporter_bridge.use_cases.sessions import Session

PAGE_SIZE = 1_000
# The most at a time: eight hide Xporter's latency (benchmarks/pull.py); fewer do while it is quick.
CONCURRENT_PAGES = 8
# So much of what was just staged is kept in memory, so that small pulls never read it back.
_KEPT_BYTES = 2 * 1024 * 1024


class OutOfTimeError(XporterBridgeError):
    """The invocation ends soon: what is staged stays, and another goes on."""


@dataclass
class StagedPages:
    """The pages of one pull, in the staging bucket."""

    lake: Lake
    prefix: str
    headers: dict[int, PageHeader] = field(default_factory=dict)
    _bodies: dict[int, bytes] = field(default_factory=dict)
    _kept: int = 0

    def recover(self, policy: ColumnPolicy) -> None:
        """Learn which pages an earlier invocation has staged, and which columns they hold."""
        keys = {page_number(key): key for key in self.lake.staged_keys(self.prefix)}
        keys.pop(None, None)
        with ThreadPoolExecutor(CONCURRENT_PAGES, "header") as pool:
            headers = pool.map(self._header, keys.values())
            self.headers |= dict(zip(filter(None, keys), headers, strict=True))
        for header in self.headers.values():
            for table, columns in header.columns.items():
                policy.recall(table, columns)

    def add(self, number: int, body: bytes) -> None:
        """Stage a page; when this returns it is ticked off."""
        self.lake.stage(page_key(self.prefix, number), body)
        # The columns are for whoever goes on with the pull: a thousand pages need not repeat them.
        self.headers[number] = replace(unpack_header(body), columns={})
        if self._kept + len(body) <= _KEPT_BYTES:
            self._bodies[number] = body
            self._kept += len(body)

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
                yield Section(place.rows, place.first, place.last, load, is_near)

    def _header(self, key: str) -> PageHeader:
        return unpack_header(self.lake.staged(key, 0, HEADER_BYTES - 1))

    def _loader(self, number: int, place: SectionPlace) -> Callable[[], Block]:
        def load() -> Block:
            body = self._bodies.get(number)
            if body is None:
                key = page_key(self.prefix, number)
                packed = self.lake.staged(key, place.start, place.end - 1)
            else:
                packed = body[place.start : place.end]
            return unpack_section(place, packed, decompress)

        return load


class PageFetcher:
    """Asks Xporter for pages of one dataset and stages them.

    Args:
        beat: Called between pages, by one thread at a time; keeps the lease, and raises to stop.
        remaining_seconds: How long this invocation may still take.
    """

    def __init__(
        self,
        dataset: Dataset,
        session: Session,
        xporter: XporterApi,
        policy: ColumnPolicy,
        *,
        beat: Callable[[], None],
        remaining_seconds: Callable[[], float],
    ) -> None:
        self._dataset = dataset
        self._session = session
        self._xporter = xporter
        self._policy = policy
        self._beat = beat
        self._remaining_seconds = remaining_seconds
        self._turn = Lock()
        self._is_slow = True

    def ask(self, changed_rows: str, number: int) -> Page:
        """Return one page of the change set that follows ``changed_rows``."""
        path, query = self._dataset.request()
        query |= {"changedRows": changed_rows, "page": str(number), "pageSize": str(PAGE_SIZE)}
        estab = self._session.school.estab
        watch = Stopwatch()
        page = read_page(
            self._session.call(lambda token: self._xporter.school_data(estab, path, token, query))
        )
        self._is_slow = watch.has_mostly_waited()
        if not page.tables and not page.deleted:
            # A DBStatus, or nothing (xporter-api.md 13.8): no data yet, which is not no rows.
            raise XporterUnavailableError("answer_without_tables")
        if page.facts.row_count is None and page.longest == PAGE_SIZE:
            # Whether more would follow nobody can tell; to take it for all would delete the rest.
            raise ContractError("full_page_without_pagination")
        return page

    def stage(self, page: Page, number: int, into: StagedPages) -> None:
        """Minimise, order, compress and stage one page."""
        tables: dict[str, Block | None] = {}
        for name, rows in page.tables.items():
            kept = self._policy.kept(name, rows)
            tables[name] = rendered(kept, self._dataset.key_of(name))
        for name, rows in page.deleted.items():
            tables[name + DELETED] = rendered(rows, self._dataset.key_of(name))
        into.add(number, pack(page.facts, tables, self._policy.met(), compress))

    def fetch_rest(self, changed_rows: str, facts: PageFacts, into: StagedPages) -> None:
        """Fetch every page that is not staged yet.

        Raises:
            PageDriftError: A page tells other facts than page 1.
            OutOfTimeError: Not all could be fetched in time; the others are staged.
        """
        for header in into.headers.values():
            facts.prove_same(header.facts)
        missing = [n for n in range(1, facts.page_count + 1) if n not in into.headers]

        def work(number: int) -> None:
            page = self.ask(changed_rows, number)
            facts.prove_same(page.facts)
            self.stage(page, number, into)
            self._go_on_or_stop()

        crew = Crew(work, most=CONCURRENT_PAGES)
        crew.work_off(missing, self._go_on_or_stop, is_slow=self._is_slow)

    def _go_on_or_stop(self) -> None:
        with self._turn:
            self._beat()
            if self._remaining_seconds() <= 0:
                raise OutOfTimeError
