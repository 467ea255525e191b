"""Columns that only an option requests, computed when it does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from tools.simulator.school import attendance, groups, people
from tools.simulator.school.profiles import Profile
from tools.simulator.school.seeded_random import draw, guid, photo, xid

if TYPE_CHECKING:
    from tools.simulator.school.schools import School

Extra = Callable[["School", Any, int], Any]


def _csv(values: Iterable[str]) -> str:
    return ",".join(values)


def _groups_of_student(school: School, n: int, revision: int) -> list[groups.Group]:
    count = groups.slots(school.profile)
    rows = school.tables.members.rows(range(n * count, (n + 1) * count), revision)
    return [groups.group_at(school.profile, int(row["GroupId"]) - 30) for row in rows]


def groups_of(school: School, identity: str, revision: int) -> frozenset[str]:
    """Return the ids of the groups of a pupil, given any form of the MIS id."""
    student = people.student_number(identity)
    if student is None or not school.tables.students.visible(student, revision):
        return frozenset()
    return frozenset(group.identity for group in _groups_of_student(school, student, revision))


def code_of(profile: Profile, identity: str) -> str | None:
    """Return the staff code of a member of staff, given the MIS id."""
    digits = identity.removeprefix("PWT-")
    return people.staff_code(profile, int(digits) - 1) if digits.isdecimal() else None


def _groups_of_teacher(school: School, n: int) -> list[groups.Group]:
    every = (groups.group_at(school.profile, g) for g in range(groups.group_count(school.profile)))
    return [group for group in every if groups.teacher_of(school.profile, group) == n]


def _students_of(school: School, n: int, revision: int) -> list[int]:
    group = groups.group_at(school.profile, n)
    count = groups.slots(school.profile)
    slot = (0, 2, 1, 3 + group.subject)[group.kind]
    members = school.tables.members
    return [
        student
        for student in school.tables.students.keys(revision)
        if members.row(student * count + slot, revision)["GroupId"] == group.identity
    ]


def _teacher(school: School, n: int) -> int:
    return groups.teacher_of(school.profile, groups.group_at(school.profile, n))


def _subject(school: School, n: int) -> tuple[str | None, str | None, str | None]:
    group = groups.group_at(school.profile, n)
    if group.kind != 3:
        return None, None, None
    code, name = school.profile.subjects[group.subject]
    return str(100 + group.subject), code, name


def _statistic(name: str) -> Extra:
    return lambda school, n, _: attendance.statistics(school.profile, n, 0)[name]


def _parents(n: int) -> tuple[int, int]:
    return people.family(n) * 2, people.family(n) * 2 + 1


def _children(school: School, contact: int, revision: int) -> list[int]:
    """Return the pupils of a contact's family who are at the school."""
    students = school.tables.students
    return [n for n in people.members(contact // 2) if students.visible(n, revision)]


EXTRAS: dict[tuple[str, str], Extra] = {
    ("Students", "GroupIds"): lambda s, n, r: _csv(g.identity for g in _groups_of_student(s, n, r)),
    ("Students", "GroupIdaasIds"): lambda s, n, r: _csv(
        g.idaas for g in _groups_of_student(s, n, r)
    ),
    ("Students", "GroupXIDs"): lambda s, n, r: _csv(
        xid(4, g.number) for g in _groups_of_student(s, n, r)
    ),
    ("Students", "ParentIdaasIds"): lambda _s, n, _r: _csv(
        f"PC-{people.contact_id(c)}" for c in _parents(n)
    ),
    ("Students", "ParentXIDs"): lambda _s, n, _r: _csv(xid(2, c) for c in _parents(n)),
    ("Students", "StudentSiblingIds"): lambda _s, n, _r: (
        people.student_id(people.sibling(n) or 0) if people.sibling(n) is not None else None
    ),
    ("Students", "AttMarksStartDate"): lambda s, _n, _r: s.profile.year_start.isoformat(),
    ("Students", "AttMarksEndDate"): lambda s, _n, _r: s.profile.today.isoformat(),
    ("Students", "Marks"): lambda s, n, _r: attendance.mark_string(s.profile, n, 0),
    ("Staff", "GroupIds"): lambda s, n, _r: _csv(g.identity for g in _groups_of_teacher(s, n)),
    ("Staff", "GroupIdaasIds"): lambda s, n, _r: _csv(g.idaas for g in _groups_of_teacher(s, n)),
    ("Staff", "GroupXIDs"): lambda s, n, _r: _csv(
        xid(4, g.number) for g in _groups_of_teacher(s, n)
    ),
    ("Group", "StudentIds"): lambda s, n, r: _csv(map(people.student_id, _students_of(s, n, r))),
    ("Group", "StudentIdaasIds"): lambda s, n, r: _csv(
        f"PL-{people.student_id(m)}" for m in _students_of(s, n, r)
    ),
    ("Group", "StudentXIDs"): lambda s, n, r: _csv(xid(0, m) for m in _students_of(s, n, r)),
    ("Group", "StaffIds"): lambda s, n, _r: people.staff_id(_teacher(s, n)),
    ("Group", "StaffIdaasIds"): lambda s, n, _r: f"PWT-{people.staff_id(_teacher(s, n))}",
    ("Group", "StaffXIDs"): lambda s, n, _r: xid(1, _teacher(s, n)),
    ("Group", "SubjectLocalId"): lambda s, n, _r: _subject(s, n)[0],
    ("Group", "SubjectCode"): lambda s, n, _r: _subject(s, n)[1],
    ("Group", "SubjectName"): lambda s, n, _r: _subject(s, n)[2],
    ("Contacts", "ChildIdaasIds"): lambda s, n, r: _csv(
        f"PL-{people.student_id(child)}" for child in _children(s, n, r)
    ),
    ("Contacts", "ChildXids"): lambda s, n, r: _csv(xid(0, child) for child in _children(s, n, r)),
    ("Students", "Photo"): lambda s, n, _r: photo(draw(s.profile.key, b"pupil", n)),
    ("Staff", "Photo"): lambda s, n, _r: photo(draw(s.profile.key, b"teacher", n)),
    ("Attendance", "ExternalId"): lambda s, key, _r: guid(draw(s.profile.key, b"pupil", key[2])),
    **{
        ("Students", name): _statistic(name)
        for name in (
            "AttStatsStartDate", "AttStatsEndDate", "NumPossMarks", "NumPresMarks", "NumAEAMarks",
            "NumAuthAbsMarks", "NumUnauthAbsMarks", "NumMissMarks", "NumLateMarks",
            "NumLateBeforeRegMarks",
        )
    },
}  # fmt: skip
