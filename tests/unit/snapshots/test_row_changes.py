"""What a school did to a row, and what only Xporter did."""

import pytest

from xporter_bridge.snapshots.row_changes import slight_changes

KNOWN = ("Id", "Name", "Notes", "LastUpdated", "RowHash")
OLD = b'{"Id":"1","Name":"A","Notes":null,"LastUpdated":"2026-11-23","RowHash":"aa"}'


@pytest.mark.parametrize(
    ("new", "is_slight"),
    [
        (b'{"Id":"1","Name":"A","Notes":null,"LastUpdated":"2026-11-24","RowHash":"bb"}', True),
        (b'{"Id":"1","Name":"A","Notes":null,"lastUpdated":null,"ROWHASH":7}', True),
        (b'{"RowHash":"bb","Notes":null,"Name":"A","Id":"1"}', True),
        (b'{"Id":"1","name":"A","NOTES":null,"House":"red"}', True),
        (b'{"Id":"1","Name":"A","Notes":null,"Hours":12345678901234567890123}', True),
        (b'{"Id":"1","Name":"B","Notes":null,"LastUpdated":"2026-11-23","RowHash":"aa"}', False),
        (b'{"Id":"1","Name":"A","LastUpdated":"2026-11-23","RowHash":"aa"}', False),
        (b'{"Id":"1","Name":"A","Notes":",\\"RowHash\\":\\"bb\\"","House":"red"}', False),
        (b'{"Id":"1","Name":"A","Notes":12345678901234567890123}', False),
        (b'{"Id":1,"Name":"A","Notes":null}', False),
    ],
)  # fmt: skip
def test_bookkeeping_casing_order_and_new_columns_are_not_the_schools_doing(
    new: bytes, is_slight: bool
) -> None:
    assert slight_changes(KNOWN)(OLD, new) is is_slight


def test_the_number_of_a_groups_pupils_is_guarded_by_the_table_of_its_members() -> None:
    old, new = (b'{"Id":"1","Name":"7B","NumStudents":%d}' % number for number in (30, 31))
    is_slight = slight_changes(("Id", "Name", "NumStudents"))
    assert is_slight(old, new)
    assert not is_slight(old, new.replace(b"7B", b"7C"))
