"""Data that will not hold still: rows that move between pages, columns that come and go."""

from tools.simulator.http.replies import Edit
from tools.simulator.school.revisioned_tables import Row
from tools.simulator.school.schools import School
from tools.simulator.school.tables_by_day import DatedSource
from tools.simulator.service.application import World
from tools.simulator.service.queries import Query


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
    if not (missing or added or casing):
        return None

    def edit(row: Row) -> Row:
        if missing:
            row.pop(str(missing.parameters.get("column", "QuickNote")), None)
        if added:
            column = str(added.parameters.get("column", "NewColumn"))
            row[column] = added.parameters.get("value", "new")
        return {_recased(name): value for name, value in row.items()} if casing else row

    return edit


def _recased(name: str) -> str:
    """Return the key as a later version of the service spells it: FSMEligible, FsmEligible."""
    known = {"FSMEligible": "FsmEligible", "FSMEver6": "FsmEver6", "formerUPN": "FormerUPN"}
    return known.get(name, name.replace("DateofBirth", "DateOfBirth").replace("GroupId", "GroupID"))
