"""Changes of data at a school arrive as change files."""

from tools.demo.context import Journey
from tools.demo.schools import SECONDARY
from tools.demo.verification import Changes, change_files, difference, rows_of, sequences
from tools.demo.wait import expect


def follow_changes(journey: Journey) -> str:
    """Pupils come, change and leave; the change files hold exactly those rows."""
    since, before = sequences(SECONDARY, journey.lake), rows_of(SECONDARY, journey.lake)
    journey.simulator.change(SECONDARY.estab, "XodSchoolData", rows=20, inserts=5, deletes=8)
    journey.simulator.change(SECONDARY.estab, "XodAttendanceSummary", rows=12)
    journey.wait_for_truth(SECONDARY)
    wanted = difference(before, rows_of(SECONDARY, journey.lake))
    found = change_files(SECONDARY, journey.lake, since)
    for table, changes in wanted.items():
        expect(found.get(table, Changes()) == changes, f"{table}: the files hold other changes")
    rows, tables = sum(map(len, wanted.values())), sum(map(bool, wanted.values()))
    expect(rows > 0, "nothing changed")
    return f"{rows} rows of {tables} tables inserted, updated or deleted, and none besides"
