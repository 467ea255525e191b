"""Fetches the pages of one pull into the staging bucket, several at a time.

A page counts as fetched when it is staged. So a kill costs at most the pages in flight: the
invocation that resumes the pull lists the staged pages and fetches the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

from orjson import JSONEncodeError

from xporter_bridge.datasets.model import Dataset
from xporter_bridge.errors import (
    AuthorisationPausedError,
    ContractError,
    PageDriftError,
    PermanentError,
    TransientError,
    XporterBridgeError,
    XporterRefusedError,
    XporterUnavailableError,
)
from xporter_bridge.exact_json import dumps, loads
from xporter_bridge.ingestion.columns import ColumnPolicy
from xporter_bridge.ingestion.page_file import DELETED, pack
from xporter_bridge.ingestion.page_workers import work_alone, work_off
from xporter_bridge.ingestion.staged_pages import StagedPages
from xporter_bridge.schools.session import SchoolSession
from xporter_bridge.snapshots.blocks import Block
from xporter_bridge.snapshots.compression import compress
from xporter_bridge.snapshots.encode_rows import InexactError, rendered
from xporter_bridge.snapshots.row_keys import identities
from xporter_bridge.xporter.client import DATA_SECONDS, XporterApi
from xporter_bridge.xporter.endpoints import Endpoint
from xporter_bridge.xporter.pages import (
    ALL_ROWS,
    Page,
    PageMetadata,
    read_page,
    with_requested_hash,
)
from xporter_bridge.xporter.people import is_requested_for

# No more rows at a time; fewer where they are large (``Endpoint.rows_per_page``).
PAGE_SIZE = Endpoint.page_size
# This number hides Xporter's latency (benchmarks/pull.py).
CONCURRENT_PAGES = 8
# So many bytes of answers at a time, going by the largest so far: each takes several times its
# size until it is staged, and a page of photos has megabytes.
_BYTES_IN_FLIGHT = 64 * 1024 * 1024


@dataclass(frozen=True)
class PageRows:
    """What may be stored of a page by table, and of deletions by ``<Table>_deleted``.

    ``withheld`` has a keyed digest of each row that is about an erased person, by the same names.
    """

    blocks: Mapping[str, Block | None]
    withheld: Mapping[str, tuple[str, ...]]


class OutOfTimeError(XporterBridgeError):
    """The invocation ends soon: staged pages stay, and another invocation continues."""


class PageFetcher:
    """Asks Xporter for pages of one dataset and stages them.

    Args:
        heartbeat: Called between pages, by one thread at a time; keeps the lease, raises to stop.
        remaining_seconds: How long this invocation may still take.
    """

    def __init__(
        self,
        dataset: Dataset,
        session: SchoolSession,
        xporter: XporterApi,
        policy: ColumnPolicy,
        *,
        heartbeat: Callable[[], None],
        remaining_seconds: Callable[[], float],
    ) -> None:
        self._dataset = dataset
        self._session = session
        self._xporter = xporter
        self._policy = policy
        self._heartbeat = heartbeat
        self._remaining_seconds = remaining_seconds
        self._heartbeat_lock = Lock()
        self._people = session.erased_people()
        if self._people and is_requested_for(
            dataset.endpoint.name, dataset.parameters, self._people.is_erased
        ):
            raise PermanentError("person_erased")

    def ask(self, changed_rows: str, number: int, within_seconds: float = DATA_SECONDS) -> Page:
        """Return one page of the change set that follows ``changed_rows``."""
        path, query = self._dataset.request()
        most = min(PAGE_SIZE, self._dataset.endpoint.rows_per_page(self._dataset.options))
        query |= {"changedRows": changed_rows, "page": str(number), "pageSize": str(most)}
        estab = self._session.school.estab

        def request(token: str) -> dict[str, Any]:
            return self._xporter.school_data(estab, path, token, query, read_seconds=within_seconds)

        page = self._read(self._session.call(request))
        if not page.tables and not page.deleted:
            # A DBStatus, or nothing (xporter-api.md 13.8): no data yet, which is not no rows.
            raise XporterUnavailableError("answer_without_tables")
        if page.is_pending and page.is_empty:
            raise XporterUnavailableError("data_not_ready")
        # Xporter may send fewer rows per page than requested, and states the number.
        if page.facts.row_count is None and page.longest >= min(most, page.page_size or most):
            # Whether more would follow nobody can tell; to take it for all would delete the rest.
            raise ContractError("full_page_without_pagination")
        return with_requested_hash(page, changed_rows)

    def ask_first(
        self, changed_rows: str, *, may_be_down: bool, within_seconds: float = DATA_SECONDS
    ) -> tuple[Page, str]:
        """Return page 1, and the hash whose change set it begins.

        A hash that Xporter refuses, answers with another one, or fails over again and again,
        begins the chain anew: the whole dataset is pulled and compared with the snapshot.

        Args:
            may_be_down: A failure may be Xporter's own, for it has not failed often.
            within_seconds: How long Xporter may be silent.
        """
        try:
            page = self._ask_alone(changed_rows, within_seconds)
            is_broken = page.facts.requested != changed_rows
        except AuthorisationPausedError:
            raise
        except (XporterRefusedError, XporterUnavailableError) as error:
            if changed_rows == ALL_ROWS or (may_be_down and isinstance(error, TransientError)):
                raise
            is_broken = True
        if is_broken and changed_rows != ALL_ROWS:
            return self._ask_alone(ALL_ROWS), ALL_ROWS
        return page, changed_rows

    def _ask_alone(self, changed_rows: str, within_seconds: float = DATA_SECONDS) -> Page:
        """Ask for page 1, which may take as long as a lease lasts, with a heartbeat meanwhile."""
        return work_alone(lambda: self.ask(changed_rows, 1, within_seconds), self._heartbeat)

    def pack(self, page: Page) -> bytes:
        """Minimise, order and compress one page, and return the page as it is staged."""
        return self._pack(page.facts, self._rows(page), len(page.text))

    def _pack(self, facts: PageMetadata, rows: PageRows, size: int) -> bytes:
        met = self._policy.kept_columns()
        return pack(facts, rows.blocks, met, compress, answered_bytes=size, withheld=rows.withheld)

    def fetch_rest(self, changed_rows: str, into: StagedPages) -> None:
        """Fetch every page that is not staged yet.

        Raises:
            PageDriftError: A page tells other facts than page 1.
            OutOfTimeError: Not all could be fetched in time; the others are staged.
        """
        facts = into.headers[1].facts
        for header in into.headers.values():
            facts.require_same_result(header.facts)
        missing = [n for n in range(1, facts.page_count + 1) if n not in into.headers]
        if not missing:
            self._go_on_or_stop()
            return

        def work(number: int) -> None:
            page = self.ask(changed_rows, number)
            facts.require_same_result(page.facts)
            own_facts, rows, size = page.facts, self._rows(page), len(page.text)
            # The parsed rows take most of the memory, and S3 most of the time.
            del page
            into.add(number, self._pack(own_facts, rows, size))
            self._go_on_or_stop()

        fitting = _BYTES_IN_FLIGHT // max(into.largest, 1)
        threads = max(1, min(CONCURRENT_PAGES, fitting, len(missing)))
        work_off(missing, work, self._go_on_or_stop, threads=threads)

    def require_unchanged(
        self, changed_rows: str, as_of: datetime | None, staged: StagedPages
    ) -> None:
        """Ask for page 1 again: a pull of several pages may have met two moments of the school.

        Raises:
            PageDriftError: It did. Where Xporter names the next hash, that proves more than rows.
        """
        facts = staged.headers[1].facts
        page = self._ask_alone(changed_rows)
        facts.require_same_result(page.facts)
        if facts.following is not None:
            return
        if page.as_of and page.as_of != as_of:
            raise PageDriftError("as_of_changed")
        blocks = self._rows(page).blocks
        if not all(staged.has_block(1, name, block) for name, block in blocks.items()):
            raise PageDriftError("rows_changed")

    def _rows(self, page: Page) -> PageRows:
        """Return the rows as they are stored.

        Raises:
            ContractError: A row is nested so deeply that nobody could write it again.
        """
        try:
            return self._exact_rows(page)
        except (RecursionError, JSONEncodeError) as error:
            raise ContractError("row_nested_too_deeply") from error

    def _exact_rows(self, page: Page) -> PageRows:
        try:
            return self._rendered(page, page.text)
        except InexactError:
            return self._rendered(self._read(loads(page.text)), b"")

    def _read(self, answer: Mapping[str, Any]) -> Page:
        tables = {name.casefold() for name in self._dataset.endpoint.tables}
        page = read_page(answer, lambda name: name.casefold() in tables)
        for name in page.ignored:
            self._policy.ignore(name)
        return page

    def _rendered(self, page: Page, text: bytes) -> PageRows:
        blocks: dict[str, Block | None] = {}
        withheld: dict[str, tuple[str, ...]] = {}
        for table, came in self._by_table(page.tables).items():
            key_field = self._dataset.key_of(table)
            rows, withheld[table] = self._without_people(table, came)
            block = rendered(self._policy.without_dropped_columns(table, rows), key_field, text)
            if block and self._policy.is_to_be_searched(table, block.data):
                kept = self._policy.searched(
                    table, self._policy.without_dropped_columns(table, rows)
                )
                block = rendered(kept, key_field, text)
            blocks[table] = block
        for table, entries in self._by_table(page.deleted).items():
            key_field, name = self._dataset.key_of(table), table + DELETED
            rows, withheld[name] = self._without_people(table, identities(entries, key_field))
            blocks[name] = rendered(rows, key_field)
        return PageRows(blocks, {name: found for name, found in withheld.items() if found})

    def _without_people(self, table: str, rows: list[Any]) -> tuple[list[Any], tuple[str, ...]]:
        """Return the rows without erased people, and a digest of each row that is left out."""
        if self._people is None:
            return rows, ()
        kept, withheld = [], []
        for row in rows:
            allowed = self._people.allowed(table, row)
            if allowed is None:
                withheld.append(self._people.row_digest(dumps(row)))
            else:
                kept.append(allowed)
        return kept, tuple(withheld)

    def _by_table(self, named: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
        """Return the arrays that may be stored, under the names that we know the tables by."""
        found: dict[str, list[Any]] = {}
        for name, rows in named.items():
            if self._policy.is_withheld(name):
                continue
            table = self._policy.table(name)
            found[table] = [*found[table], *rows] if table in found else rows
        return found

    def _go_on_or_stop(self) -> None:
        with self._heartbeat_lock:
            self._heartbeat()
            if self._remaining_seconds() <= 0:
                raise OutOfTimeError
