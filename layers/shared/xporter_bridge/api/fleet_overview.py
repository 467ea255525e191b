"""Looks over the schools for a person, those in trouble first and never all of a fleet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from xporter_bridge import telemetry
from xporter_bridge.api.fleet_pages import FleetPages, SchoolFilter
from xporter_bridge.api.presenters import present_school
from xporter_bridge.api.schemas import SchoolView
from xporter_bridge.datasets.config import DatasetConfig
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.schools.attention import Severity
from xporter_bridge.schools.model import School
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.schools.trouble_index import IndexNotReadyError

# States in the order in which they deserve a look: what a person must mend comes first.
_ORDER = (
    SchoolState.REVOKED,
    SchoolState.PAUSED,
    SchoolState.INVITED,
    SchoolState.AUTHORISED,
    SchoolState.INSTALLED,
    SchoolState.LIVE,
    SchoolState.ERASED,
)
_AT_ONCE = 16
# Of schools that only a callback has spoken of, which any number of may be a stranger's invention.
_MOST_UNPROVED = 10
_TROUBLED = SchoolFilter(is_troubled=True)
# Of schools in trouble, which one look for held changes reads.
_MOST_PAGES = 4


@dataclass(frozen=True)
class FleetOverview:
    """Some schools, the worst first, and how many schools are in each state.

    ``troubled`` is how many schools need a person; None while their index is being made.
    ``cursor`` gives the next page, None is the end.
    """

    schools: list[SchoolView]
    counts: Mapping[str, int]
    troubled: int | None
    cursor: str | None = None

    @property
    def total(self) -> int:
        """How many schools there are; ``unproved`` ones may be none, and are counted apart."""
        return sum(self.counts.values()) - self.unproved

    @property
    def unproved(self) -> int:
        """How many schools nothing but a callback has spoken of."""
        return self.counts.get(SchoolState.INVITED, 0)


@dataclass(frozen=True)
class HeldChanges:
    """Schools with a change that waits for a person, the worst schools first.

    ``cursor`` gives the next page, None is the end. ``is_unknown``: their index is being made.
    """

    schools: list[SchoolView]
    cursor: str | None = None
    is_unknown: bool = False


@dataclass(frozen=True)
class FleetReader:
    """Reads what a person sees of the fleet; writes nothing."""

    schools: SchoolRepository
    datasets: DatasetRepository
    config: DatasetConfig

    def overview(
        self, wanted: SchoolFilter, limit: int, cursor: str | None, now: datetime
    ) -> FleetOverview:
        """Return at most ``limit`` schools; without a filter, the troubled before all others.

        The others fill what the troubled leave of the first page, the worst states first; a filter
        by state has all of them.

        Raises:
            RequestRejectedError: 400 for an invalid cursor.
        """
        counts = {str(state): self.schools.count(state) for state in _ORDER}
        if wanted != SchoolFilter():
            found, following = self._pages.page(wanted, limit, cursor)
            shown = self._shown((school.estab for school in found), now)
            return FleetOverview(shown, counts, self._count_troubled(), following)
        troubled, following = self._troubled(limit, cursor)
        shown = self._shown((school.estab for school in troubled), now)
        if following is None and cursor is None:
            known = {school.estab for school in troubled}
            rest = (estab for estab in self._estabs(limit) if estab not in known)
            shown += sorted(self._shown(islice(rest, limit - len(shown)), now), key=_urgency)
        return FleetOverview(shown, counts, self._count_troubled(), following)

    def school(self, estab: str, now: datetime) -> SchoolView | None:
        """Return one school; None for one that there is not, or that cannot be read."""
        return next(iter(self._shown([estab], now)), None)

    def holds(self, limit: int, cursor: str | None, now: datetime) -> HeldChanges:
        """Return at least ``limit`` schools with a held change if there are so many, or a cursor.

        A held change is a trouble, so its school is among the troubled ones. Others among them may
        fill pages, and one call reads only some pages; so few schools and a cursor may come.

        Raises:
            RequestRejectedError: 400 for an invalid cursor.
        """
        found: list[SchoolView] = []
        for _ in range(_MOST_PAGES):
            try:
                troubled, cursor = self._pages.page(_TROUBLED, limit, cursor)
            except IndexNotReadyError:
                return HeldChanges([], is_unknown=True)
            shown = self._shown((school.estab for school in troubled), now)
            found += [school for school in shown if any(each.hold for each in school.datasets)]
            if cursor is None or len(found) >= limit:
                break
        return HeldChanges(found, cursor)

    @property
    def _pages(self) -> FleetPages:
        return FleetPages(self.schools, skips_unreadable=True)

    def _troubled(self, limit: int, cursor: str | None) -> tuple[list[School], str | None]:
        try:
            return self._pages.page(_TROUBLED, limit, cursor)
        except IndexNotReadyError:
            return [], None

    def _count_troubled(self) -> int | None:
        try:
            return self.schools.count_troubled()
        except IndexNotReadyError:
            return None

    def _estabs(self, page: int) -> Iterator[str]:
        for state in _ORDER:
            most = _MOST_UNPROVED if state is SchoolState.INVITED else None
            yield from islice(self._in_state(state, page), most)

    def _in_state(self, state: SchoolState, page: int) -> Iterator[str]:
        """Yield the schools in the state, a page at a time: few rows need few keys."""
        after = None
        while True:
            places, after = self.schools.page_of_state(state, page, after)
            yield from (estab for _, estab in places)
            if after is None:
                return

    def _shown(self, estabs: Iterable[str], now: datetime) -> list[SchoolView]:
        with ThreadPoolExecutor(_AT_ONCE, "school") as pool:
            return [view for view in pool.map(self._shower(now), estabs) if view]

    def _shower(self, now: datetime) -> Callable[[str], SchoolView | None]:
        def show(estab: str) -> SchoolView | None:
            try:
                school = self.schools.get(estab)
                if school is None:
                    return None
                return present_school(school, self.datasets.of_school(estab), self.config, now)
            except Exception as error:  # noqa: BLE001 - one unreadable school hides no other
                telemetry.report("school_not_shown", error, estab=estab)
                return None

        return show


def is_troubled(school: SchoolView) -> bool:
    """Tell whether the school needs somebody, by its own state or by that of its data."""
    return school.attention.severity is Severity.TROUBLE


def _urgency(school: SchoolView) -> tuple[bool, int, str]:
    is_fine = school.state in {SchoolState.LIVE, SchoolState.ERASED} and not is_troubled(school)
    return is_fine, _ORDER.index(school.state), school.estab
