"""Conduct written back: achievements and behaviour with their participants and staff."""

from datetime import date
from typing import Any

from tools.simulator.http.errors import bad_argument
from tools.simulator.school.conduct import (
    LOOKUPS,
    PARTICIPANTS,
    TYPES,
    incident_id,
    incident_number,
    kind_of,
)
from tools.simulator.school.marks import NOTE_LIMIT
from tools.simulator.school.people import staff_display, student_id, student_number
from tools.simulator.school.profiles import Profile
from tools.simulator.school.schools import School, Written


def read_incidents(school: School, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the incidents of a request, each with its Participants and Staff.

    Raises:
        XporterError: Something that is mandatory is missing or unknown.
    """
    conducts = _objects(body, "Conducts")
    if not conducts:
        raise bad_argument("Conducts must not be empty")
    participants, staff = _objects(body, "Participants"), _objects(body, "Staff")
    _objects(body, "MediaFiles")
    read = []
    for conduct in conducts:
        _check(school.profile, conduct)
        own = [each for each in participants if each.get("ConductId") == conduct["Id"]]
        witnesses = [each for each in staff if each.get("ConductId") == conduct["Id"]]
        _check_people(school, own, witnesses)
        read.append({**conduct, "Participants": own, "Staff": witnesses})
    return read


def _objects(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = body.get(name) or []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise bad_argument(f"{name} must be a list of objects")
    return found


def _check(profile: Profile, conduct: dict[str, Any]) -> None:
    kind = conduct.get("IncidentType")
    if not isinstance(conduct.get("Id"), int) or kind not in ("Ach", "Beh"):
        raise bad_argument("A conduct has a number as Id, and IncidentType Ach or Beh")
    if (kind, str(conduct.get("TypeId"))) not in {(each[0], str(each[1])) for each in TYPES}:
        raise bad_argument(f"TypeId {conduct.get('TypeId')!r} is not a type of {kind}")
    if _staff_number(profile, conduct.get("RecordedById")) is None:
        raise bad_argument(f"RecordedById {conduct.get('RecordedById')!r} not found")
    if kind == "Beh" and not conduct.get("StatusId"):
        raise bad_argument("StatusId is mandatory for behaviour")
    if len(str(conduct.get("Note") or "")) > NOTE_LIMIT:
        raise bad_argument(f"Note must not be longer than {NOTE_LIMIT} characters")
    try:
        date.fromisoformat(str(conduct.get("EntryDate"))[:10])
    except ValueError as error:
        raise bad_argument("EntryDate must be a date") from error


def _check_people(
    school: School, participants: list[dict[str, Any]], staff: list[dict[str, Any]]
) -> None:
    if not 1 <= len(participants) <= PARTICIPANTS:
        raise bad_argument(f"A conduct has between 1 and {PARTICIPANTS} participants")
    for each in participants:
        student = student_number(str(each.get("StudentId", "")))
        if student is None or not school.tables.students.visible(student, school.revision):
            raise bad_argument(f"StudentId {each.get('StudentId')!r} not found")
        if not isinstance(each.get("Points"), int):
            raise bad_argument("Points must be a number")
    for each in staff:
        if _staff_number(school.profile, each.get("StaffId")) is None:
            raise bad_argument(f"StaffId {each.get('StaffId')!r} not found")


def _staff_number(profile: Profile, identity: object) -> int | None:
    text = str(identity or "").removeprefix("PWT-")
    number = int(text) - 1 if text.isdecimal() else -1
    return number if 0 <= number < profile.staff else None


def write_incidents(school: School, incidents: list[dict[str, Any]]) -> list[dict[str, int]]:
    """Write incidents into the MIS; return the request's ids beside the MIS's own."""
    school.next_revision()
    result = []
    for incident in incidents:
        n = _new_number(school, incident["IncidentType"])
        _write_incident(school, n, incident)
        result.append({"IncidentId": incident["Id"], "ActualId": incident_id(n)})
        identity = f"{incident['IncidentType']}.{incident_id(n)}"
        note = {"Note": incident.get("Note"), "EntryDate": incident["EntryDate"]}
        school.written[identity] = Written("conduct", identity, 1, note)
    school.collect("XodConductForToday")
    school.collect("XodConductForDateRange")
    return result


def correct_incidents(school: School, written: list[dict[str, int]], note: str) -> None:
    """Let a person write another note into each of the incidents that were written."""
    school.next_revision()
    for each in written:
        n = incident_number(each["ActualId"])
        school.touch(school.tables.incidents.ledger, n, {"Description": note})
    school.collect("XodConductForToday")
    school.collect("XodConductForDateRange")


def _new_number(school: School, kind: str) -> int:
    """Return a free number of the right kind; the numbers between stay unused."""
    ledger = school.tables.incidents.ledger
    while True:
        n = ledger.insert(school.revision, school.stamp())
        if kind_of(n) == kind:
            return n
        school.remove(ledger, n)


def _write_incident(school: School, n: int, incident: dict[str, Any]) -> None:
    tables, kind = school.tables, incident["IncidentType"]
    school.touch(tables.incidents.ledger, n, _columns(school.profile, incident))
    for slot, participant in enumerate(incident["Participants"]):
        student = student_id(student_number(str(participant["StudentId"])) or 0)
        overlay = {
            "Id": f"PL-{student}.{kind}.{incident_id(n)}",
            "StudentId": student,
            "Points": participant["Points"],
        }
        school.touch(tables.participants.ledger, n * PARTICIPANTS + slot, overlay)


def _columns(profile: Profile, incident: dict[str, Any]) -> dict[str, Any]:
    kind, recorder = (
        incident["IncidentType"],
        int(str(incident["RecordedById"]).removeprefix("PWT-")),
    )
    text = next(each[2] for each in TYPES if (each[0], each[1]) == (kind, int(incident["TypeId"])))
    day = str(incident["EntryDate"])[:10]
    return {
        "ConductType": text,
        "AchievementType": text,
        "BehaviourType": text,
        "Date": day,
        "RecordedOn": day,
        "RecordedBy": staff_display(profile, recorder - 1),
        "Description": incident.get("Note"),
        "Status": _lookup("BehStatus", incident.get("StatusId")),
        "Location": _lookup("BehLocation", incident.get("LocationId")),
        "Activity": _lookup(f"{kind}Activity", incident.get("ActivityId")),
    }


def _lookup(name: str, identity: object) -> str | None:
    return next(
        (text for kind, n, _, text in LOOKUPS if (kind, str(n)) == (name, str(identity))), None
    )
