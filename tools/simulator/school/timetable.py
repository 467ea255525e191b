"""Lessons: each period of a day, every set of every year has one."""

from datetime import date

from tools.simulator.school.attendance import LESSONS_A_DAY, lesson_instance, subject_at
from tools.simulator.school.groups import Group, teacher_of, teaching_group
from tools.simulator.school.people import staff_code, staff_id
from tools.simulator.school.profiles import Profile
from tools.simulator.school.revisioned_tables import Row

_STARTS = ("09:00", "10:00", "11:20", "13:10", "14:10")
_ENDS = ("10:00", "11:00", "12:20", "14:10", "15:10")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
ROOMS = 40


def sets(profile: Profile) -> int:
    """Return how many lessons run at the same time."""
    return len(profile.years) * profile.classes


def group_in(profile: Profile, key: tuple[int, int, int]) -> Group:
    """Return the teaching group of a lesson."""
    ordinal, period, place = key
    year, which = divmod(place, profile.classes)
    return teaching_group(profile, year, subject_at(profile, ordinal, period), which)


def _lesson_id(profile: Profile, key: tuple[int, int, int]) -> str:
    ordinal, period, place = key
    number = (ordinal % 1_000_000 * LESSONS_A_DAY + period) * sets(profile) + place
    return str(number)


def lesson_row(profile: Profile, key: tuple[int, int, int], version: int, stamp: str | None) -> Row:
    """Return a lesson, with the columns of Timetable and of TimetableForStudent or Staff."""
    del version, stamp
    ordinal, period, place = key
    group = group_in(profile, key)
    day = date.fromordinal(ordinal)
    code, subject = profile.subjects[group.subject]
    identity = _lesson_id(profile, key)
    return {
        "Id": identity,
        "LessonId": identity,
        "PeriodId": lesson_instance(ordinal, period, group.number),
        "ClassId": group.identity,
        "JoinedId": None,
        "ClassName": group.name,
        "Period": f"{_DAYS[day.weekday()]}:{period + 1}",
        "Date": f"{day.isoformat()}T00:00:00",
        "StartDateTime": f"{day.isoformat()}T{_STARTS[period]}:00",
        "EndDateTime": f"{day.isoformat()}T{_ENDS[period]}:00",
        "StaffCodes": staff_code(profile, teacher_of(profile, group)),
        "RoomCodes": f"R{place % ROOMS + 1}",
        "SubjectCode": code,
        "SubjectName": subject,
    }


def lesson_staff_row(
    profile: Profile, key: tuple[int, int, int], version: int, stamp: str | None
) -> Row:
    """Return who teaches a lesson."""
    del version, stamp
    teacher = teacher_of(profile, group_in(profile, key))
    identity = _lesson_id(profile, key)
    return {
        "Id": f"{identity}.{staff_id(teacher)}",
        "LessonId": identity,
        "StaffId": staff_id(teacher),
        "StaffCode": staff_code(profile, teacher),
    }


def lesson_room_row(
    profile: Profile, key: tuple[int, int, int], version: int, stamp: str | None
) -> Row:
    """Return where a lesson is."""
    del version, stamp
    identity = _lesson_id(profile, key)
    room = key[2] % ROOMS + 1
    return {
        "Id": f"{identity}.{room}",
        "LessonId": identity,
        "RoomId": str(room),
        "Code": f"R{room}",
    }
