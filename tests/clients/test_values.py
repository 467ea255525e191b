"""The client on rows that a reader which guesses types would lose."""

import gzip
import hashlib
import io
import json
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from xporter_bridge_client import DamagedError, MissingExtraError, Table
from xporter_bridge_client.manifest import TableFacts
from xporter_bridge_client.objects import Objects

# More than any reader samples: DuckDB looks at 20,480 rows.
BEFORE = 20_500


class _Bucket:
    """One object, as S3 gives it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def get_object(self, **_: str) -> dict[str, Any]:
        return {"Body": io.BytesIO(self._body)}


def _table(lines: list[str], columns: Sequence[str], sha256: str = "") -> Table:
    """Return a table of these lines and nothing else."""
    content = "".join(f"{line}\n" for line in lines).encode()
    facts = TableFacts.read(
        "Rows",
        {
            "rows": len(lines),
            "sha256": sha256 or hashlib.sha256(content).hexdigest(),
            "columns": columns,
            "upserts": 0,
            "deletes": 0,
            **{f"{kind}_key": f"{kind}.ndjson.gz" for kind in ("snapshot", "upserts", "deletes")},
        },
    )
    return Table(Objects("bucket", _Bucket(gzip.compress(content))), facts)


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


NAMES = ["Id", *(column[0] for column in COLUMNS), "Unseen"]
TEXTS = {name: str(value) for name, _, _, value in COLUMNS}


@pytest.fixture
def table(lines: list[str]) -> Table:
    return _table(lines, NAMES)


def test_rows_are_read_as_they_are_written(table: Table) -> None:
    read = list(table.rows())
    assert len(read) == len(table) == BEFORE + 2
    assert read[BEFORE] == {"Id": "0007", **{name: value for name, _, _, value in COLUMNS}}
    assert all(
        type(read[BEFORE][name]) is type(value) for name, _, _, value in COLUMNS
    )  # 0 is not False, and no number a float


def test_pandas_reads_every_value_as_it_is_written(table: Table) -> None:
    frame = table.pandas()
    assert list(frame.columns) == NAMES
    assert len(frame) == BEFORE + 2
    found = frame.iloc[BEFORE].to_dict()
    assert found == {"Id": "0007", **{n: v for n, _, _, v in COLUMNS}, "Unseen": None}
    assert all(type(found[name]) is type(value) for name, _, _, value in COLUMNS)
    assert frame["Id"].iloc[-1] == "last"
    assert frame["Points"].iloc[-1] is None


def test_duckdb_reads_every_value_as_it_is_written(table: Table) -> None:
    with duckdb.connect() as connection:
        relation = table.duckdb(connection)
        found = relation.filter("Id = '0007'")
        (row,) = found.fetchall()
        named = dict(zip(found.columns, row, strict=True))
        assert named == {"Id": "0007", **TEXTS, "Unseen": None}
        counted = relation.aggregate("count(*), count(DISTINCT Id), count(Points)")
        assert counted.fetchall() == [(BEFORE + 2, BEFORE + 2, BEFORE + 1)]


def test_parquet_holds_every_value_as_text(table: Table, tmp_path: Path) -> None:
    table.to_parquet(tmp_path / "rows.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["rows.parquet"]
    with duckdb.connect() as connection:
        found = connection.read_parquet(str(tmp_path / "rows.parquet")).filter("Id = '0007'")
        assert set(map(str, found.types)) == {"VARCHAR"}
        (row,) = found.fetchall()
        named = dict(zip(found.columns, row, strict=True))
    assert named == {"Id": "0007", **TEXTS, "Unseen": None}


def test_arrow_holds_every_value_as_text(table: Table) -> None:
    """Runs where pyarrow is installed; it is too large for the development environment."""
    pytest.importorskip("pyarrow")
    read = table.arrow()
    assert read.num_rows == BEFORE + 2
    assert read.slice(BEFORE, 1).to_pylist() == [{"Id": "0007", **TEXTS, "Unseen": None}]


@pytest.mark.parametrize("column", ["LeavingDate", "EAL", "LocalId"])
def test_a_cast_that_does_not_fit_says_so(table: Table, column: str) -> None:
    types = {"LeavingDate": "DATE", "EAL": "BOOLEAN", "LocalId": "DATE"}
    with duckdb.connect() as connection, pytest.raises(duckdb.ConversionException):
        table.duckdb(connection).aggregate(f"max(CAST({column} AS {types[column]}))").fetchall()


@pytest.mark.parametrize(
    "names",
    [["DateofBirth", "DateOfBirth"], ["Year's", 'He said "no"'], ["GroupId", "GroupID", "groupid"]],
)
def test_a_name_in_any_spelling_is_a_column(names: list[str]) -> None:
    lines = [json.dumps({"Id": str(n), name: f"value {n}"}) for n, name in enumerate(names)]
    with duckdb.connect() as connection:
        read = _table(lines, ["Id", *names]).duckdb(connection).order("Id").fetchall()
    assert [{*row} - {None} for row in read] == [{str(n), f"value {n}"} for n in range(len(names))]


def test_a_snapshot_of_another_digest_yields_no_row() -> None:
    with pytest.raises(DamagedError):
        next(_table(['{"Id": "1"}'], ["Id"], sha256="0" * 64).rows())


@pytest.mark.parametrize(
    ("package", "read"),
    [
        ("pandas", lambda table: table.pandas()),
        ("duckdb", lambda table: table.duckdb()),
        ("pyarrow", lambda table: table.arrow()),
        ("duckdb", lambda table: table.to_parquet("rows.parquet")),
    ],
)
def test_a_package_that_is_missing_is_named_with_its_extra(
    package: str, read: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"this needs {package}: pip install"):
        read(_table(['{"Id": "1"}'], ["Id"]))
