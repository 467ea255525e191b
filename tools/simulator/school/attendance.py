"""Attendance: marks of sessions and lessons, their codes, and the summaries of a school year."""

from datetime import date, timedelta
from functools import lru_cache

from tools.simulator.school.groups import group_of
from tools.simulator.school.people import student_id
from tools.simulator.school.profiles import Profile
from tools.simulator.school.revisioned_tables import Row
from tools.simulator.school.seeded_random import draw, guid, number, xid

SESSIONS = ("AM", "PM")
LESSONS_A_DAY = 5
_EPOCH = date(2000, 1, 3).toordinal()

CODES = (
    ("/", "Present (AM)", "Present", "Present", "IN"),
    ("\\", "Present (PM)", "Present", "Present", "IN"),
    ("L", "Late (before registers closed)", "Present", "Present", "LBR"),
    ("B", "Educated off site", "Approved Educational Activity", "AEA", "OUT"),
    ("C", "Other authorised circumstances", "Authorised Absence", "Authorised", "OUT"),
    ("E", "Excluded", "Authorised Absence", "Authorised", "OUT"),
    ("G", "Family holiday (not agreed)", "Unauthorised Absence", "Unauthorised", "OUT"),
    ("I", "Illness", "Authorised Absence", "Authorised", "OUT"),
    ("M", "Medical/Dental appointments", "Authorised Absence", "Authorised", "OUT"),
    ("N", "No reason yet provided", "Unauthorised Absence", "Unauthorised", "OUT"),
    ("O", "Unauthorised absence", "Unauthorised Absence", "Unauthorised", "OUT"),
    ("U", "Late (after registers closed)", "Unauthorised Absence", "Late", "UAC"),
    ("V", "Educational visit or trip", "Approved Educational Activity", "AEA", "OUT"),
    ("#", "Planned whole or partial school closure", "Attendance not required", "Closed", "OUT"),
    ("-", "All should attend / no mark recorded", "No mark", "Missing", "OUT"),
)
MARKS = frozenset(code[0] for code in CODES)
_ABSENT = "IIIIMMOONCLLLVBU"


@lru_cache(maxsize=4096)
def _day(profile: Profile, ordinal: int) -> tuple[str, str]:
    """Return the date as text, and the mark of a day without registers (or none)."""
    day = date.fromordinal(ordinal)
    if not profile.is_open(day):
        return day.isoformat(), "#"
    return day.isoformat(), "-" if day > profile.today else ""


def mark_of(profile: Profile, ordinal: int, slot: int, n: int) -> str:
    """Return the mark that the register holds before any change."""
    fixed = _day(profile, ordinal)[1]
    if fixed:
        return fixed
    chance = hash((ordinal * 16 + slot, n * 7919 + profile.seed)) & 0xFFFF
    if chance >= 4096:
        return "\\" if slot == 1 or slot > 4 else "/"
    return _ABSENT[chance & 15]


def session_row(
    profile: Profile, key: tuple[int, int, int], version: int, stamp: str | None
) -> Row:
    """Return one row of AttendanceForDateRange."""
    del version, stamp  # a mark carries neither hash nor date of change
    ordinal, slot, n = key
    day = _day(profile, ordinal)[0]
    identity = student_id(n)
    session = SESSIONS[slot]
    return {
        "Date": day,
        "Id": f"{identity}.{day}.{session}",
        "Mark": mark_of(profile, ordinal, slot, n),
        "Session": session,
        "StudentId": identity,
        "Type": "S",
    }


def lesson_instance(ordinal: int, period: int, group: int) -> str:
    """Return the PeriodId of a lesson, which lesson marks name as InstanceId."""
    place = ((ordinal - _EPOCH) * LESSONS_A_DAY + period) * 4096 + group
    return str(40_000 + place)


def lesson_at(instance: str) -> tuple[int, int, int] | None:
    """Return day, period and group number of an InstanceId, or None when it is no such id."""
    if not instance.isdecimal() or int(instance) < 40_000:
        return None
    rest, group = divmod(int(instance) - 40_000, 4096)
    day, period = divmod(rest, LESSONS_A_DAY)
    return _EPOCH + day, period, group


def subject_at(profile: Profile, ordinal: int, period: int) -> int:
    """Return the subject that a year group has in a period; it rotates over the week."""
    return (ordinal * LESSONS_A_DAY + period) % len(profile.subjects)


def mark_row(profile: Profile, key: tuple[int, int, int], version: int, stamp: str | None) -> Row:
    """Return one row of AttendanceForDate: slots 0 and 1 are sessions, the others lessons."""
    ordinal, slot, n = key
    if slot < len(SESSIONS):
        kept = session_row(profile, key, version, stamp)
        instance = f"{ordinal - _EPOCH}{slot}"
    else:
        period = slot - len(SESSIONS)
        group = group_of(profile, n, 3 + subject_at(profile, ordinal, period))
        instance = lesson_instance(ordinal, period, group.number)
        day, identity = _day(profile, ordinal)[0], student_id(n)
        kept = {
            "Id": f"{identity}.{day}.{instance}",
            "Date": day,
            "StudentId": identity,
            "Mark": mark_of(profile, ordinal, slot, n),
            "Type": "L",
            "Session": "AM" if period < 3 else "PM",
        }
    return {
        **kept,
        "InstanceId": instance,
        "MinsLate": 5 if kept["Mark"] == "L" else 0,
        "Notes": None,
    }


def code_row(profile: Profile, n: int, version: int, stamp: str | None) -> Row:
    """Return one attendance code."""
    del profile, stamp
    mark, text, meaning, short, physical = CODES[n]
    return {
        "Id": str(n + 1),
        "Mark": mark,
        "Description": f"{text} ({version})" if version else text,
        "MeaningDescription": meaning,
        "ShortMeaningDescription": short,
        "PhysicalMeaning": physical,
    }


def statistics(profile: Profile, n: int, version: int) -> Row:
    """Return the counts of a pupil's year so far; they add up."""
    drawn = draw(profile.key, b"AttendanceSummary", n, version)
    possible = max(2, 2 * ((profile.today - profile.year_start).days * 5 // 7)) + version
    absent = min(possible, number(drawn, 0) % 20)
    authorised = absent * 2 // 3
    missing = min(possible - absent, drawn[2] % 4)
    return {
        "AttStatsStartDate": profile.year_start.isoformat(),
        "AttStatsEndDate": (profile.today - timedelta(days=1)).isoformat(),
        "NumPossMarks": possible,
        "NumPresMarks": possible - absent - missing,
        "NumAEAMarks": drawn[3] % 3,
        "NumAuthAbsMarks": authorised,
        "NumUnauthAbsMarks": absent - authorised,
        "NumMissMarks": missing,
        "NumLateMarks": drawn[4] % 5,
        "NumLateBeforeRegMarks": drawn[5] % 4,
    }


def mark_string(profile: Profile, n: int, version: int) -> str:
    """Return a year's session marks as one string."""
    counts = statistics(profile, n, version)
    absent = "I" * int(counts["NumAuthAbsMarks"]) + "O" * int(counts["NumUnauthAbsMarks"])
    return absent + "/\\" * ((int(counts["NumPossMarks"]) - len(absent)) // 2)


def summary_row(profile: Profile, n: int, version: int, stamp: str | None) -> Row:
    """Return one row of AttendanceSummary."""
    del stamp
    identity = student_id(n)
    return {
        "Id": identity,
        "XID": xid(0, n),
        "MIS_ID": identity,
        "IdaasId": f"PL-{identity}",
        **statistics(profile, n, version),
        "Marks": mark_string(profile, n, version),
    }


def history_row(profile: Profile, n: int, version: int, stamp: str | None) -> Row:
    """Return one row of HistoricalAttendanceSummary: last school year."""
    del stamp
    start = date(profile.year_start.year - 1, 9, 1)
    return {
        "Id": guid(draw(profile.key, b"pupil", n)),
        "StudentId": student_id(n),
        "SchoolYear": str(start.year),
        "StartDate": start.isoformat(),
        "EndDate": date(start.year + 1, 7, 21).isoformat(),
        "Marks": mark_string(profile, n, version + 1),
    }
