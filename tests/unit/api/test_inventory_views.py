from xporter_bridge.api.inventory_views import present_inventory
from xporter_bridge.datasets.config import configured, parse

MINIMISED = """
[datasets.students]
endpoint = "students"
drift = "discard"
[datasets.students.leave_out]
Students = ["QuickNote", "Religion"]
[datasets.students.allow]
Students = ["FaithGroup"]
"""


def test_every_configured_dataset_is_listed_with_its_catalogued_fields() -> None:
    found = {each.dataset: each for each in present_inventory(configured()).datasets}
    assert set(found) == {dataset.name for dataset in configured().values()}
    for dataset in configured().values():
        tables = {each.table: each for each in found[dataset.name].tables}
        for table in dataset.endpoint.tables.values():
            shown = tables[table.name]
            assert set(shown.stored) | set(shown.left_out) >= table.fields


def test_a_field_left_out_is_not_stored_and_one_allowed_is_named() -> None:
    (students,) = present_inventory(parse(MINIMISED)).datasets
    (table,) = [each for each in students.tables if each.table == "Students"]
    assert {"QuickNote", "Religion"} == set(table.left_out)
    assert not {"QuickNote", "Religion"} & set(table.stored)
    assert "Forename" in table.stored
    assert table.allowed == ["faithgroup"]
    assert (students.scope, students.new_columns) == ("Student,StudentLite", "discard")
    assert "Student" in students.scopes
