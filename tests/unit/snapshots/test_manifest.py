"""Where data lies, and what the manifest says of it, as docs/data.md says."""

from typing import Any

from xporter_bridge.snapshots.layout import DatasetLayout, school_prefixes
from xporter_bridge.snapshots.manifest import Manifest, TableEntry

PLACE = DatasetLayout("3281102", "students")
PARTITION = "estab=3281102/dataset=students"
ENTRY: dict[str, Any] = {
    "rows": 3,
    "snapshot_key": f"snapshots/{PARTITION}/table=Students/0000000007.ndjson.gz",
    "sha256": "ab",
    "upserts": 2,
    "upserts_key": f"changes/{PARTITION}/table=Students/0000000007.upserts.ndjson.gz",
    "deletes": 1,
    "deletes_key": f"changes/{PARTITION}/table=Students/0000000007.deletes.ndjson.gz",
    "columns": ["Id"],
}
DOCUMENT: dict[str, Any] = {
    "estab": "3281102",
    "dataset": "students",
    "sequence": 7,
    "pull_id": "p",
    "as_of": None,
    "completed_at": "2026-11-24T03:00:00.000Z",
    "stale": False,
    "requested_changed_rows": "*",
    "next_changed_rows": "hash",
    "endpoint": "students",
    "order": "numbers by value, then text by code point, then rows without Id by digest",
    "tables": {"Students": ENTRY},
}


def test_every_key_is_the_documented_one() -> None:
    assert PLACE.snapshot("Students", 7) == ENTRY["snapshot_key"]
    assert PLACE.change("Students", 7, "upserts") == ENTRY["upserts_key"]
    assert PLACE.change("Students", 7, "deletes") == ENTRY["deletes_key"]
    assert PLACE.manifest(7) == f"manifests/{PARTITION}/0000000007.json"
    assert PLACE.latest == f"manifests/{PARTITION}/latest.json"


def test_the_prefixes_hold_all_of_a_dataset_and_nothing_of_another() -> None:
    keys = [*TableEntry.read(ENTRY).keys, PLACE.latest]
    for prefixes in (PLACE.prefixes, school_prefixes("3281102")):
        assert all(key.startswith(prefixes) for key in keys)
    assert not DatasetLayout("3281102", "students-2026").latest.startswith(PLACE.prefixes)
    assert not DatasetLayout("32811021", "students").latest.startswith(school_prefixes("3281102"))


def test_a_manifest_is_written_as_it_was_read_field_by_field() -> None:
    again = Manifest.read(DOCUMENT).document()
    assert again == DOCUMENT
    assert list(again) == list(DOCUMENT)
    assert list(again["tables"]["Students"]) == list(ENTRY)


def test_what_only_some_manifests_say_is_read_and_written() -> None:
    odd = {**ENTRY, "key": "Mark", "identity": "row", "repeated": 2}
    entry = TableEntry.read(odd)
    assert (entry.key, entry.is_by_row, entry.repeated) == ("Mark", True, 2)
    assert entry.document() == odd
    erased = {**DOCUMENT, "erased": {"at": "then", "reason": "expired"}, "tables": {}}
    assert Manifest.read(erased).document() == erased


def test_what_another_version_wrote_is_kept() -> None:
    entry = {**ENTRY, "bytes": 12}
    document = {**DOCUMENT, "order": "another", "kind": "new", "tables": {"Students": entry}}
    assert Manifest.read(document).document() == document


PARQUET: dict[str, Any] = {
    "parquet_key": f"snapshots/{PARTITION}/format=parquet/table=Students/0000000007.parquet",
    "parquet_sha256": "cd",
    "parquet_types": {"EAL": "truth"},
}


def test_a_parquet_file_is_named_beside_its_snapshot() -> None:
    document = {**ENTRY, **PARQUET}
    entry = TableEntry.read(document)
    assert entry.document() == document
    assert entry.keys == (*TableEntry.read(ENTRY).keys, PARQUET["parquet_key"])
    assert all(key.startswith((*PLACE.prefixes,)) for key in entry.keys)
    failed = {**ENTRY, "parquet_key": None}
    assert TableEntry.read(failed).document() == failed
    assert TableEntry.read(failed).keys == TableEntry.read(ENTRY).keys


def test_the_parquet_file_of_an_earlier_snapshot_is_none_of_this_one() -> None:
    """A version that knows no Parquet keeps the fields when it erases a person."""
    stale = {**ENTRY, **PARQUET, "snapshot_key": PLACE.snapshot("Students", 8)}
    assert TableEntry.read(stale).parquet is None
    assert "parquet_key" not in TableEntry.read(stale).document()
