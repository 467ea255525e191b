"""Attendance written back: refusals at once, refusals in the end, and the marks in the MIS."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from tools.simulator.http.errors import bad_argument
from tools.simulator.school.attendance import MARKS, SESSIONS, lesson_at
from tools.simulator.school.people import student_id, student_number
from tools.simulator.school.schools import School, Written

NOTE_LIMIT = 500


class WritebackFailedError(Exception):
    """A write that the MIS refuses after the request was accepted (tier 2)."""


def read_marks(school: School, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the marks of a request that may be accepted (tier 1).

    Raises:
        XporterError: One mark is wrong, or they are of several dates.
    """
    marks = body.get("Marks")
    if not isinstance(marks, list) or not marks or not all(isinstance(m, dict) for m in marks):
        raise bad_argument("Marks must be a list of marks")
    for mark in marks:
        _check(school, mark)
    if len({mark["Date"] for mark in marks}) > 1:
        raise bad_argument("All marks of one request must have the same Date")
    return marks


def _check(school: School, mark: dict[str, Any]) -> None:
    student = student_number(str(mark.get("StudentId", "")))
    if student is None or not school.tables.students.visible(student, school.revision):
        raise bad_argument(f"StudentId {mark.get('StudentId')!r} not found")
    if mark.get("Mark") not in MARKS:
        raise bad_argument(f"Mark {mark.get('Mark')!r} is not a valid attendance code")
    if len(str(mark.get("Notes") or "")) > NOTE_LIMIT:
        raise bad_argument(f"Notes must not be longer than {NOTE_LIMIT} characters")
    if not isinstance(mark.get("Mins", 0), int):
        raise bad_argument("Mins must be a number")
    _check_place(mark)


def _check_place(mark: dict[str, Any]) -> None:
    try:
        date.fromisoformat(str(mark.get("Date")))
    except ValueError as error:
        raise bad_argument("Date must be yyyy-MM-dd") from error
    kind = mark.get("MarkType")
    if kind == "S" and mark.get("Session") not in SESSIONS:
        raise bad_argument("Session must be AM or PM")
    if kind == "L" and not mark.get("InstanceId"):
        raise bad_argument("InstanceId is mandatory for lesson marks")
    if kind not in ("S", "L"):
        raise bad_argument("MarkType must be S or L")


def write_marks(school: School, marks: Iterable[dict[str, Any]]) -> None:
    """Write all marks into the MIS, or none.

    Raises:
        WritebackFailedError: The school is closed that day, or a lesson does not exist (tier 2).
    """
    placed = [(_place(school, mark), mark) for mark in marks]
    school.next_revision()
    for (key, identity), mark in placed:
        overlay = {
            "Mark": mark["Mark"],
            "MinsLate": mark.get("Mins", 0),
            "Notes": mark.get("Notes"),
        }
        school.touch(school.tables.marks, key, overlay)
        written = school.written.setdefault(identity, Written("mark", identity))
        written.times += 1
        written.content = overlay
    school.collect("XodAttendanceForDate")


def correct_marks(school: School, marks: Iterable[dict[str, Any]], code: str) -> None:
    """Let a person enter another mark where each of these was written."""
    school.next_revision()
    for mark in marks:
        key, _ = _place(school, mark)
        school.touch(school.tables.marks, key, {"Mark": code})
    school.collect("XodAttendanceForDate")


def _place(school: School, mark: dict[str, Any]) -> tuple[tuple[int, int, int], str]:
    """Return where the MIS keeps the mark, and the id under which the API gives it."""
    student = student_number(str(mark["StudentId"])) or 0
    identity = student_id(student)
    day = date.fromisoformat(mark["Date"])
    if not school.profile.is_open(day):
        raise WritebackFailedError(f"The school is closed on {day.isoformat()}")
    if mark["MarkType"] == "S":
        slot = SESSIONS.index(mark["Session"])
        return (day.toordinal(), slot, student), f"{identity}.{mark['Date']}.{mark['Session']}"
    lesson = lesson_at(str(mark["InstanceId"]))
    if lesson is None or lesson[0] != day.toordinal():
        raise WritebackFailedError(f"InstanceId {mark['InstanceId']} is not a lesson of that day")
    key = (lesson[0], len(SESSIONS) + lesson[1], student)
    return key, f"{identity}.{mark['Date']}.{mark['InstanceId']}"
