"""Changes at a school: people come, change and leave, and a school year ends."""

import random
from collections import Counter
from typing import Any

from tools.simulator.http.errors import ControlError
from tools.simulator.school import groups
from tools.simulator.school.revisioned_tables import Key, Source
from tools.simulator.school.schools import School
from tools.simulator.school.tables_by_day import DatedSource
from tools.simulator.service.databases import Database
from tools.simulator.service.endpoints import RESOURCES, Shape

Ids = dict[str, dict[str, list[str]]]


def shapes_of(database: Database) -> dict[str, Shape]:
    """Return the result tables of a database, one shape for each name."""
    shapes: dict[str, Shape] = {}
    for resource in RESOURCES.values():
        if resource.database == database.name:
            for shape in resource.shapes:
                shapes.setdefault(shape.name, shape)
    return shapes


def change(
    school: School, database: Database, *, rows: int, deletes: int, inserts: int, table: str | None
) -> Ids:
    """Change, delete and insert that many rows; return the ids of all that differs, by table.

    Dependent rows follow: contacts and memberships of a pupil who leaves are deleted too.

    Raises:
        ControlError: The table has too few rows, or cannot do it. Nothing was changed.
    """
    shapes = shapes_of(database)
    name = next((each for each in shapes if each.lower() == (table or database.table).lower()), "")
    if not name:
        raise ControlError(f"{database.name} has no table {table!r}; it has {', '.join(shapes)}")
    source = school.tables.source(shapes[name], None)
    keys = source.keys(school.revision)
    if rows + deletes > len(keys):
        raise ControlError(f"{name} has only {len(keys)} rows")
    _check_possible(source, name, deletes, inserts)
    chosen = _choose(school, keys, rows + deletes)
    before = school.revision
    school.next_revision()
    for key in chosen[:rows]:
        school.touch(source.ledger, key, _new_mark(source, key))
    for key in chosen[rows:]:
        school.remove(source.ledger, key)
    born = [source.ledger.insert(school.revision, school.stamp()) for _ in range(inserts)]
    if source is school.tables.students:
        _recount(school, Counter(born), Counter(chosen[rows:]))
    return difference(school, database, before)


def _check_possible(source: Source, name: str, deletes: int, inserts: int) -> None:
    if source.is_composed:
        raise ControlError(f"{name} follows other tables: change those")
    if inserts and (source.ledger.base is None or not source.can_grow):
        raise ControlError(
            f"{name} cannot be inserted into: its rows are given, or come with others"
        )
    if deletes and isinstance(source, DatedSource):
        raise ControlError(f"{name} cannot be deleted from: marks are changed, never removed")


def _new_mark(source: Source, key: Key) -> dict[str, str] | None:
    if not isinstance(source, DatedSource):
        return None
    return {"Mark": "LIMNOC"[key[2] % 6]}


def _choose(school: School, keys: Any, count: int) -> list[Key]:
    chance = random.Random(f"{school.profile.seed}|{school.revision}|{len(keys)}")
    return [keys[place] for place in chance.sample(range(len(keys)), count)]


def _recount(school: School, born: Counter[int], gone: Counter[int]) -> None:
    """Keep NumStudents of every group that somebody joined or left."""
    delta: Counter[str] = Counter()
    slots = groups.slots(school.profile)
    members = school.tables.members
    for sign, students in ((1, born), (-1, gone)):
        for student in students:
            keys = range(student * slots, (student + 1) * slots)
            for row in members.rows(keys, school.revision):
                delta[row["GroupId"]] += sign
    for identity, moved in delta.items():
        key = int(identity) - 30
        if moved:
            now = school.tables.groups.row(key, school.revision)["NumStudents"]
            school.touch(school.tables.groups.ledger, key, {"NumStudents": now + moved})


def difference(school: School, database: Database, since: int) -> Ids:
    """Return the ids of everything in ``database`` that differs from revision ``since``."""
    result: Ids = {}
    for name, shape in shapes_of(database).items():
        if "Id" not in shape.names:
            continue
        source = school.tables.source(shape, None)
        ids = _differing(source, since, school.revision)
        if any(ids.values()):
            result[name] = ids
    return result


def _differing(source: Source, since: int, until: int) -> dict[str, list[str]]:
    ids: dict[str, list[str]] = {"updated": [], "inserted": [], "deleted": []}
    for key in sorted(source.touched(since, until)):
        was, is_now = source.visible(key, since), source.visible(key, until)
        before = str(source.row(key, since)["Id"]) if was else None
        after = str(source.row(key, until)["Id"]) if is_now else None
        if before == after and after is not None:
            ids["updated"].append(after)
            continue
        if before is not None:
            ids["deleted"].append(before)
        if after is not None:
            ids["inserted"].append(after)
    return ids


def roll_over(school: School) -> int:
    """End the school year: the oldest leave, the others move up, as many new ones come.

    Returns:
        The revision before, from which ``difference`` tells what happened.
    """
    before = school.revision
    tables = school.tables
    present = list(tables.students.keys(before))
    years_on = {n: _years_on(school, n) for n in present}
    school.next_revision()
    school.school_years_on += 1
    last_year = len(school.profile.years) - 1
    leaving = [n for n in present if n % (last_year + 1) + years_on[n] >= last_year]
    for n in leaving:
        school.remove(tables.students.ledger, n)
    for n in present:
        if n % (last_year + 1) + years_on[n] < last_year:
            _move_up(school, n, years_on[n] + 1)
    for n in range(len(leaving)):
        _enrol(school, n)
    _recount_all(school)
    return before


def _years_on(school: School, n: int) -> int:
    """Return how many years above its natural one a pupil is."""
    row = school.tables.students.row(n, school.revision)
    return int(row["YearGroupId"]) - 30 - n % len(school.profile.years)


def _move_up(school: School, n: int, years_on: int) -> None:
    profile, tables = school.profile, school.tables
    year, registration = (groups.group_of(profile, n, slot, years_on) for slot in (0, 1))
    school.touch(
        tables.students.ledger,
        n,
        {
            "YearGroupId": year.identity,
            "YearGroup": year.name,
            "RegGroupId": registration.identity,
            "RegGroup": registration.name,
        },
    )
    slots = groups.slots(profile)
    for slot in range(slots):
        if slot != 2:
            group = groups.group_of(profile, n, slot, years_on)
            overlay = groups.membership(profile, n, group)
            school.touch(tables.members.ledger, n * slots + slot, overlay)


def _enrol(school: School, _which: int) -> None:
    """Add a pupil to the youngest year."""
    students = school.tables.students
    n = students.ledger.insert(school.revision, school.stamp())
    _move_up(school, n, -(n % len(school.profile.years)))


def _recount_all(school: School) -> None:
    tables = school.tables
    rows = tables.members.rows(tables.members.keys(school.revision), school.revision)
    sizes = Counter(row["GroupId"] for row in rows)
    for key in tables.groups.keys(school.revision):
        row = tables.groups.row(key, school.revision)
        if row["NumStudents"] != sizes[row["Id"]]:
            school.touch(tables.groups.ledger, key, {"NumStudents": sizes[row["Id"]]})
