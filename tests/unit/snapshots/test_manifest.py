"""Where data lies, as docs/data.md says."""

from xporter_bridge.snapshots.layout import DatasetLayout, school_prefixes
from xporter_bridge.snapshots.manifest import manifest, table_entry

PLACE = DatasetLayout("3281102", "students")
ENTRY = table_entry(PLACE, "Students", 7, rows=3, sha256="ab", upserts=2, deletes=1, columns=["Id"])


def test_every_key_is_the_documented_one() -> None:
    partition = "estab=3281102/dataset=students"
    assert {
        "rows": 3,
        "snapshot_key": f"snapshots/{partition}/table=Students/0000000007.ndjson.gz",
        "sha256": "ab",
        "upserts": 2,
        "upserts_key": f"changes/{partition}/table=Students/0000000007.upserts.ndjson.gz",
        "deletes": 1,
        "deletes_key": f"changes/{partition}/table=Students/0000000007.deletes.ndjson.gz",
        "columns": ["Id"],
    } == ENTRY
    assert PLACE.manifest(7) == f"manifests/{partition}/0000000007.json"
    assert PLACE.latest == f"manifests/{partition}/latest.json"


def test_a_table_that_did_not_change_keeps_its_earlier_snapshot() -> None:
    entry = table_entry(
        PLACE, "Students", 8, rows=3, sha256="ab", upserts=0, deletes=0, columns=[],
        snapshot_key=ENTRY["snapshot_key"],
    )  # fmt: skip
    assert entry["snapshot_key"] == ENTRY["snapshot_key"]
    assert "0000000008" in entry["upserts_key"]


def test_the_prefixes_hold_all_of_a_dataset_and_nothing_of_another() -> None:
    keys = [ENTRY["snapshot_key"], ENTRY["upserts_key"], ENTRY["deletes_key"], PLACE.latest]
    for prefixes in (PLACE.prefixes, school_prefixes("3281102")):
        assert all(key.startswith(prefixes) for key in keys)
    assert not DatasetLayout("3281102", "students-2026").latest.startswith(PLACE.prefixes)
    assert not DatasetLayout("32811021", "students").latest.startswith(school_prefixes("3281102"))


def test_a_manifest_says_what_belongs_together() -> None:
    document = manifest(PLACE, 7, {"Students": ENTRY}, pull_id="p", stale=False)
    assert document == {
        "estab": "3281102",
        "dataset": "students",
        "sequence": 7,
        "pull_id": "p",
        "stale": False,
        "order": "numbers by value, then text by code point, then rows without Id by digest",
        "tables": {"Students": ENTRY},
    }
