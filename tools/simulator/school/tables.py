"""The rows behind each result table of each resource."""

from datetime import date, timedelta

from tools.simulator.school import attendance, conduct, groups, people, staff, timetable
from tools.simulator.school import contacts_and_calendar as comms
from tools.simulator.school.generated_rows import builder, is_per_student
from tools.simulator.school.profiles import Profile
from tools.simulator.school.revisioned_tables import (
    Build,
    DependentSource,
    Key,
    Ledger,
    Row,
    Source,
    every,
    per_parent,
)
from tools.simulator.school.students import student_row
from tools.simulator.school.tables_by_day import DatedSource
from tools.simulator.service.endpoints import RESOURCES, Shape

_DEFAULT_ROWS = 12
_PER_STUDENT_STEP = 8
Days = tuple[date, date]


class Tables:
    """All tables of one school; every change is recorded in one of their ledgers."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.students = Source(profile, student_row, profile.students)
        self.staff = Source(profile, staff.staff_row, profile.staff)
        self.groups = self._static(groups.group_row, groups.group_count(profile))
        self.contacts = DependentSource(profile, people.contact_row, self.students, people.CONTACTS)
        self.members = DependentSource(
            profile, groups.student_member_row, self.students, per_parent(groups.slots(profile))
        )
        self.incidents = Source(
            profile, conduct.conduct_row, profile.rows.get("Conducts", profile.students * 2)
        )
        self.participants = conduct.ParticipantSource(profile, self.incidents)
        self.marks = Ledger(None)
        self._lessons = Source(profile, _lesson, timetable.sets(profile))
        self._by_table = self._named()
        self._views: dict[int, tuple[Source, Source]] = {}

    def _named(self) -> dict[tuple[str, str], Source]:
        named: dict[tuple[str, str], Source] = {}
        for resource in RESOURCES.values():
            for shape in resource.shapes:
                named[shape.resource, shape.name] = self._generic(shape)
        named.update(self._school_tables())
        named.update(self._people_tables())
        named.update(self._conduct_tables())
        return named

    def _generic(self, shape: Shape) -> Source:
        asked = self.profile.rows.get(shape.name)
        if asked is None and is_per_student(shape):
            build = builder(shape, _PER_STUDENT_STEP)
            return DependentSource(self.profile, build, self.students, every(_PER_STUDENT_STEP))
        return Source(self.profile, builder(shape, 0), asked or _DEFAULT_ROWS)

    def _static(self, build: Build, rows: int) -> Source:
        source = Source(self.profile, build, rows)
        source.can_grow = False
        return source

    def _school_tables(self) -> dict[tuple[str, str], Source]:
        counted = {"Students": self.students, "Staff": self.staff, "Contacts": self.contacts}
        events = comms.calendar_size(self.profile)
        calendar = Source(self.profile, comms.calendar_row, events)
        staff_members = DependentSource(
            self.profile, groups.staff_member_row, self.groups, per_parent(1)
        )
        return {
            ("SchoolInfo", "SchoolInfo"): self._static(staff.school_row, 1),
            ("Groups", "Group"): self.groups,
            ("Groups", "GroupTypes"): self._static(groups.group_type_row, len(groups.TYPES)),
            ("Groups", "StaffMembers"): staff_members,
            ("Groups", "StudentMembers"): self.members,
            ("Counts", "counts"): comms.CountsSource(self.profile, counted),
            ("Calendar", "SchoolCalendar"): calendar,
            ("AttendanceCodes", "AttendCodes"): self._static(
                attendance.code_row, len(attendance.CODES)
            ),
        }

    def _people_tables(self) -> dict[tuple[str, str], Source]:
        profile, students = self.profile, self.students
        links = DependentSource(profile, people.student_contact_row, students, per_parent(2))
        siblings = DependentSource(profile, people.sibling_row, students, people.SIBLINGS)
        summary = DependentSource(profile, attendance.summary_row, students, per_parent(1))
        history = DependentSource(profile, attendance.history_row, students, per_parent(1))
        ways = [
            DependentSource(profile, comms.student_comms_row, students, per_parent(1)),
            DependentSource(profile, comms.contact_comms_row, self.contacts, per_parent(3)),
            DependentSource(profile, comms.staff_comms_row, self.staff, per_parent(1)),
        ]
        return {
            ("Students", "Students"): students,
            ("Students", "StudentSiblings"): siblings,
            ("Staff", "Staff"): self.staff,
            ("Contacts", "Contacts"): self.contacts,
            ("StudentContacts", "StudentContact"): links,
            ("PersonComms", "PersonComms"): comms.JoinedSource(profile, ways),
            ("AttendanceSummary", "AttendanceSummary"): summary,
            ("HistoricalAttendanceSummary", "HistoricalAttendanceSummary"): history,
        }

    def _conduct_tables(self) -> dict[tuple[str, str], Source]:
        witnesses = DependentSource(
            self.profile, conduct.witness_row, self.incidents, per_parent(1)
        )
        single = View(self.incidents, conduct.single_kind_row)
        named: dict[tuple[str, str], Source] = {
            ("ConductLookups", "ConductTypes"): self._static(conduct.type_row, len(conduct.TYPES)),
            ("ConductLookups", "ConductLookups"): self._static(
                conduct.lookup_row, len(conduct.LOOKUPS)
            ),
        }
        views = (
            ("Conduct", "Conducts"),
            ("Achievement", "Achievements"),
            ("Behaviour", "Behaviour"),
        )
        for name, table in views:
            for when in ("ForToday", "ForDateRange"):
                main = self.incidents if table == "Conducts" else single
                named[name + when, table] = main
                named[name + when, f"Student{table}"] = self.participants
                named[name + when, f"Staff{table}"] = witnesses
        return named

    def source(self, shape: Shape, days: Days | None) -> Source:
        """Return the table for the days asked for; without days, for the usual ones."""
        if shape.resource in ("AttendanceForDate", "AttendanceForDateRange"):
            one_day = shape.resource == "AttendanceForDate"
            build: Build = attendance.mark_row if one_day else attendance.session_row
            slots = 2 + attendance.LESSONS_A_DAY if one_day else 2
            window = days or (self.profile.today, self.profile.today)
            return DatedSource(self.profile, build, self.marks, self.students, slots, window)
        if shape.name in _LESSONS and shape.resource in _TIMETABLES:
            window = days or _timetable_days(self.profile.today)
            lesson = _LESSONS[shape.name]
            slots = attendance.LESSONS_A_DAY
            return DatedSource(self.profile, lesson, Ledger(None), self._lessons, slots, window)
        return self._by_table[shape.resource, shape.name]


class View(Source):
    """Another table's rows with other columns; it has no history of its own."""

    is_composed = True

    def __init__(self, viewed: Source, build: Build) -> None:
        super().__init__(viewed.profile, build, base=None)
        self.ledger = viewed.ledger


_LESSONS: dict[str, Build] = {
    "Lessons": timetable.lesson_row,
    "Timetable": timetable.lesson_row,
    "LessonStaff": timetable.lesson_staff_row,
    "LessonRooms": timetable.lesson_room_row,
}
_TIMETABLES = ("Timetable", "TimetableForStudent", "TimetableForStaff")


def _timetable_days(today: date) -> Days:
    return today - timedelta(days=7), today + timedelta(days=14)


def _lesson(profile: Profile, key: Key, version: int, stamp: str | None) -> Row:
    raise NotImplementedError((profile.estab, key, version, stamp))
