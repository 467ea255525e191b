"""docs/data.md as its reader types it: every piece of Python and SQL, on real snapshots."""

import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from tools.demo.context import Journey
from tools.demo.schools import PRIMARY
from tools.set_up import ROOT
from tools.stack.emulator import KEY

pytestmark = pytest.mark.xdist_group("stack")

PAGE = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
# What Athena calls otherwise, for the engine that stands in for it here.
ATHENA_NAMES = (
    "CREATE MACRO json_extract_scalar(document, path) AS json_extract_string(document, path)"
)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def reader(journey: Journey, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The names that a reader has after typing every Python block, in order."""
    for name, value in {
        "AWS_ENDPOINT_URL": journey.stack.aws_endpoint_url,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": KEY,
        "AWS_DEFAULT_REGION": journey.stack.region,
        "BUCKET": journey.stack.bucket,
        "ESTAB": PRIMARY.estab,
    }.items():
        monkeypatch.setenv(name, value)
    names: dict[str, Any] = {}
    for block in blocks("python"):
        exec(compile(block, "docs/data.md", "exec"), names)
    yield names
    names["bridge"].close()


def test_every_python_block_reads_what_the_school_has(
    reader: dict[str, Any], journey: Journey
) -> None:
    truth = journey.simulator.truth(PRIMARY.estab, "Students", {"resource": "students"})
    followed = reader["tables"]["Students"]
    assert len(reader["students"]) == len(followed) == len(reader["pupils"]) == len(truth)


@pytest.mark.parametrize("dataset", ["attendancecodes", "groups", "studentcontacts"])
def test_following_changes_ends_at_the_snapshots_whatever_identifies_a_row(
    reader: dict[str, Any], journey: Journey, dataset: str
) -> None:
    manifest = journey.lake.latest(PRIMARY.estab, dataset)
    assert manifest
    tables: dict[str, Any] = {}
    for step in reader["bridge"].follow(PRIMARY.estab, dataset):
        step.apply(tables)
    for name, facts in manifest["tables"].items():
        rows = [
            json.loads(line) for line in journey.lake.content(facts["snapshot_key"]).splitlines()
        ]
        assert len(rows) == facts["rows"] == len(tables[name])
        assert sorted(map(str, rows)) == sorted(map(str, tables[name].values()))


def test_pandas_keeps_ids_as_text(reader: dict[str, Any]) -> None:
    assert set(map(type, reader["pupils"]["Id"])) == {str}


def test_duckdb_counts_the_pupils_of_every_registration_group(reader: dict[str, Any]) -> None:
    counted = duckdb.sql(blocks("sql")[0]).fetchall()
    assert sum(pupils for _, pupils in counted) == len(reader["students"])


@pytest.fixture
def glue_tables(journey: Journey) -> Iterator[duckdb.DuckDBPyConnection]:
    """The two Glue tables of the page over the same objects, in DuckDB."""
    connection = duckdb.connect()
    connection.sql(ATHENA_NAMES)
    connection.sql(
        'CREATE TABLE snapshots (row TEXT, "$path" TEXT, estab TEXT, dataset TEXT, table_name TEXT)'
    )
    connection.sql('CREATE TABLE manifests (row TEXT, "$path" TEXT, estab TEXT, dataset TEXT)')
    manifest = journey.lake.latest(PRIMARY.estab, "students")
    assert manifest
    for name, table in manifest["tables"].items():
        for line in journey.lake.content(table["snapshot_key"]).decode().splitlines():
            where = f"s3://{journey.stack.bucket}/{table['snapshot_key']}"
            row = (line, where, PRIMARY.estab, "students", name)
            connection.execute("INSERT INTO snapshots VALUES (?, ?, ?, ?, ?)", row)
    yield connection
    connection.close()


def test_the_athena_query_reads_what_latest_json_names(
    glue_tables: duckdb.DuckDBPyConnection, journey: Journey
) -> None:
    key = f"manifests/estab={PRIMARY.estab}/dataset=students/latest.json"
    body = journey.stack.aws("s3").get_object(Bucket=journey.stack.bucket, Key=key)["Body"]
    lines = body.read().decode().splitlines()
    assert len(lines) == 1, "Athena reads a line at a time"
    row = (lines[0], f"s3://{journey.stack.bucket}/{key}", PRIMARY.estab, "students")
    glue_tables.execute("INSERT INTO manifests VALUES (?, ?, ?, ?)", row)
    counted = glue_tables.sql(blocks("sql")[1]).fetchall()
    assert sum(pupils for _, pupils in counted) == PRIMARY.students
