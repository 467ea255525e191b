"""Achievements and behaviour: the incidents, who took part, and the lookups that name them."""

from collections.abc import Sequence
from datetime import timedelta

from tools.simulator.school.people import staff_display, staff_id, student_id
from tools.simulator.school.profiles import Profile
from tools.simulator.school.revisioned_tables import Dependence, DependentSource, Key, Row, Source
from tools.simulator.school.seeded_random import draw, number, row_hash

PARTICIPANTS = 8
FIRST_ID = 4000

TYPES = (
    ("Ach", 1, "Excellent Homework", 5), ("Ach", 2, "Helping Others", 3),
    ("Ach", 3, "Sporting Achievement", 10), ("Ach", 4, "Classwork Effort", 2),
    ("Beh", 7, "Assault", 50), ("Beh", 8, "Lunchtime Incident", 10),
    ("Beh", 9, "Homework Not Handed In", 2), ("Beh", 10, "Disruption", 5),
)  # fmt: skip
LOOKUPS = (
    ("BehStuRole", 1, "PT", "Participant"), ("BehStuRole", 2, "VI", "Victim"),
    ("BehStatus", 1, "UN", "Unresolved"), ("BehStatus", 2, "RE", "Resolved"),
    ("BehLocation", 1, "CL", "Classroom"), ("BehLocation", 2, "PL", "Playground"),
    ("BehActivity", 1, "LU", "Lunch"), ("AchActivity", 1, "LE", "Lesson"),
    ("BehBullMode", 1, "VB", "Verbal"), ("StfRole", 1, "WI", "Witness"),
)  # fmt: skip


def kind_of(n: int) -> str:
    """Return Beh or Ach: the simulated MIS gives every third number to behaviour."""
    return "Ach" if n % 3 else "Beh"


def incident_id(n: int) -> int:
    """Return the MIS id of incident ``n``."""
    return FIRST_ID + n


def incident_number(identity: int) -> int:
    """Return the number of the incident with this MIS id."""
    return identity - FIRST_ID


def _facts(profile: Profile, n: int, version: int) -> Row:
    drawn = draw(profile.key, b"incident", n)
    types = [each for each in TYPES if each[0] == kind_of(n)]
    chosen = types[drawn[0] % len(types)]
    span = max(1, (profile.today - profile.year_start).days + 1)
    day = (profile.year_start + timedelta(days=number(drawn, 1) % span)).isoformat()
    recorder = staff_display(profile, number(drawn, 3) % profile.staff)
    return {
        "Type": chosen[2],
        "Points": chosen[3],
        "Date": day,
        "Activity": "Lunch" if drawn[5] & 1 else "Lesson",
        "Location": "Classroom" if drawn[6] & 1 else "Playground",
        "RecordedBy": recorder,
        "RecordedOn": day,
        "Status": "Resolved" if (drawn[7] + version) & 1 else "Unresolved",
        "Description": f"{chosen[2]}, seen by {recorder}",
    }


def _tail(profile: Profile, label: bytes, n: int, version: int, stamp: str | None) -> Row:
    drawn = draw(profile.key, label, n, version)
    return {"LastUpdated": stamp or profile.stamps[drawn[0]], "RowHash": row_hash(drawn)}


def incident_row(profile: Profile, n: int, version: int, stamp: str | None) -> Row:
    """Return the columns of every view of an incident but its Id, which differs between views."""
    facts = _facts(profile, n, version)
    kind = kind_of(n)
    return {
        "ConductType": facts["Type"],
        "AchievementType": facts["Type"],
        "BehaviourType": facts["Type"],
        **{name: facts[name] for name in ("Date", "Activity", "Status", "Location")},
        "Time": "Lunchtime" if kind == "Beh" else None,
        "RecordedBy": facts["RecordedBy"],
        "Outcome": None,
        "OutcomeDate": None,
        "ParentGuardianInformed": 0,
        "RecordedOn": facts["RecordedOn"],
        "Description": facts["Description"],
        "Subject": None,
        "Category": kind,
        **_tail(profile, b"Conducts", n, version, stamp),
    }


def conduct_row(profile: Profile, n: int, version: int, stamp: str | None) -> Row:
    """Return a row of Conducts."""
    identity = {"Id": f"{kind_of(n)}.{incident_id(n)}", "ConductId": str(incident_id(n))}
    return {**incident_row(profile, n, version, stamp), **identity}


def single_kind_row(profile: Profile, n: int, version: int, stamp: str | None) -> Row:
    """Return a row of Achievements or Behaviour."""
    identity = {"Id": str(incident_id(n)), "ConductId": f"{kind_of(n)}.{incident_id(n)}"}
    return {**incident_row(profile, n, version, stamp), **identity}


def _participant(profile: Profile, key: int) -> int:
    drawn = draw(profile.key, b"participant", key)
    return int.from_bytes(drawn[:4]) % max(1, profile.students)


def participant_row(profile: Profile, key: int, version: int, stamp: str | None) -> Row:
    """Return a pupil's part in an incident, with the columns of all views."""
    incident, slot = divmod(key, PARTICIPANTS)
    student = student_id(_participant(profile, key))
    kind, identity = kind_of(incident), incident_id(incident)
    return {
        "Id": f"PL-{student}.{kind}.{identity}",
        "StudentId": student,
        "ConductId": f"{kind}.{identity}",
        "AchievementId": str(identity),
        "BehaviourId": str(identity),
        "Points": _facts(profile, incident, 0)["Points"],
        "Outcome": None,
        "Role": "Participant" if kind == "Beh" and slot == 0 else None,
        **_tail(profile, b"StudentConducts", key, version, stamp),
    }


def witness_row(profile: Profile, n: int, version: int, stamp: str | None) -> Row:
    """Return a member of staff's part in an incident."""
    person = staff_id(number(draw(profile.key, b"incident", n), 3) % profile.staff)
    kind, identity = kind_of(n), incident_id(n)
    return {
        "Id": f"PWT-{person}.{kind}.{identity}",
        "StaffId": person,
        "ConductId": f"{kind}.{identity}",
        "AchievementId": str(identity),
        "BehaviourId": str(identity),
        "StaffRole": None,
        **_tail(profile, b"StaffConducts", n, version, stamp),
    }


def type_row(profile: Profile, n: int, version: int, stamp: str | None) -> Row:
    """Return a type of incident."""
    kind, local, text, points = TYPES[n]
    return {
        "Id": f"{kind}.{local}",
        "Type": kind,
        "LocalId": str(local),
        "Description": text,
        "Points": points,
        "SubTypeLookup": "BehBullMode" if local == 7 else None,
        "DisplayOrder": n + 1,
        **_tail(profile, b"ConductTypes", n, version, stamp),
    }


def lookup_row(profile: Profile, n: int, version: int, stamp: str | None) -> Row:
    """Return a value of one of the lookups."""
    lookup, local, code, text = LOOKUPS[n]
    return {
        "Id": f"{lookup}.{local}",
        "LookupType": lookup,
        "LocalId": str(local),
        "Code": code,
        "Description": text,
        "DisplayOrder": local,
        **_tail(profile, b"ConductLookups", n, version, stamp),
    }


class ParticipantSource(DependentSource):
    """Every incident has one participant; further ones exist only once they were written."""

    def __init__(self, profile: Profile, incidents: Source) -> None:
        dependence = Dependence(
            size=lambda count: count * PARTICIPANTS,
            parents=_incident_of,
            children=lambda incident: range(incident * PARTICIPANTS, (incident + 1) * PARTICIPANTS),
            is_sparse=True,
        )
        super().__init__(profile, participant_row, incidents, dependence)

    def visible(self, key: Key, revision: int) -> bool:
        """Tell whether the pupil takes part."""
        if key % PARTICIPANTS and key not in self.ledger.history:
            return False
        return super().visible(key, revision)


def _incident_of(key: int) -> Sequence[int]:
    return (key // PARTICIPANTS,)
