"""The rows of the Staff and SchoolInfo tables."""

from datetime import date, timedelta

from tools.simulator.school.groups import registration_group
from tools.simulator.school.people import (
    address,
    phone,
    staff_code,
    staff_display,
    staff_id,
    staff_name,
)
from tools.simulator.school.profiles import Profile
from tools.simulator.school.revisioned_tables import Row
from tools.simulator.school.seeded_random import draw, guid, number, row_hash, xid

_SUPPORT = ("Teaching Assistant", "Receptionist", "Site Manager", "Librarian", "Technician")


def is_teacher(n: int) -> bool:
    """Tell whether member of staff ``n`` teaches: four of five do."""
    return n == 0 or n % 5 != 4


def _tutor_group(profile: Profile, n: int) -> str | None:
    if not is_teacher(n) or n >= len(profile.years) * profile.classes:
        return None
    return registration_group(profile, *divmod(n, profile.classes)).name


def _employment(n: int, drawn: bytes) -> Row:
    started = date(1990, 9, 1) + timedelta(days=number(drawn, 10) % 12_000)
    teaches = is_teacher(n)
    role = ("Teacher,Headteacher" if n == 0 else "Teacher") if teaches else _SUPPORT[drawn[12] % 5]
    return {
        "NINumber": f"QQ{number(drawn, 13):05d}{n % 10}C",
        "TeacherNumber": f"{70 + drawn[15] % 30}/{n:05d}" if teaches else None,
        "EmploymentStart": started.isoformat(),
        "EmploymentEnd": None,
        "Roles": role,
    }


def staff_row(profile: Profile, n: int, version: int, stamp: str | None) -> Row:
    """Return member of staff ``n``; number 0 is the head."""
    drawn = draw(profile.key, b"Staff", n, version)
    fixed = draw(profile.key, b"teacher", n)
    title, forename, last, gender = staff_name(profile, n)
    mail = f"{forename[0]}.{last}{n or ''}@{profile.domain}".lower().replace("'", "")
    born = date(1958, 1, 1) + timedelta(days=number(fixed, 6) % 15_000)
    return {
        "Id": staff_id(n),
        "XID": xid(1, n),
        "IdaasId": f"PWT-{staff_id(n)}",
        "ExternalId": guid(fixed),
        "Title": title,
        "Suffix": None,
        "StaffCode": staff_code(profile, n),
        "StaffStatus": "Current",
        "Forename": forename,
        "Surname": last,
        "DisplayName": staff_display(profile, n),
        "WorkEmail": mail,
        "IdaasEmail": mail,
        "WorkPhone": phone(drawn, 16),
        "Gender": gender,
        "MiddleName": None,
        "LegalForename": forename,
        "LegalSurname": last,
        "DateOfBirth": born.isoformat(),
        **_employment(n, fixed),
        "HomeEmail": f"{forename}.{last}{n}@home.example".lower().replace("'", ""),
        "HomePhone": phone(drawn, 18),
        "MobilePhone": phone(drawn, 20, "07700"),
        **address(profile, -1 - n, version),
        "IsTeacher": int(is_teacher(n)),
        "IsSupport": int(not is_teacher(n)),
        "RegGroup": _tutor_group(profile, n),
        "LastUpdated": stamp or profile.stamps[drawn[0]],
        "RowHash": row_hash(drawn),
    }


def school_row(profile: Profile, _key: int, version: int, stamp: str | None) -> Row:
    """Return the one row of SchoolInfo; EstabId need not equal the estab of the URL."""
    drawn = draw(profile.key, b"SchoolInfo", 0, version)
    _, forename, last, _ = staff_name(profile, 0)
    town, county, area = profile.town
    return {
        "Id": "1",
        "Name": profile.name,
        "Head": f"{forename} {last}",
        "MainContact": staff_display(profile, 0),
        "Telephone": phone(drawn, 1),
        "Web": f"www.{profile.domain}",
        "Email": f"office@{profile.domain}",
        "DeniNo": f"{profile.estab[:3]}SCO{profile.estab[3:]}" if drawn[5] & 1 else None,
        "Governance": "Academy" if profile.phase == "Secondary" else "Community",
        "Phase": profile.phase,
        "ExamCentre": f"{number(drawn, 3):05d}",
        "Address": f"School Road, {town}, {county}, {area}1 1AA",
        "EstabId": profile.estab,
        "CurrentAcademicYear": str(profile.year_start.year),
        "LastUpdated": stamp or profile.stamps[drawn[0]],
        "RowHash": row_hash(drawn),
    }
