"""Ways to reach people, the school's calendar, and the counts of its tables."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta

from tools.simulator.school.people import contact_id, contact_row, staff_id
from tools.simulator.school.profiles import Profile
from tools.simulator.school.revisioned_tables import Key, Row, Source
from tools.simulator.school.seeded_random import draw, row_hash
from tools.simulator.school.staff import staff_row
from tools.simulator.school.students import student_row

_EVENTS = (
    ("School Event", "Extra Curricular", "School Choir"),
    ("School Event", "Parents", "Parents' Evening"),
    ("Staff Training", "INSET", "Staff training day"), ("School Event", "Sport", "Cross-country"),
)  # fmt: skip
_CONTACT_WAYS = (("T", "H", "HomePhone"), ("T", "M", "MobilePhone"), ("E", "H", "HomeEmail"))


def _comms(
    profile: Profile, person: tuple[str, str, str], way: tuple[str, str, int], value: str | None,
    version: int, stamp: str | None,
) -> Row:  # fmt: skip
    kind, prefix, identity = person
    comms_type, location, priority = way
    number = f"{identity}{priority}"
    drawn = draw(profile.key, f"{prefix}.{number}".encode(), priority, version)
    return {
        "Id": f"{prefix}-{identity}.{number}.{comms_type}",
        "PersonId": identity,
        "PersonType": kind,
        "CommsType": comms_type,
        "LocationCode": location,
        "Priority": priority,
        "IsDefault": int(priority == 1),
        "Value": value,
        "Notes": None,
        "LastUpdated": stamp or profile.stamps[drawn[0]],
        "RowHash": row_hash(drawn),
    }


def contact_comms_row(profile: Profile, key: int, version: int, stamp: str | None) -> Row:
    """Return one of the three ways to reach a parent."""
    contact, way = divmod(key, len(_CONTACT_WAYS))
    comms_type, location, column = _CONTACT_WAYS[way]
    value = contact_row(profile, contact, version, None)[column]
    person = ("Contact", "PC", contact_id(contact))
    return _comms(profile, person, (comms_type, location, way + 1), value, version, stamp)


def student_comms_row(profile: Profile, key: int, version: int, stamp: str | None) -> Row:
    """Return a pupil's mail address."""
    row = student_row(profile, key, version, None)
    person = ("Student", "PL", row["Id"])
    return _comms(profile, person, ("E", "W", 1), row["WorkEmail"], version, stamp)


def staff_comms_row(profile: Profile, key: int, version: int, stamp: str | None) -> Row:
    """Return a member of staff's mail address."""
    value = staff_row(profile, key, version, None)["WorkEmail"]
    return _comms(profile, ("Staff", "PWT", staff_id(key)), ("E", "W", 1), value, version, stamp)


class JoinedSource(Source):
    """Several tables sent as one; a key is the part's place and its key."""

    is_composed = True

    def __init__(self, profile: Profile, parts: Sequence[Source]) -> None:
        super().__init__(profile, parts[0].build, base=None)
        self.parts = parts

    def visible(self, key: Key, revision: int) -> bool:
        """Tell whether the part has the row."""
        part: Source = self.parts[key[0]]
        return part.visible(key[1], revision)

    def last(self, revision: int) -> int:
        """Return the newest revision that touched any part."""
        return max(part.last(revision) for part in self.parts)

    def touched(self, since: int, until: int) -> set[Key]:
        """Return the keys of all parts that were touched."""
        return {
            (place, key)
            for place, part in enumerate(self.parts)
            for key in part.touched(since, until)
        }

    def _alive(self, revision: int) -> Sequence[Key]:
        return [
            (place, key) for place, part in enumerate(self.parts) for key in part.keys(revision)
        ]

    def rows(self, keys: Sequence[Key], revision: int) -> list[Row]:  # type: ignore[override]
        """Return whole rows."""
        return [self.parts[place].row(key, revision) for place, key in keys]


class CountsSource(Source):
    """How many rows the main tables have."""

    is_composed = True

    def __init__(self, profile: Profile, counted: dict[str, Source]) -> None:
        super().__init__(profile, _no_row, base=len(counted))
        self.counted = counted

    def last(self, revision: int) -> int:
        """Return the newest revision that touched any counted table."""
        return max(source.last(revision) for source in self.counted.values())

    def touched(self, since: int, until: int) -> set[Key]:
        """Return the counts whose table was touched."""
        return {
            place
            for place, source in enumerate(self.counted.values())
            if source.touched(since, until)
        }

    def rows(self, keys: Sequence[Key], revision: int) -> list[Row]:  # type: ignore[override]
        """Return whole rows."""
        areas = list(self.counted.items())
        return [
            {
                "Id": str(key + 1),
                "Area": areas[key][0],
                "Count": len(areas[key][1].keys(revision)),
            }
            for key in keys
        ]


def _no_row(profile: Profile, key: Key, version: int, stamp: str | None) -> Row:
    raise NotImplementedError((profile.estab, key, version, stamp))


def calendar_size(profile: Profile) -> int:
    """Return how many events a year's calendar has by default."""
    return profile.rows.get("SchoolCalendar", 60)


def calendar_row(profile: Profile, n: int, version: int, stamp: str | None) -> Row:
    """Return an event; every seventh is a holiday."""
    del stamp
    day = profile.year_start + timedelta(days=n * 5 % 320)
    kind, category, text = _EVENTS[n % len(_EVENTS)]
    if n % 7 == 6:
        kind, category, text = "Holiday", "Holiday", "School closed"
        day = date(profile.year_start.year, 12, 20) + timedelta(days=n // 7)
    return {
        "Id": str(31_000 + n),
        "StartDate": day.isoformat(),
        "StartTime": "15:30",
        "EndDate": day.isoformat(),
        "EndTime": "16:30",
        "Category": category,
        "Description": f"{text}{' (moved)' * version}",
        "Type": kind,
    }


Builder = Callable[[Profile, int, int, str | None], Row]
