"""`data`: the published Parquet file, and the Athena table of such files."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from tests.support.builders import ESTAB
from tests.support.parquet import cells
from tests.support.published_dataset import DATA, PublishedDataset
from tools.catalogue.columns import TYPES
from tools.operator.athena import create_table
from tools.operator.commands.data import data
from xporter_bridge.snapshots.parquet_forms import FORMS

ROWS = [{"Id": "1", "EAL": 1, "LastUpdated": "2026-11-14T02:25:06.1"}, {"Id": "02", "Estab": "x"}]


def run(monkeypatch: pytest.MonkeyPatch, made: PublishedDataset, *words: str) -> Result:
    target = SimpleNamespace(client=lambda _: made.s3, output=lambda _: DATA)
    session = SimpleNamespace(target=target, is_json=False, show=lambda _, text: click.echo(text))
    monkeypatch.setattr("tools.operator.commands.data.open_session", lambda: session)
    return CliRunner().invoke(data, list(words))


@pytest.fixture
def both() -> PublishedDataset:
    made = PublishedDataset(has_parquet=True)
    made.publish({"Students": ROWS})
    return made


def test_the_parquet_file_is_the_published_one(
    both: PublishedDataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    to = tmp_path / "students.parquet"
    words = ("get", ESTAB, "students", "students", "--format", "parquet", "-o", str(to))
    assert run(monkeypatch, both, *words).exit_code == 0
    entry = both.published[-1].tables["Students"]
    assert entry.parquet
    assert to.read_bytes() == both.s3.objects[f"{DATA}/{entry.parquet.key}"]
    assert [row["Id"] for row in cells(to.read_bytes(), {})] == ["1", "02"]


def test_a_parquet_file_that_is_another_is_not_kept(
    both: PublishedDataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    both.s3.objects[f"{DATA}/{both.published[-1].tables['Students'].keys[3]}"] += b"x"
    to = tmp_path / "students.parquet"
    words = ("get", ESTAB, "students", "Students", "--format", "parquet", "-o", str(to))
    assert "not what its manifest says" in str(run(monkeypatch, both, *words).exception)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [("get", "--format", "parquet"), ("ddl",)])
def test_a_table_without_a_file_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    made = PublishedDataset()
    made.publish({"Students": ROWS})
    name, *options = command
    refused = run(monkeypatch, made, name, ESTAB, "students", "Students", *options)
    assert "Students has no Parquet file" in str(refused.exception)


def test_the_athena_table_declares_what_the_file_holds(
    both: PublishedDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = run(monkeypatch, both, "ddl", ESTAB, "students", "students").stdout
    assert said.startswith("CREATE EXTERNAL TABLE `students_students` (")
    columns = dict(re.findall(r"^  `(\w+)` (.+?),?$", said, re.MULTILINE))
    assert columns == {"id": "string", "eal": "boolean", "lastupdated": "timestamp"}
    key = str(both.published[-1].tables["Students"].keys[3])
    found = re.search(r"'storage.location.template' = 's3://data/(.+)'", said)
    assert found
    folder = found[1].replace("${estab}", ESTAB).replace("${dataset}", "students")
    assert key.startswith(folder)
    assert "/" not in key.removeprefix(folder)


def test_every_form_has_a_type_of_athena() -> None:
    forms = {form.name: kind for kind, forms in FORMS.items() for form in forms}
    for name, kind in forms.items():
        entry: dict[str, Any] = {"columns": ["X"], "parquet_types": {"X": name}}
        said = create_table("b", "d", "T", entry)
        expected = "date" if name == "date" else TYPES[kind].athena
        assert f"`x` {expected}\n" in said
