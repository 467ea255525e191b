"""A snapshot is written anew without the erased people, whatever identifies its rows."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from tests.support.parquet import cells, hold_equal
from tests.support.published_dataset import DATA, STAGING, PublishedDataset
from xporter_bridge.erasure.rewrite_snapshot import SnapshotRewriter
from xporter_bridge.schools.erased_people import OpenedPeople
from xporter_bridge.snapshots.manifest import Manifest, TableEntry
from xporter_bridge.snapshots.row_keys import key_of_line
from xporter_bridge.xporter.people import PersonKind

Rows = list[dict[str, Any]]
PUPIL = (PersonKind.PUPIL, "9919")
_PLAIN = OpenedPeople(b"k" * 32, frozenset())
PEOPLE = OpenedPeople(b"k" * 32, frozenset({_PLAIN.digest(PUPIL)}))


def rewriter(made: PublishedDataset, manifest: Manifest) -> SnapshotRewriter:
    return SnapshotRewriter(
        made.store,
        manifest,
        PEOPLE,
        out="staging/x/",
        heartbeat=lambda: None,
        parquet=made.parquet_files(),
    )


def rewritten(
    table: str, *sequences: Rows, keys: dict[str, str] | None = None
) -> tuple[TableEntry, TableEntry, list[bytes]]:
    """Return a table's entry before and after, and its lines after."""
    made = PublishedDataset(keys=keys)
    for each in sequences:
        manifest = made.publish({table: each})
    work = rewriter(made, manifest)
    found = work.search()
    result = work.rewrite(found)
    made.store.publish(result.copies)
    entry = result.tables[table]
    lines = gzip.decompress(made.s3.objects[f"{DATA}/{entry.snapshot_key}"]).splitlines()
    for key in (entry.upserts_key, entry.deletes_key):
        assert gzip.decompress(made.s3.objects[f"{DATA}/{key}"]) == b""
    assert (entry.upserts, entry.deletes) == (0, 0)
    assert entry.rows == len(lines)
    order = [key_of_line(entry.key)(line) for line in lines]
    assert order == sorted(order)
    return manifest.tables[table], entry, lines


def test_rows_about_the_person_go_and_mentions_are_taken_out() -> None:
    groups: Rows = [
        {"Id": str(n), "Name": f"g{n}", "StudentIds": f"{n},9919" if n % 2 else "1"}
        for n in range(1, 3000)
    ]
    before, after, lines = rewritten("Group", groups)
    assert (before.rows, after.rows) == (2999, 2999)
    assert not [line for line in lines if b"9919" in line.partition(b"StudentIds")[2]]
    assert [json.loads(line).get("StudentIds") for line in lines[:3]] == ["1", "1", "3"]
    _, after, lines = rewritten("Students", [{"Id": "1"}, {"Id": "9919"}, {"Id": "10000"}])
    assert [json.loads(line)["Id"] for line in lines] == ["1", "10000"]
    assert after.sha256


def test_a_table_that_lost_rows_identifies_its_rows_otherwise_and_others_do_not() -> None:
    before, after, _ = rewritten("Students", [{"Id": "1"}, {"Id": "9919"}])
    assert (before.is_by_row, after.is_by_row) == (False, True)
    made = PublishedDataset()
    manifest = made.publish({"Students": [{"Id": "9919"}], "AttendCodes": [{"Id": "9919"}]})
    work = rewriter(made, manifest)
    codes = work.rewrite(work.search()).tables["AttendCodes"]
    assert (codes.is_by_row, codes.snapshot_key) == (
        False, manifest.tables["AttendCodes"].snapshot_key,
    )  # fmt: skip


def test_a_table_with_repeated_ids_counts_those_that_are_left() -> None:
    rows: Rows = [
        {"Id": "1", "StudentId": "9919", "n": 1},
        {"Id": "1", "StudentId": "2", "n": 2},
        {"Id": "3", "StudentId": "2", "n": 3},
        {"Id": "3", "StudentId": "2", "n": 4},
    ]
    before, after, lines = rewritten("Marks", rows)
    assert (before.repeated, before.is_by_row) == (2, True)
    assert (after.repeated, after.is_by_row, len(lines)) == (1, False, 3)


def test_rows_without_an_id_stay_in_order_when_a_mention_goes() -> None:
    rows: Rows = [{"Name": f"g{n}", "StudentIds": f"{n},9919"} for n in range(50)]
    _, after, lines = rewritten("Group", rows)
    assert after.rows == 50
    found = {json.loads(line)["Name"]: json.loads(line)["StudentIds"] for line in lines}
    assert found == {f"g{n}": str(n) for n in range(50)}


def test_two_rows_that_differed_only_in_the_person_are_one() -> None:
    rows: Rows = [{"Name": "g", "StudentIds": "1,9919"}, {"Name": "g", "StudentIds": "1"}]
    assert rewritten("Group", rows)[2] == [b'{"Name":"g","StudentIds":"1"}']


def test_a_number_that_python_would_change_stays_as_it_is() -> None:
    made = PublishedDataset()
    manifest = made.publish({"Group": [{"Id": "1", "StudentIds": "9919", "n": 0}]})
    entry = manifest.tables["Group"]
    line = b'{"Id":"1","StudentIds":"9919,2","n":12345678901234567890.123456789}\n'
    made.s3.objects[f"{DATA}/{entry.snapshot_key}"] = gzip.compress(line)
    work = rewriter(made, manifest)
    result = work.rewrite(work.search())
    staged = result.copies[result.tables["Group"].snapshot_key]
    body = gzip.decompress(made.s3.objects[f"{STAGING}/{staged}"])
    assert body == b'{"Id":"1","StudentIds":"2","n":12345678901234567890.123456789}\n'


@pytest.mark.parametrize("table", ["Students", "Marks"])
def test_a_deletion_that_names_the_person_makes_a_new_sequence(table: str) -> None:
    made = PublishedDataset()
    row = {"Id": "9919", "StudentId": "9919"}
    made.publish({table: [row, {"Id": "2", "StudentId": "2"}, {"Id": "2", "StudentId": "3"}]})
    manifest = made.publish({table: [{"Id": "2", "StudentId": "2"}, {"Id": "2", "StudentId": "3"}]})
    found = rewriter(made, manifest).search()
    assert found[table].has_trace
    assert not found[table].is_changed
    result = rewriter(made, manifest).rewrite(found)
    assert result.tables[table].snapshot_key == manifest.tables[table].snapshot_key
    assert result.tables[table].deletes == 0


def test_a_table_that_had_a_parquet_file_has_one_without_the_person() -> None:
    made = PublishedDataset(has_parquet=True)
    rows: Rows = [{"Id": "1", "EAL": 0}, {"Id": "9919", "EAL": 1}]
    manifest = made.publish({"Students": rows, "AttendCodes": [{"Id": "9919"}]})
    work = rewriter(made, manifest)
    result = work.rewrite(work.search())
    made.store.publish(result.copies)
    objects = {key.removeprefix(f"{DATA}/"): body for key, body in made.s3.objects.items()}
    students, codes = result.tables["Students"], result.tables["AttendCodes"]
    hold_equal(objects, students.document())
    assert students.parquet
    assert cells(objects[str(students.parquet.key)], {}) == [{"Id": "1", "EAL": "false"}]
    assert codes.parquet == manifest.tables["AttendCodes"].parquet


def test_nothing_is_found_where_nobody_is() -> None:
    made = PublishedDataset()
    manifest = made.publish(
        {"Students": [{"Id": "1"}], "Group": [{"Id": "9919", "StaffIds": "9919"}]}
    )
    assert rewriter(made, manifest).search() == {}
