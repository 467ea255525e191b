"""Year, house, registration and teaching groups, and who is in them."""

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from tools.simulator.school.people import staff_code, staff_id, student_id
from tools.simulator.school.profiles import Profile
from tools.simulator.school.revisioned_tables import Row
from tools.simulator.school.seeded_random import draw, guid, row_hash, xid

TYPES = (
    ("YearGrp", "Year Group", "GY"),
    ("HouseGrp", "House Group", "GH"),
    ("RegGrp", "Registration Group", "GR"),
    ("TeachingGrp", "Teaching Group", "GC"),
)


class Group(NamedTuple):
    """A group: its kind (an index of TYPES), year, set and subject."""

    number: int
    kind: int
    name: str
    year: int = 0
    set: int = 0
    subject: int = 0

    @property
    def identity(self) -> str:
        """The group's MIS id."""
        return str(self.number + 30)

    @property
    def idaas(self) -> str:
        """The group's prefixed id."""
        return f"{TYPES[self.kind][2]}-{self.identity}"


def group_count(profile: Profile) -> int:
    """Return how many groups the school has."""
    years, classes = len(profile.years), profile.classes
    return years + len(profile.houses) + years * classes * (1 + len(profile.subjects))


def year_name(profile: Profile, year: int) -> str:
    """Return a year group's name, with the two spaces that SIMS puts before one digit."""
    value = profile.years[year]
    return f"Year {value:>2}" if value else "Reception"


def year_group(profile: Profile, year: int) -> Group:
    """Return the group of a whole year."""
    return Group(year, 0, year_name(profile, year), year)


def house_group(profile: Profile, house: int) -> Group:
    """Return a house."""
    return Group(len(profile.years) + house, 1, profile.houses[house], 0, house)


def registration_group(profile: Profile, year: int, which: int) -> Group:
    """Return a tutor group."""
    first = len(profile.years) + len(profile.houses)
    label = f"{profile.years[year] or 'R'}{chr(65 + which)}"
    return Group(first + year * profile.classes + which, 2, label, year, which)


def teaching_group(profile: Profile, year: int, subject: int, which: int) -> Group:
    """Return one set of one subject."""
    years, classes = len(profile.years), profile.classes
    first = years + len(profile.houses) + years * classes
    place = first + (year * len(profile.subjects) + subject) * classes + which
    name = f"{profile.years[year] or 'R'}X{which + 1}/{profile.subjects[subject][0]}"
    return Group(place, 3, name, year, which, subject)


def group_at(profile: Profile, n: int) -> Group:
    """Return group ``n``."""
    years, houses, classes = len(profile.years), len(profile.houses), profile.classes
    if n < years:
        return year_group(profile, n)
    if n < years + houses:
        return house_group(profile, n - years)
    place = n - years - houses
    if place < years * classes:
        return registration_group(profile, *divmod(place, classes))
    place, which = divmod(place - years * classes, classes)
    year, subject = divmod(place, len(profile.subjects))
    return teaching_group(profile, year, subject, which)


def year_of(profile: Profile, n: int) -> Group:
    """Return the year group of pupil ``n`` on the first day."""
    return year_group(profile, n % len(profile.years))


def registration_of(profile: Profile, n: int) -> Group:
    """Return the tutor group of pupil ``n`` on the first day."""
    place, year = divmod(n, len(profile.years))
    return registration_group(profile, year, place % profile.classes)


def house_of(profile: Profile, n: int) -> Group:
    """Return the house of pupil ``n``; families share it."""
    return house_group(profile, n // 8 % len(profile.houses))


def slots(profile: Profile) -> int:
    """Return the number of memberships of each pupil: year, tutor group, house, subjects."""
    return 3 + len(profile.subjects)


def group_of(profile: Profile, n: int, slot: int, years_on: int = 0) -> Group:
    """Return the group in which pupil ``n`` has membership ``slot``, ``years_on`` years later."""
    place, year = divmod(n, len(profile.years))
    year += years_on
    if slot == 0:
        return year_group(profile, year)
    if slot == 1:
        return registration_group(profile, year, place % profile.classes)
    if slot == 2:
        return house_of(profile, n)
    return teaching_group(profile, year, slot - 3, (place + slot) % profile.classes)


def members_of(profile: Profile, group: Group, size: int) -> Iterator[int]:
    """Yield the pupils among the first ``size`` who belong to ``group`` on the first day."""
    years = len(profile.years)
    if group.kind == 1:
        yield from (n for n in range(size) if house_of(profile, n).number == group.number)
        return
    slot = (0, 2, 1, 3 + group.subject)[group.kind]
    for n in range(group.year, size, years):
        if group_of(profile, n, slot).number == group.number:
            yield n


@lru_cache(maxsize=64)
def first_sizes(profile: Profile) -> Counter[int]:
    """Return the number of pupils of each group on the first day."""
    sizes: Counter[int] = Counter()
    years = len(profile.years)
    for year in range(years):
        pupils = len(range(year, profile.students, years))
        sizes[year_group(profile, year).number] = pupils
        for place, count in enumerate(_shares(pupils, profile.classes)):
            # The pupil at ``place`` of a year stands for all whose place has its remainder.
            for slot in (1, *range(3, slots(profile))):
                sizes[group_of(profile, place * years + year, slot).number] += count
    blocks, rest = divmod(profile.students, 8)
    houses = len(profile.houses)
    for house, count in enumerate(_shares(blocks, houses)):
        extra = rest if blocks % houses == house else 0
        sizes[house_group(profile, house).number] = count * 8 + extra
    return sizes


def _shares(total: int, parts: int) -> list[int]:
    """Return how many of the first ``total`` numbers leave each remainder."""
    return [total // parts + (part < total % parts) for part in range(parts)]


def teacher_of(profile: Profile, group: Group) -> int:
    """Return the member of staff who leads a group."""
    return (group.number * 7 + group.subject) % profile.staff


def group_row(profile: Profile, n: int, version: int, stamp: str | None) -> Row:
    """Return group ``n``; its NumStudents is of the first day, kept up to date by overlays."""
    group = group_at(profile, n)
    drawn = draw(profile.key, b"Group", n, version)
    teacher = teacher_of(profile, group)
    return {
        "Id": group.identity,
        "XID": xid(4, n),
        "ExternalId": guid(draw(profile.key, b"Group", n)),
        "IdaasId": group.idaas,
        "Type": TYPES[group.kind][0],
        "Code": group.name.replace("Year ", "Y").replace(" ", ""),
        "Name": f"{group.name}{f' ({version})' if version and group.kind == 3 else ''}",
        "PrimaryStaffId": staff_id(teacher),
        "Staff": staff_code(profile, teacher),
        "NumStudents": first_sizes(profile)[n],
        "RowHash": row_hash(drawn),
        "LastUpdated": stamp or profile.stamps[drawn[0]],
    }


def group_type_row(profile: Profile, n: int, version: int, stamp: str | None) -> Row:
    """Return a kind of group."""
    drawn = draw(profile.key, b"GroupTypes", n, version)
    return {
        "Id": str(n + 1),
        "TypeCode": TYPES[n][0],
        "TypeDescription": TYPES[n][1],
        "ParentGroupTypeId": None,
        "RowHash": row_hash(drawn),
        "LastUpdated": stamp or profile.stamps[drawn[0]],
    }


def student_member_row(profile: Profile, key: int, version: int, stamp: str | None) -> Row:
    """Return one membership of one pupil."""
    student, slot = divmod(key, slots(profile))
    return {
        **membership(profile, student, group_of(profile, student, slot)),
        "StartDate": profile.year_start.isoformat(),
        "EndDate": None,
        "RowHash": row_hash(drawn := draw(profile.key, b"StudentMembers", key, version)),
        "LastUpdated": stamp or profile.stamps[drawn[0]],
    }


def membership(profile: Profile, student: int, group: Group) -> Row:
    """Return the columns that say who is in which group."""
    identity = student_id(student)
    return {
        "Id": f"{group.idaas}.PL-{identity}",
        "GroupId": group.identity,
        "StudentId": identity,
        "GroupExternalId": guid(draw(profile.key, b"Group", group.number)),
        "StudentExternalId": guid(draw(profile.key, b"pupil", student)),
        "GroupIdaasId": group.idaas,
        "StudentIdaasId": f"PL-{identity}",
    }


def staff_member_row(profile: Profile, key: int, version: int, stamp: str | None) -> Row:
    """Return the member of staff who leads group ``key``."""
    group = group_at(profile, key)
    teacher = teacher_of(profile, group)
    drawn = draw(profile.key, b"StaffMembers", key, version)
    return {
        "Id": f"{group.idaas}.PWT-{staff_id(teacher)}",
        "GroupId": group.identity,
        "StaffId": staff_id(teacher),
        "StaffRole": ("Head of Year", "Head of House", "Form Tutor", "Teacher")[group.kind],
        "GroupExternalId": guid(draw(profile.key, b"Group", key)),
        "StaffExternalId": guid(draw(profile.key, b"teacher", teacher)),
        "StaffIdaasId": f"PWT-{staff_id(teacher)}",
        "GroupIdaasId": group.idaas,
        "RowHash": row_hash(drawn),
        "LastUpdated": stamp or profile.stamps[drawn[0]],
    }
