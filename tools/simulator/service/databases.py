"""Xporter's databases: how long each may be cached, and the table that a change affects."""

from dataclasses import dataclass

from tools.simulator.http.errors import ControlError


@dataclass(frozen=True)
class Database:
    """One database; ``table`` is where a change lands that names no table."""

    name: str
    ttl_minutes: int
    table: str
    is_parameterised: bool = False


DATABASES: dict[str, Database] = {
    database.name.lower(): database
    for database in (
        Database("XodSchoolData", 1440, "Students"),
        Database("XodAttendanceSummary", 1440, "AttendanceSummary"),
        Database("XodAssessmentTables", 1440, "Aspects"),
        Database("XodAttendanceForDate", 30, "Attendance", is_parameterised=True),
        Database("XodConductForToday", 30, "Conducts", is_parameterised=True),
        Database("XodConductPoints", 30, "ConductPoints"),
        Database("XodConductForDateRange", 720, "Conducts", is_parameterised=True),
        Database("XodAssessmentResults", 30, "AsmResults", is_parameterised=True),
        Database("XodEndpointInfo", 5, "Health"),
    )
}
# The recordings show that timetables have an extraction time of their own; the name of their
# database is not known, so that nobody can register a webhook for it.
_TIMETABLE = Database("XodTimetable", 1440, "TTRooms")


def database_named(name: str) -> Database:
    """Return the database; names are compared without case.

    Raises:
        ControlError: There is no such database.
    """
    if name.lower() == _TIMETABLE.name.lower():
        return _TIMETABLE
    try:
        return DATABASES[name.lower()]
    except KeyError:
        raise ControlError(f"no database {name!r}; known: {_known()}", 404) from None


def _known() -> str:
    return ", ".join(database.name for database in DATABASES.values())
