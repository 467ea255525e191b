"""Data that change during a pull: rows that move between pages, columns that come and go."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from tools.simulator.http.replies import Edit
from tools.simulator.school.revisioned_tables import Row
from tools.simulator.school.schools import School
from tools.simulator.school.seeded_random import naive
from tools.simulator.school.tables_by_day import DatedSource
from tools.simulator.service.application import World
from tools.simulator.service.queries import Query

_UK = ZoneInfo("Europe/London")


def keep_drifting(world: World, school: School, query: Query) -> None:
    """Let a row come and one go between two pages, if the fault is on."""
    if not world.faults.take("page_drift", estab=school.estab, path=query.resource.name):
        return
    source = school.tables.source(query.resource.shapes[0], query.days)
    if isinstance(source, DatedSource):
        source = source.things
    keys = source.keys(school.revision)
    school.next_revision()
    if len(keys):
        school.remove(source.ledger, keys[0])
    if source.ledger.base is not None:
        for _ in range(2):
            source.ledger.insert(school.revision, school.stamp())
    school.collect(query.resource.database)
    # The pull that is going on now reads what has become of the data.
    for pull in [pull for pull in world.pins if pull[1] == school.estab]:
        del world.pins[pull]


def edit_for(world: World, school: School, query: Query) -> Edit | None:
    """Return what the faults about columns do to each row, if any is on."""
    place = {"estab": school.estab, "path": query.resource.name}
    missing = world.faults.take("missing_column", **place)
    added = world.faults.take("added_column", **place)
    casing = world.faults.take("key_casing", **place)
    spelling = world.faults.take("other_spelling", **place)
    if not (missing or added or casing or spelling):
        return None

    def edit(row: Row) -> Row:
        if missing:
            row.pop(str(missing.parameters.get("column", "QuickNote")), None)
        if added:
            column = str(added.parameters.get("column", "NewColumn"))
            row[column] = added.parameters.get("value", "new")
        if spelling:
            respell(row)
        return {_recased(name): value for name, value in row.items()} if casing else row

    return edit


def respell(row: Row) -> None:
    """Write ids, days, points and marks as another MIS would: the same things."""
    if "StudentId" in row:
        row["StudentId"] = f" pl-00{row['StudentId']}"
    if "Points" in row:
        row["Points"] = f"{row['Points']}.00"
    if row.get("Date"):
        midnight = datetime.combine(date.fromisoformat(row["Date"]), time(), _UK)
        row["Date"] = naive(midnight.astimezone(UTC))
    if row.get("Mark"):
        row["Mark"] = f"{row['Mark']} "


def _recased(name: str) -> str:
    """Return the key as a later version of the service spells it: FSMEligible, FsmEligible."""
    known = {"FSMEligible": "FsmEligible", "FSMEver6": "FsmEver6", "formerUPN": "FormerUPN"}
    return known.get(name, name.replace("DateofBirth", "DateOfBirth").replace("GroupId", "GroupID"))
