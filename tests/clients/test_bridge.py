"""Reading one state of a dataset, verifying the state, and the package that is shipped."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import tomllib
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
from urllib3.exceptions import ProtocolError

from tests.support.builders import ESTAB
from tests.support.fakes import KilledError
from tests.support.moto_cloud import Cloud
from tests.support.parquet import cells
from tests.support.published_dataset import DATA, PublishedDataset
from tests.support.template import ROOT
from xporter_bridge.snapshots.store import SnapshotStore
from xporter_bridge_client import (
    Bridge,
    DamagedError,
    ErasedError,
    NotFoundError,
    SupersededError,
)
from xporter_bridge_client.objects import Objects

PACKAGE = ROOT / "clients/python"
ROWS = [{"Id": "1", "Name": "Ada"}, {"Id": "02", "Name": "Bob"}]


@pytest.fixture
def published() -> PublishedDataset:
    made = PublishedDataset()
    made.publish({"Students": ROWS, "Addresses": []})
    return made


def test_a_table_is_read_whatever_the_casing_of_its_name(published: PublishedDataset) -> None:
    dataset = Bridge(DATA, published.s3).school(ESTAB).dataset("students")
    assert list(dataset.table("students").rows()) == ROWS
    assert [(table.name, len(table)) for table in dataset.tables()] == [
        ("Students", 2),
        ("Addresses", 0),
    ]
    with pytest.raises(NotFoundError, match="no table Pupils, but Students, Addresses"):
        dataset.table("Pupils")


def test_a_dataset_stays_one_state_until_it_is_refreshed(published: PublishedDataset) -> None:
    dataset = Bridge(DATA, published.s3).school(ESTAB).dataset("students")
    assert dataset.manifest.sequence == 1
    published.publish({"Students": ROWS[:1], "Addresses": []})
    assert list(dataset.table("Students").rows()) == ROWS
    assert list(dataset.refreshed().table("Students").rows()) == ROWS[:1]
    published.prune(keep=1)
    with pytest.raises(SupersededError, match=r"read latest\.json again"):
        next(dataset.table("Students").rows())


def test_what_is_not_published_and_what_was_erased_are_told_apart(
    published: PublishedDataset,
) -> None:
    school = Bridge(DATA, published.s3).school(ESTAB)
    with pytest.raises(NotFoundError) as found:
        school.dataset("staff").tables()
    assert not isinstance(found.value, ErasedError)
    published.erase("left_out")
    with pytest.raises(ErasedError, match="left_out"):
        school.dataset("students").tables()


def test_the_datasets_of_a_school_are_listed_from_s3(cloud: Cloud) -> None:
    store = SnapshotStore(cloud.client("s3"), cloud.ref("DataBucket"), cloud.ref("StagingBucket"))
    for dataset in ("students", "groups"):
        store.put_document(f"manifests/estab={ESTAB}/dataset={dataset}/latest.json", {})
    bridge = Bridge(cloud.ref("DataBucket"))
    assert bridge.school(ESTAB).datasets() == ["groups", "students"]
    with pytest.raises(NotFoundError):
        _ = bridge.school(ESTAB).dataset("staff").manifest
    bridge.close()


def test_memory_does_not_depend_on_the_rows_of_a_table() -> None:
    published = PublishedDataset()
    note = "x" * 1_000
    published.publish({"Students": [{"Id": str(n), "Note": note} for n in range(1, 8_001)]})
    table = Bridge(DATA, published.s3).school(ESTAB).dataset("students").table("Students")
    tracemalloc.start()
    try:
        assert sum(1 for _ in table.rows()) == 8_000
        assert tracemalloc.get_traced_memory()[1] < 3_000_000  # of 8 MB
    finally:
        tracemalloc.stop()


class _Cut(io.BytesIO):
    def read(self, *_: Any) -> bytes:
        raise ProtocolError("connection broken")


def test_a_cut_connection_is_repeated_and_a_kill_leaves_no_file(
    published: PublishedDataset,
) -> None:
    bodies: list[Any] = [_Cut(), _Cut(), io.BytesIO(b"whole")]
    waits: list[float] = []

    class Cutting:
        def get_object(self, **_: str) -> dict[str, Any]:
            return {"Body": bodies.pop(0)}

    with Objects(DATA, Cutting(), waits.append).fetch("key") as file:
        assert file.read() == b"whole"
    assert waits == [0.2, 0.4]

    class Killing:
        def get_object(self, **_: str) -> dict[str, Any]:
            raise KilledError

    with pytest.raises(KilledError):
        Objects(DATA, Killing()).fetch("key")


# -- verify


def test_a_sequence_as_it_was_published_is_verified(published: PublishedDataset) -> None:
    verified = Bridge(DATA, published.s3).verify(ESTAB, "students")
    assert verified.is_ok
    assert verified.manifest.sequence == 1


def test_every_difference_is_found_and_named(published: PublishedDataset) -> None:
    objects = published.s3.objects
    students = published.published[-1].tables["Students"]
    addresses = published.published[-1].tables["Addresses"]
    other = PublishedDataset()
    made = other.publish({"Students": [ROWS[0], {**ROWS[1], "Name": "Eve"}]})
    swapped = other.s3.objects[f"{DATA}/{made.tables['Students'].snapshot_key}"]
    objects[f"{DATA}/{students.snapshot_key}"] = swapped
    objects[f"{DATA}/{students.upserts_key}"] = objects[f"{DATA}/{students.deletes_key}"]
    objects[f"{DATA}/{students.deletes_key}"] = b"no gzip"
    del objects[f"{DATA}/{addresses.deletes_key}"]
    verified = Bridge(DATA, published.s3).verify(ESTAB, "students")
    assert [(each.table, each.says) for each in verified.findings] == [
        ("Students", "the digest of the rows is another"),
        ("Students", "0 rows instead of 2"),
        ("Students", "the object is no gzip file"),
        ("Addresses", "the object is missing"),
    ]
    with pytest.raises(DamagedError):
        next(Bridge(DATA, published.s3).school(ESTAB).dataset("students").table("students").rows())


def test_a_sequence_that_is_replaced_while_it_is_verified_is_no_finding(
    published: PublishedDataset,
) -> None:
    class Replacing:
        def __init__(self) -> None:
            self.calls = 0

        def get_object(self, **place: str) -> Any:
            self.calls += 1
            if self.calls == 2:
                published.publish({"Students": ROWS[:1], "Addresses": []})
                published.prune(keep=1)
            return published.s3.get_object(**place)

    verified = Bridge(DATA, Replacing()).verify(ESTAB, "students")
    assert verified.is_ok
    assert verified.manifest.sequence == 2


# -- the package


def test_every_import_is_of_the_standard_library_or_a_dependency() -> None:
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    needed = {each.partition(">")[0] for each in project["dependencies"]}
    # Imported for the type checker alone, or when they are used.
    lazy = {"pandas", "duckdb", "pyarrow"}
    brought = {"botocore": "boto3", "urllib3": "requests"}
    for path in (PACKAGE / "xporter_bridge_client").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [str(node.module)]
            found = {name.partition(".")[0] for name in names} - lazy
            assert {brought.get(name, name) for name in found} - needed <= set(
                sys.stdlib_module_names
            ), path.name


def test_the_package_is_imported_without_its_extras() -> None:
    code = (
        "import sys; import xporter_bridge_client; "
        "sys.exit(bool({'pandas', 'duckdb', 'pyarrow'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(PACKAGE)})


def test_the_wheel_holds_the_package_and_its_types(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory"]
    subprocess.run([*build, str(tmp_path)], cwd=PACKAGE, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("xporter_bridge_client-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    sources = {
        str(path.relative_to(PACKAGE)) for path in (PACKAGE / "xporter_bridge_client").glob("*.py*")
    }
    assert sources | {"xporter_bridge_client/py.typed"} <= names
    assert all(name.startswith("xporter_bridge_client") for name in names)


# -- the published Parquet file


@pytest.fixture
def in_both() -> PublishedDataset:
    made = PublishedDataset(has_parquet=True)
    made.publish({"Students": [{**row, "EAL": 1} for row in ROWS], "Addresses": []})
    return made


def test_the_published_parquet_file_is_saved_and_verified(
    in_both: PublishedDataset, tmp_path: Path
) -> None:
    bridge = Bridge(DATA, in_both.s3)
    table = bridge.school(ESTAB).dataset("students").table("Students")
    assert table.facts.parquet_types == {"EAL": "truth"}
    table.save_parquet(tmp_path / "students.parquet")
    found = cells((tmp_path / "students.parquet").read_bytes(), table.facts.parquet_types)
    assert found == [{**row, "EAL": "1"} for row in ROWS]
    assert [path.name for path in tmp_path.iterdir()] == ["students.parquet"]
    assert bridge.verify(ESTAB, "students").is_ok


def test_a_parquet_file_that_is_another_or_missing_is_found(
    in_both: PublishedDataset, tmp_path: Path
) -> None:
    tables = in_both.published[-1].tables
    keys = {name: entry.keys[3] for name, entry in tables.items()}
    in_both.s3.objects[f"{DATA}/{keys['Students']}"] += b"x"
    del in_both.s3.objects[f"{DATA}/{keys['Addresses']}"]
    bridge = Bridge(DATA, in_both.s3)
    assert [(each.key, each.says) for each in bridge.verify(ESTAB, "students").findings] == [
        (keys["Students"], "the digest of the file is another"),
        (keys["Addresses"], "the object is missing"),
    ]
    dataset = bridge.school(ESTAB).dataset("students")
    with pytest.raises(DamagedError):
        dataset.table("Students").save_parquet(tmp_path / "students.parquet")
    with pytest.raises(SupersededError):
        dataset.table("Addresses").save_parquet(tmp_path / "addresses.parquet")
    assert list(tmp_path.iterdir()) == []


def test_a_table_without_a_parquet_file_says_so(
    published: PublishedDataset, tmp_path: Path
) -> None:
    table = Bridge(DATA, published.s3).school(ESTAB).dataset("students").table("Students")
    assert table.facts.parquet_key is None
    with pytest.raises(NotFoundError, match="to_parquet makes one of text"):
        table.save_parquet(tmp_path / "students.parquet")
