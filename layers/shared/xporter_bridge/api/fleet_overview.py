"""Looks over the schools for a person, those in trouble first and never all of a fleet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from xporter_bridge import telemetry
from xporter_bridge.api.presenters import present_school
from xporter_bridge.api.schemas import SchoolView
from xporter_bridge.datasets.config import DatasetConfig
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.schools.attention import Severity
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.schools.states import SchoolState

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


@dataclass(frozen=True)
class FleetOverview:
    """Some schools, the worst first, and how many schools are in each state."""

    schools: list[SchoolView]
    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        """How many schools there are; ``unproved`` ones may be none, and are counted apart."""
        return sum(self.counts.values()) - self.unproved

    @property
    def unproved(self) -> int:
        """How many schools nothing but a callback has spoken of."""
        return self.counts.get(SchoolState.INVITED, 0)


def fleet_overview(
    schools: SchoolRepository,
    datasets: DatasetRepository,
    config: DatasetConfig,
    *,
    limit: int,
    now: datetime,
) -> FleetOverview:
    """Return at most ``limit`` schools, found through the index by state, the worst states first.

    Within what was found, those with failed, held or stale data come before the others; a fleet
    larger than the limit has more of them, which the alarms count.
    """

    def show(estab: str) -> SchoolView | None:
        try:
            school = schools.get(estab)
            if school is None:
                return None
            return present_school(school, datasets.of_school(estab), config, now)
        except Exception as error:  # noqa: BLE001 - one unreadable school hides no other
            telemetry.report("school_not_shown", error, estab=estab)
            return None

    with ThreadPoolExecutor(_AT_ONCE, "school") as pool:
        shown = [view for view in pool.map(show, islice(_estabs(schools), limit)) if view]
    counts = {str(state): schools.count(state) for state in _ORDER}
    return FleetOverview(sorted(shown, key=_urgency), counts)


def is_troubled(school: SchoolView) -> bool:
    """Tell whether the school needs somebody, by its own state or by that of its data."""
    return school.attention.severity is Severity.TROUBLE


def _estabs(schools: SchoolRepository) -> Iterator[str]:
    for state in _ORDER:
        most = _MOST_UNPROVED if state is SchoolState.INVITED else None
        yield from islice(schools.in_state(state), most)


def _urgency(school: SchoolView) -> tuple[bool, int, str]:
    is_fine = school.state in {SchoolState.LIVE, SchoolState.ERASED} and not is_troubled(school)
    return is_fine, _ORDER.index(school.state), school.estab
