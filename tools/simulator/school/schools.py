"""The schools that the simulated Xporter serves: their secrets, scopes, webhooks and state."""

import itertools
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from tools.simulator.http.errors import ControlError, not_found
from tools.simulator.school.likeness import Likeness
from tools.simulator.school.odd_rows import OddRows
from tools.simulator.school.profiles import Profile
from tools.simulator.school.revisioned_tables import Entry, Key, Ledger, Row
from tools.simulator.school.seeded_random import naive
from tools.simulator.school.tables import Tables
from tools.simulator.service.databases import DATABASES
from tools.simulator.service.page_cache import PageCache
from tools.simulator.service.scopes import USUAL

_serials = itertools.count(1)
_TIMETABLE_LATER = timedelta(minutes=3, seconds=46, milliseconds=202)


@dataclass
class Registration:
    """One webhook; unique per relying party, school and database."""

    url: str
    database: str
    relying_party: str
    method: str
    registered_at: datetime


@dataclass
class Written:
    """A record in the MIS that a writeback wrote, and how often it was written."""

    kind: str
    id: str
    times: int = 0
    content: Row = field(default_factory=dict)


@dataclass
class School:
    """One school: its facts, its tables, and its state towards the relying party."""

    profile: Profile
    scopes: tuple[str, ...] = USUAL
    template_scopes: tuple[str, ...] = USUAL
    secret: str = ""
    generation: int = 0
    is_paused: bool = False
    is_revoked: bool = False
    is_installed: bool = True
    #: The number under which new tokens know the school, if it has another one now.
    new_estab: str = ""
    revision: int = 0
    school_years_on: int = 0
    registrations: dict[tuple[str, str], Registration] = field(default_factory=dict)
    unannounced: set[str] = field(default_factory=set)
    written: dict[str, Written] = field(default_factory=dict)
    odd_rows: dict[str, OddRows] = field(default_factory=dict)
    requests_served: int = 0
    pages: PageCache = field(default_factory=PageCache)
    likeness: Likeness = field(default_factory=Likeness)

    def __post_init__(self) -> None:
        self.secret = self.secret or self.profile.first_secret
        self.serial = next(_serials)
        first = self.profile.extracted_at
        self._extracted: dict[str, list[tuple[int, datetime]]] = {
            database.name: [(0, first)] for database in DATABASES.values()
        }
        self._extracted["XodTimetable"] = [(0, first + _TIMETABLE_LATER)]

    @cached_property
    def tables(self) -> Tables:
        """The school's tables; a school that nobody asks for costs next to nothing."""
        return Tables(self.profile)

    @property
    def estab(self) -> str:
        """The establishment number."""
        return self.profile.estab

    def extracted_at(self, database: str, revision: int) -> datetime:
        """Return when the data of ``database`` were taken from the MIS, as of ``revision``."""
        runs = self._extracted[database]
        return runs[bisect_right(runs, revision, key=lambda run: run[0]) - 1][1]

    def collect(self, database: str) -> None:
        """Note that ``database`` has just been read from the MIS."""
        self._extracted[database].append((self.revision, datetime.now(UTC)))
        self.unannounced.add(database)

    def next_revision(self) -> int:
        """Begin a change of the school's data and return its number."""
        self.revision += 1
        return self.revision

    def stamp(self) -> str:
        """Return the present time as LastUpdated shows it."""
        return naive(datetime.now(UTC))

    def touch(self, ledger: Ledger, key: Key, overlay: Row | None = None) -> None:
        """Record a new version of one row at the current revision."""
        before = ledger.at(key, self.revision)
        merged = {**(before.overlay or {}), **(overlay or {})} or None
        ledger.record(key, Entry(self.revision, self.stamp(), before.version + 1, True, merged))

    def remove(self, ledger: Ledger, key: Key) -> None:
        """Record at the current revision that a row is gone."""
        before = ledger.at(key, self.revision)
        ledger.record(
            key, Entry(self.revision, self.stamp(), before.version + 1, False, before.overlay)
        )

    def reauthorise(self) -> str:
        """Issue a new secret; the old one stops working."""
        self.generation += 1
        self.secret = self.profile.secret(self.generation)
        return self.secret

    def describe(self) -> dict[str, Any]:
        """Return the school for a test; in control calls only, because it includes the secret."""
        return {
            "estab": self.estab,
            "name": self.profile.name,
            "seed": self.profile.seed,
            "students": self.profile.students,
            "phase": self.profile.phase,
            "secret": self.secret,
            "scopes": list(self.scopes),
            "template_scopes": list(self.template_scopes),
            "paused": self.is_paused,
            "revoked": self.is_revoked,
            "installed": self.is_installed,
            "new_estab": self.new_estab,
            "revision": self.revision,
            "odd_rows": {table: asdict(odd) for table, odd in self.odd_rows.items()},
            "webhooks": [
                {"database": each.database, "url": each.url, "relying_party": each.relying_party}
                for each in self.registrations.values()
            ],
        }


class Schools:
    """All schools by estab."""

    def __init__(self) -> None:
        self._by_estab: dict[str, School] = {}

    def __iter__(self) -> Iterator[School]:
        return iter(self._by_estab.values())

    def add(self, school: School) -> None:
        """Add a school, in place of any other with its estab."""
        self._by_estab[school.estab] = school

    def find(self, estab: str) -> School | None:
        """Return the school, if there is one."""
        return self._by_estab.get(estab)

    def get(self, estab: str) -> School:
        """Return the school for a control call."""
        school = self.find(estab)
        if school is None:
            raise ControlError(f"no school {estab!r}", 404)
        return school

    def asked_for(self, estab: str) -> School:
        """Return the school for a call of the API.

        Raises:
            XporterError: There is no such school.
        """
        school = self.find(estab)
        if school is None:
            raise not_found(f"Establishment {estab} not found")
        return school

    def clear(self) -> None:
        """Forget all schools."""
        self._by_estab.clear()
