"""Which rows and columns of a school answer one query, as of one revision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING

from tools.simulator.school.odd_rows import OddRows, with_ids
from tools.simulator.school.optional_columns import EXTRAS, code_of, groups_of
from tools.simulator.school.revisioned_tables import Key, Row, Source
from tools.simulator.service.endpoints import Shape, visible_columns
from tools.simulator.service.queries import Query
from tools.simulator.service.scopes import covers

if TYPE_CHECKING:
    from tools.simulator.school.schools import School

Test = Callable[[Row], bool]

_COLUMN_OF = {
    "yeargroupid": "YearGroupId", "studentstatus": "StudentStatus", "staffstatus": "StaffStatus",
    "conductcategory": "Category", "conducttype": "Type", "attendancetype": "Type",
    "sessiontype": "Session", "incidentdate": "Date", "exclusiontype": "ExclusionTypeCode",
    "exclusionreason": "ExclusionReasonCode", "sentyperank": "Rank", "eventtype": "Type",
    "senprovision": "SENProvisionCode", "studentids": "StudentId", "students": "StudentId",
    "aspects": "AspectId", "resultsets": "ResultSetId", "categoryfilter": "categoryName",
}  # fmt: skip
_IDENTITIES = ("Id", "XID", "ExternalId", "IdaasId")
_DATED = ("AttendanceForDate", "AttendanceForDateRange", "Timetable")
_KINDS = {"Achievement": ".ach.", "Behaviour": ".beh."}


def _plain(value: object) -> str:
    text = str(value).lower().replace(" ", "")
    return text.removeprefix("pl-").removeprefix("pwt-")


class Selection:
    """One query at one revision, seen with one set of scopes."""

    def __init__(self, school: School, query: Query, scopes: frozenset[str], revision: int) -> None:
        self.school = school
        self.query = query
        self.scopes = scopes
        self.revision = revision
        self._odd_rows = dict(school.odd_rows)

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Every result table; those that were not asked for are sent empty."""
        return self.query.resource.shapes

    def source(self, shape: Shape) -> Source:
        """Return where the table's rows come from."""
        return self.school.tables.source(shape, self.query.days)

    def is_asked(self, shape: Shape) -> bool:
        """Tell whether options and scopes let the table be filled."""
        return (shape.option is None or shape.option in self.query.options) and covers(
            self.scopes, shape.scope
        )

    def columns(self, shape: Shape) -> tuple[str, ...]:
        """Return the columns that are sent."""
        return visible_columns(shape, self.scopes, self.query.options, self.query.select)

    def keys(self, shape: Shape) -> Sequence[Key]:
        """Return the keys of the rows that answer, in order."""
        if not self.is_asked(shape):
            return ()
        source = self.source(shape)
        keys = source.keys(self.revision)
        tests = self._tests(shape)
        if tests:
            rows = source.rows(keys, self.revision)
            keys = [
                key for key, row in zip(keys, rows, strict=True) if all(test(row) for test in tests)
            ]
        odd = self.odd_rows(shape)
        return odd.keys(keys) if odd else keys

    def odd_rows(self, shape: Shape) -> OddRows | None:
        """Return what is odd about the table's rows, if anything is."""
        return self._odd_rows.get(shape.name.lower())

    def holds(self, shape: Shape, key: Key) -> bool:
        """Tell whether the row ``key`` answers."""
        source = self.source(shape)
        if not self.is_asked(shape) or not source.visible(key, self.revision):
            return False
        tests = self._tests(shape)
        if not tests:
            return True
        row = source.row(key, self.revision)
        return all(test(row) for test in tests)

    def rows(self, shape: Shape, keys: Sequence[Key]) -> list[Row]:
        """Return the visible columns of rows, in the documented order."""
        columns = self.columns(shape)
        full = self.source(shape).rows(keys, self.revision)
        if odd := self.odd_rows(shape):
            every = self.source(shape).keys(self.revision)
            first = self.source(shape).rows(every[:1], self.revision)
            with_ids(full, keys, odd.ids(every, first[0]["Id"] if first else None))
        extras = [name for name in columns if (shape.name, name) in EXTRAS]
        for name in extras:
            compute = EXTRAS[shape.name, name]
            for key, row in zip(keys, full, strict=True):
                row[name] = compute(self.school, key, self.revision)
        if len(columns) == 1:
            return [{columns[0]: row.get(columns[0])} for row in full]
        choose = itemgetter(*columns)
        return [dict(zip(columns, choose(row), strict=True)) for row in full]

    def sent(self, shape: Shape, keys: Sequence[Key]) -> Sequence[Row]:
        """Return rows as a reply has them: spelt and typed as a real account's, if one is known."""
        return self.school.likeness.rows(shape.name, self.rows(shape, keys))

    def _tests(self, shape: Shape) -> list[Test]:
        is_main = shape is self.shapes[0]
        tests = [*self._option_tests(shape), *self._since_tests(shape)]
        if is_main or self.query.resource.link is None:
            return tests + self._filter_tests(shape, is_main=is_main)
        if self._linked_ids is not None and self.query.resource.link in shape.names:
            link, wanted = self.query.resource.link, self._linked_ids
            tests.append(lambda row: _plain(row[link]) in wanted)
        return tests

    @cached_property
    def _linked_ids(self) -> frozenset[str] | None:
        """Ids of the main table when it is filtered: side tables follow it."""
        main = self.shapes[0]
        if not self._filter_tests(main, is_main=True):
            return None
        rows = self.source(main).rows(self.keys(main), self.revision)
        return frozenset(_plain(row["Id"]) for row in rows)

    def _filter_tests(self, shape: Shape, *, is_main: bool) -> list[Test]:
        names = {name.lower(): name for name in shape.names}
        tests: list[Test] = []
        for parameter, value in self.query.filters:
            column = _COLUMN_OF.get(parameter, names.get(parameter))
            if column in names.values():
                tests.append(_one_of(str(column), value))
        if self.query.record_id and is_main and not self._is_by_person():
            tests.append(_identified(self.query.record_id))
        elif self.query.record_id and "StudentId" in names.values() and self._is_by_person():
            tests.append(_one_of("StudentId", self.query.record_id))
        return tests + self._timetable_tests() + self._day_tests(shape)

    def _timetable_tests(self) -> list[Test]:
        """Return what picks one pupil's or teacher's lessons."""
        name, identity = self.query.resource.name, self.query.record_id
        if not name.startswith("TimetableFor") or identity is None:
            return []
        if name == "TimetableForStaff":
            code = code_of(self.school.profile, identity)
            return [lambda row: bool(row["StaffCodes"] == code)]
        groups = groups_of(self.school, identity, self.revision)
        return [lambda row: row["ClassId"] in groups]

    def _is_by_person(self) -> bool:
        return self.query.resource.name.startswith(("AttendanceFor", "TimetableFor"))

    def _day_tests(self, shape: Shape) -> list[Test]:
        name = next((name for name in ("Date", "StartDate") if name in shape.names), None)
        if self.query.resource.name.endswith("ForToday") and name:
            today = self.school.profile.today.isoformat()
            return [lambda row: bool(row["Date"] == today)]
        if self.query.days is None or name is None or self.query.resource.name in _DATED:
            return []
        first, final = (day.isoformat() for day in self.query.days)
        return [lambda row: first <= str(row[name])[:10] <= final]

    def _since_tests(self, shape: Shape) -> list[Test]:
        since = self.query.updated_since
        if since is None or "LastUpdated" not in shape.names:
            return []
        return [lambda row: bool(row["LastUpdated"] > since)]

    def _option_tests(self, shape: Shape) -> list[Test]:
        options = self.query.options
        tests: list[Test] = []
        if "teachersonly" in options and shape.name == "Staff":
            tests.append(lambda row: bool(row["IsTeacher"]))
        if "excludenomarks" in options and "Mark" in shape.names:
            tests.append(lambda row: bool(row["Mark"] != "-"))
        if "excludeclosed" in options and "Mark" in shape.names:
            tests.append(lambda row: bool(row["Mark"] != "#"))
        for prefix, kind in _KINDS.items():
            if self.query.resource.name.startswith(f"{prefix}For"):
                tests.append(_of_kind(kind))
        return tests


def _of_kind(kind: str) -> Test:
    """Return a test for Achievements or Behaviour: their ids name the kind."""
    return lambda row: kind in f".{row.get('ConductId') or row['Id']}.".lower()


def _one_of(column: str, value: str) -> Test:
    wanted = {_plain(part) for part in value.replace("|", ",").split(",")}
    return lambda row: _plain(row[column]) in wanted


def _identified(value: str) -> Test:
    wanted = {part.strip().lower() for part in value.split(",")}
    return lambda row: any(str(row.get(name)).lower() in wanted for name in _IDENTITIES)
