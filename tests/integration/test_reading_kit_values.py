"""The reading kit of docs/data.md on rows that a reader which guesses types would lose."""

import ast
import gzip
import io
import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.template import ROOT

PAGE = (ROOT / "docs/data.md").read_text(encoding="utf-8")
# More than any reader samples: DuckDB looks at 20,480 rows.
BEFORE = 20_500
KEY = "snapshots/all.ndjson.gz"


class _Bucket:
    """One object, as S3 gives it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def get_object(self, **_: str) -> dict[str, Any]:
        return {"Body": io.BytesIO(self._body)}

    def download_file(self, _bucket: str, _key: str, file: str) -> None:
        Path(file).write_bytes(self._body)


def _kit(lines: list[str], folder: Path) -> dict[str, Any]:
    """Return what the page's Python defines, reading these lines and nothing else."""
    defined: list[ast.stmt] = []
    for block in re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE):
        kept = (ast.Import, ast.FunctionDef)
        defined += [each for each in ast.parse(block).body if isinstance(each, kept)]
    names: dict[str, Any] = {
        "s3": _Bucket(gzip.compress("".join(f"{line}\n" for line in lines).encode())),
        "bucket": "bucket",
        "folder": folder,
    }
    exec(compile(ast.Module(defined, []), "docs/data.md", "exec"), names)
    return names


def _manifest(columns: list[str]) -> Mapping[str, Any]:
    return {"dataset": "all", "tables": {"Rows": {"snapshot_key": KEY, "columns": columns}}}


# What the first rows hold of a column, as JSON; then what comes, and what it must be read as.
COLUMNS = [
    ("DateOfBirth", "null", '"2016-08-24"', "2016-08-24"),
    ("LeavingDate", '"2016-08-24"', '"not known"', "not known"),
    ("Points", "1", "0.5", Decimal("0.5")),
    ("Count", "1", "1180591620717411303424", 1180591620717411303424),
    ("AdmissionNo", '"4367"', '"004367"', "004367"),
    ("LocalId", '"1"', '"1e3"', "1e3"),
    ("EAL", "1", '"perhaps"', "perhaps"),
    ("ServiceChild", "true", "0", 0),
    ("QuickNote", "null", '"[see SEN file]"', "[see SEN file]"),
    ("Period", '"09:00"', '"Mon:1"', "Mon:1"),
    ("UPN", '"NA"', '"null"', "null"),
    ("date", '"2016-08-24"', '"1471993200"', "1471993200"),
    ("modified", "1", '"007"', "007"),
]


@pytest.fixture(scope="module")
def lines() -> list[str]:
    columns = {
        place: ", ".join(f'"{column[0]}": {column[place]}' for column in COLUMNS)
        for place in (1, 2)
    }
    first = [f'{{"Id": "{n}", {columns[1]}}}' for n in range(BEFORE)]
    return [*first, f'{{"Id": "0007", {columns[2]}}}', '{"Id": "last", "EAL": 0}']


@pytest.fixture
def kit(lines: list[str], tmp_path: Path) -> Iterator[dict[str, Any]]:
    yield _kit(lines, tmp_path)
    duckdb.sql('DROP VIEW IF EXISTS "Rows"')


NAMES = ["Id", *(column[0] for column in COLUMNS), "Unseen"]


def test_plain_python_reads_every_value_as_it_is_written(kit: dict[str, Any]) -> None:
    read = list(kit["rows"](KEY))
    assert len(read) == BEFORE + 2
    assert read[BEFORE] == {"Id": "0007", **{name: value for name, _, _, value in COLUMNS}}
    assert all(
        type(read[BEFORE][name]) is type(value) for name, _, _, value in COLUMNS
    )  # 0 is not False, and no number a float


def test_pandas_reads_every_value_as_it_is_written(kit: dict[str, Any]) -> None:
    frame = kit["frame"](_manifest(NAMES), "Rows")
    assert list(frame.columns) == NAMES
    assert len(frame) == BEFORE + 2
    found = frame.iloc[BEFORE].to_dict()
    assert found == {"Id": "0007", **{n: v for n, _, _, v in COLUMNS}, "Unseen": None}
    assert all(type(found[name]) is type(value) for name, _, _, value in COLUMNS)
    assert frame["Id"].iloc[-1] == "last"
    assert frame["Points"].iloc[-1] is None


def test_duckdb_reads_every_value_as_it_is_written(kit: dict[str, Any]) -> None:
    kit["view"](_manifest(NAMES), "Rows")
    found = duckdb.sql("SELECT * FROM \"Rows\" WHERE Id = '0007'")
    (row,) = found.fetchall()
    texts = {name: str(value) for name, _, _, value in COLUMNS}
    assert dict(zip(found.columns, row, strict=True)) == {"Id": "0007", **texts, "Unseen": None}
    counted = duckdb.sql('SELECT count(*), count(DISTINCT Id), count(Points) FROM "Rows"')
    assert counted.fetchall() == [(BEFORE + 2, BEFORE + 2, BEFORE + 1)]


@pytest.mark.parametrize("column", ["LeavingDate", "EAL", "LocalId"])
def test_a_cast_that_does_not_fit_says_so(kit: dict[str, Any], column: str) -> None:
    kit["view"](_manifest(NAMES), "Rows")
    types = {"LeavingDate": "DATE", "EAL": "BOOLEAN", "LocalId": "DATE"}
    with pytest.raises(duckdb.ConversionException):
        duckdb.sql(f'SELECT max(CAST({column} AS {types[column]})) FROM "Rows"').fetchall()


@pytest.mark.parametrize(
    "names",
    [["DateofBirth", "DateOfBirth"], ["Year's", 'He said "no"'], ["GroupId", "GroupID", "groupid"]],
)
def test_a_name_in_any_spelling_is_a_column(tmp_path: Path, names: list[str]) -> None:
    lines = [json.dumps({"Id": str(n), name: f"value {n}"}) for n, name in enumerate(names)]
    _kit(lines, tmp_path)["view"](_manifest(["Id", *names]), "Rows")
    read = duckdb.sql('SELECT * FROM "Rows" ORDER BY Id').fetchall()
    assert [{*row} - {None} for row in read] == [{str(n), f"value {n}"} for n in range(len(names))]
    duckdb.sql('DROP VIEW "Rows"')
