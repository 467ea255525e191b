"""Pupils, their families and the staff: who they are, from a number."""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache

from tools.simulator.school.name_lists import BOYS, DISTRICTS, GIRLS, STREETS, SURNAMES
from tools.simulator.school.profiles import Profile
from tools.simulator.school.revisioned_tables import Dependence, Row
from tools.simulator.school.seeded_random import draw, guid, number, row_hash, xid

# Of every eight pupils, four have a brother or sister here: families of a fixed pattern keep
# every table computable from a number alone.
_FAMILY_OF = (0, 0, 1, 2, 3, 4, 4, 5)
_MEMBERS = ((0, 1), (2,), (3,), (4,), (5, 6), (7,))
_SIBLING = (1, -1, 0, 0, 0, 1, -1, 0)


def student_id(n: int) -> str:
    """Return the MIS id of pupil ``n``; ids of pupils and contacts interleave."""
    return str(10_000 + 3 * n)


def contact_id(n: int) -> str:
    """Return the MIS id of contact ``n``."""
    return str(10_001 + 3 * (n // 2) + n % 2)


def staff_id(n: int) -> str:
    """Return the MIS id of member of staff ``n``."""
    return str(n + 1)


def student_number(identity: str) -> int | None:
    """Return the number of the pupil with this MIS id: PL- or not, blanks and zeros or not."""
    digits = identity.strip().upper().removeprefix("PL-")
    if not digits.isdecimal() or (int(digits) - 10_000) % 3 or int(digits) < 10_000:
        return None
    return (int(digits) - 10_000) // 3


def family(n: int) -> int:
    """Return the family of pupil ``n``."""
    return n // 8 * 6 + _FAMILY_OF[n % 8]


def sibling(n: int) -> int | None:
    """Return the brother or sister of pupil ``n``, if one is at this school."""
    return n + _SIBLING[n % 8] if _SIBLING[n % 8] else None


def members(family_number: int) -> Sequence[int]:
    """Return the pupils of a family."""
    block, place = divmod(family_number, 6)
    return tuple(block * 8 + slot for slot in _MEMBERS[place])


CONTACTS = Dependence(
    size=lambda students: (family(students - 1) + 1) * 2 if students else 0,
    parents=lambda key: members(key // 2),
    children=lambda student: (family(student) * 2, family(student) * 2 + 1),
    any_parent=True,
)
SIBLINGS = Dependence(
    size=lambda students: students,
    parents=lambda key: () if sibling(key) is None else (key, sibling(key) or 0),
    children=lambda student: (student, student + _SIBLING[student % 8]),
    is_sparse=True,
)


@lru_cache(maxsize=4096)
def surname(profile: Profile, family_number: int) -> str:
    """Return a family's surname."""
    drawn = draw(profile.key, b"family", family_number)
    return SURNAMES[number(drawn, 0) % len(SURNAMES)]


@lru_cache(maxsize=4096)
def student_name(profile: Profile, n: int) -> tuple[str, str, str]:
    """Return forename, surname and gender of a pupil."""
    drawn = draw(profile.key, b"pupil", n)
    boy = drawn[0] & 1
    pool = BOYS if boy else GIRLS
    return pool[drawn[1] % len(pool)], surname(profile, family(n)), "M" if boy else "F"


def staff_name(profile: Profile, n: int) -> tuple[str, str, str, str]:
    """Return title, forename, surname and gender of a member of staff."""
    drawn = draw(profile.key, b"teacher", n)
    man = drawn[0] & 1
    pool = BOYS if man else GIRLS
    title = "Mr" if man else ("Mrs", "Miss", "Ms", "Dr")[drawn[4] % 4]
    return (
        title,
        pool[drawn[1] % len(pool)],
        SURNAMES[number(drawn, 2) % len(SURNAMES)],
        ("M" if man else "F"),
    )


def staff_display(profile: Profile, n: int) -> str:
    """Return the name as a register shows it."""
    title, forename, last, _ = staff_name(profile, n)
    return f"{title} {forename[0]} {last}"


def staff_code(profile: Profile, n: int) -> str:
    """Return a short code, unique by its number."""
    _, forename, last, _ = staff_name(profile, n)
    return f"{forename[0]}{last[:2].upper()}{n or ''}"


def address(profile: Profile, household: int, moves: int) -> Row:
    """Return the address columns of a household that moved ``moves`` times."""
    drawn = draw(profile.key, b"home", household, moves)
    town, county, area = profile.town
    street = STREETS[drawn[0] % len(STREETS)]
    district = DISTRICTS[drawn[1] % len(DISTRICTS)]
    house = str(1 + drawn[2] % 120)
    inward = f"{1 + drawn[4] % 9}{'ABDEFGHJLN'[drawn[5] % 10]}{'PQRSTUWXYZ'[drawn[6] % 10]}"
    code = f"{area}{1 + drawn[3] % 20} {inward}"
    lines = (f"{house} {street}", district, town, county, code)
    return {
        "AddressBlock": "\n".join(line for line in lines if line),
        "HouseNo": house,
        "HouseName": None,
        "Apartment": None,
        "Street": street,
        "District": district,
        "TownOrCity": town,
        "County": county,
        "PostCode": code,
        "Country": "United Kingdom",
    }


def phone(drawn: bytes, at: int, prefix: str = "01632") -> str:
    """Return a number from the ranges that are kept for fiction."""
    return f"{prefix} 960{number(drawn, at) % 1000:03d}"


def contact_name(profile: Profile, key: int) -> tuple[str, str, str]:
    """Return title, forename and surname of a parent or carer; odd numbers are men."""
    fixed = draw(profile.key, b"contact", key)
    pool = BOYS if key % 2 else GIRLS
    title = "Mr" if key % 2 else ("Mrs", "Ms", "Miss")[fixed[1] % 3]
    return title, pool[fixed[0] % len(pool)], surname(profile, key // 2)


def contact_row(profile: Profile, key: int, version: int, stamp: str | None) -> Row:
    """Return a parent or carer."""
    drawn = draw(profile.key, b"contact", key, version)
    fixed = draw(profile.key, b"contact", key)
    title, forename, last = contact_name(profile, key)
    identity = contact_id(key)
    mail = f"{forename}.{last}.{identity}".lower().replace("'", "")
    return {
        "Id": identity,
        "XID": xid(2, key),
        "IdaasId": f"PC-{identity}",
        "ExternalId": guid(fixed),
        "Title": title,
        "Suffix": None,
        "Surname": last,
        "Forename": forename,
        "DisplayName": f"{title} {forename} {last}",
        "HomeLanguage": "English",
        "HomeLanguageCode": "ENG",
        "TranslatorRequired": 0,
        "WorkEmail": f"{mail}@work.example" if fixed[2] % 3 == 0 else None,
        "WorkPhone": phone(drawn, 3) if fixed[2] % 3 == 0 else None,
        "HomeEmail": f"{mail}@home.example",
        "HomePhone": phone(drawn, 5),
        "MobilePhone": phone(drawn, 7, "07700"),
        **address(profile, key // 2, version),
        "LastUpdated": stamp or profile.stamps[drawn[9]],
        "RowHash": row_hash(drawn),
    }


def student_contact_row(profile: Profile, key: int, version: int, stamp: str | None) -> Row:
    """Return the link between a pupil and one of the two contacts of the family."""
    student, which = divmod(key, 2)
    contact = family(student) * 2 + which
    drawn = draw(profile.key, b"link", key, version)
    return {
        "Id": f"PL-{student_id(student)}.PC-{contact_id(contact)}",
        "StudentId": student_id(student),
        "ContactId": contact_id(contact),
        "StudentExternalId": guid(draw(profile.key, b"pupil", student)),
        "ContactExternalId": guid(draw(profile.key, b"contact", contact)),
        "Relationship": "Father" if which else "Mother",
        "Priority": which + 1,
        "ParResp": 1 if version % 2 == 0 else 0,
        "LastUpdated": stamp or profile.stamps[drawn[0]],
        "RowHash": row_hash(drawn),
    }


def sibling_row(profile: Profile, key: int, version: int, stamp: str | None) -> Row:
    """Return the link between a pupil and a brother or sister."""
    other = sibling(key)
    drawn = draw(profile.key, b"sibling", key, version)
    return {
        "Id": f"PL-{student_id(key)}.PL-{student_id(other or 0)}",
        "StudentId": student_id(key),
        "SiblingId": student_id(other or 0),
        "LastUpdated": stamp or profile.stamps[drawn[0]],
        "RowHash": row_hash(drawn),
    }


def birthday(profile: Profile, n: int, year: int) -> date:
    """Return a birthday that fits the pupil's national curriculum year."""
    first = date(profile.year_start.year - year - 5, 9, 1)
    return first + timedelta(days=number(draw(profile.key, b"pupil", n), 6) % 365)
