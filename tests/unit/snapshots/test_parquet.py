"""A Parquet file has the rows of the NDJSON, cell by cell, whatever the values are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.builders import ESTAB
from tests.support.fakes import S3, Calls
from tests.support.parquet import cells, expected, physical_types
from tests.support.published_dataset import DATA, STAGING
from xporter_bridge.errors import TransientError
from xporter_bridge.snapshots.blocks import Block
from xporter_bridge.snapshots.convert import ParquetConverter
from xporter_bridge.snapshots.layout import DatasetLayout, parquet_key
from xporter_bridge.snapshots.manifest import ParquetEntry, TableEntry
from xporter_bridge.snapshots.parquet_forms import FORMS, fits
from xporter_bridge.snapshots.store import SnapshotStore
from xporter_bridge.xporter.column_types import type_of

PLACE = DatasetLayout(ESTAB, "students")
KEY = PLACE.snapshot("Students", 7)


def entry(*columns: str, key: str = "Id") -> TableEntry:
    return TableEntry(0, KEY, "", 0, "", 0, "", columns, key=key)


def blocks_of(*lines: bytes, at_a_time: int = 3) -> Callable[[], Iterator[Block]]:
    def blocks() -> Iterator[Block]:
        for start in range(0, len(lines), at_a_time):
            some = lines[start : start + at_a_time]
            yield Block(b"".join(line + b"\n" for line in some), len(some), b"", b"")

    return blocks


def converted(
    *lines: bytes,
    columns: tuple[str, ...] = (),
    key: str = "Id",
    has_time: Callable[[], bool] = lambda: True,
    heartbeat: Callable[[], None] = lambda: None,
    most_bytes: int = 10_000,
) -> tuple[ParquetEntry, bytes]:
    """Return the entry of the file and the file, which is empty if none was written."""
    s3 = S3(Calls())
    converter = ParquetConverter(
        SnapshotStore(s3, DATA, STAGING),
        PLACE,
        "students",
        type_of,
        has_time=has_time,
        heartbeat=heartbeat,
    )
    made = converter.convert(
        "Students", entry(*columns, key=key), blocks_of(*lines), "to", most_bytes=most_bytes
    )
    return made, s3.objects.get(f"{STAGING}/to", b"")


def rows(*given: Any) -> list[bytes]:
    return [orjson.dumps(row) for row in given]


def held(*lines: bytes, columns: tuple[str, ...] = ()) -> dict[str, str]:
    """Hold that nothing is lost; return the type of each column as DuckDB reads it."""
    made, file = converted(*lines, columns=columns)
    assert made.key == parquet_key(KEY)
    assert made.sha256 == hashlib.sha256(file).hexdigest()
    types = physical_types(file)
    assert cells(file, made.types) == expected(lines, list(types))
    return types


@pytest.mark.parametrize(
    ("column", "values", "type_"),
    [
        ("DateOfBirth", ["2016-08-24", "0001-01-01", "9999-12-31", None], "DATE"),
        ("DateOfBirth", ["2016-08-24", ""], "VARCHAR"),
        ("DateOfBirth", ["2016-08-24T00:00:00"], "VARCHAR"),
        ("DateOfBirth", ["20160824"], "VARCHAR"),
        ("LastUpdated", ["2026-11-14T02:25:06", "2026-11-14T02:25:06.5"], "TIMESTAMP"),
        ("LastUpdated", ["2026-11-14T02:25:06.120", "1969-12-31T23:59:59.001"], "TIMESTAMP"),
        ("LastUpdated", ["2026-11-14T02:25:06.120", "2026-11-14T02:25:06"], "VARCHAR"),
        ("LastUpdated", ["2026-11-14T02:25:06.1234567"], "VARCHAR"),
        ("LastUpdated", ["2026-11-14T02:25:06Z"], "VARCHAR"),
        ("StartDate", ["2026-11-14", "2026-11-15"], "DATE"),
        ("StartDate", ["2026-11-14", "2026-11-15T00:00:00"], "VARCHAR"),
        ("NumStudents", [1, "2", -3, 2**63 - 1, -(2**63), None], "BIGINT"),
        ("NumStudents", [2**63], "VARCHAR"),
        ("NumStudents", ["007"], "VARCHAR"),
        ("NumStudents", ["-0"], "VARCHAR"),
        ("NumStudents", [1.0], "VARCHAR"),
        ("NumStudents", ["1_000"], "VARCHAR"),
        ("NumStudents", [True], "VARCHAR"),
        ("NumStudents", ["٣"], "VARCHAR"),
        ("MinValue", [1, "2.5", -0.25, "-3", None], "DECIMAL(38,10)"),
        ("MinValue", [12.0, 12.5, -7.25], "DECIMAL(38,10)"),
        ("MinValue", [12.0, 12], "VARCHAR"),
        ("MinValue", ["1.50"], "VARCHAR"),
        ("MinValue", [1e-11], "VARCHAR"),
        ("MinValue", ["9" * 28 + ".0000000001"], "DECIMAL(38,10)"),
        ("MinValue", ["9" * 29], "VARCHAR"),
        ("MinValue", ["-0"], "VARCHAR"),
        ("EAL", [0, 1, "1", None], "BOOLEAN"),
        ("EAL", [True, False, None], "BOOLEAN"),
        ("EAL", [True, 1], "VARCHAR"),
        ("EAL", ["True"], "VARCHAR"),
        ("Surname", ["Ünal", "", "\x00", "😀", "12", 12, 1.5, True], "VARCHAR"),
        ("Surname", [[1, {"a": "b"}], {"c": None}], "VARCHAR"),
        ("eal", [0, 1], "BOOLEAN"),
    ],
)
def test_a_column_has_the_type_of_the_catalogue_only_if_every_value_comes_back(
    column: str, values: list[Any], type_: str
) -> None:
    lines = rows(*({"Id": str(n), column: value} for n, value in enumerate(values)))
    assert held(*lines) == {"Id": "VARCHAR", column: type_}


def test_one_value_in_the_last_block_makes_the_whole_column_text() -> None:
    lines = rows(*({"Id": str(n), "NumStudents": n} for n in range(20)))
    assert held(*lines)["NumStudents"] == "BIGINT"
    assert held(*lines, *rows({"Id": "20", "NumStudents": "many"}))["NumStudents"] == "VARCHAR"


def test_numbers_that_python_would_change_stay_as_they_are() -> None:
    line = b'{"Id":"1","Surname":1e400,"MinValue":12345678901234567890.123456789}'
    assert held(line, b'{"Id":"2","Surname":-0.0}')["MinValue"] == "DECIMAL(38,10)"
    made, file = converted(line)
    assert cells(file, made.types)[0]["Surname"] == "1e400"


def test_a_column_that_the_table_once_had_is_there_and_a_missing_key_is_null() -> None:
    types = held(*rows({"Id": "1"}, {"Id": "2", "New": "x"}), columns=("Id", "Once", "NumStudents"))
    assert list(types) == ["Id", "Once", "NumStudents", "New"]
    assert types["NumStudents"] == "BIGINT"


def test_an_empty_table_has_its_columns_and_no_rows() -> None:
    assert list(held(columns=("Id", "Name"))) == ["Id", "Name"]
    for key, name in (("Mark", "Mark"), ("", "Id")):
        made, file = converted(key=key)
        assert made.key
        assert (list(physical_types(file)), cells(file, {})) == ([name], [])
    assert list(held(b"{}", b"{}")) == ["Id"]


def test_names_that_differ_in_case_are_one_column_with_all_values() -> None:
    lines = rows({"Id": "1", "EAL": 1}, {"ID": "2", "eal": 0}, {"Id": "3", "ID": None})
    made, file = converted(*lines)
    found = cells(file, made.types)
    assert found == [{"ID": "1", "eal": "1"}, {"ID": "2", "eal": "0"}, {"ID": "3", "eal": None}]
    assert made.types == {"eal": "truth"}


def test_a_row_with_two_values_of_one_column_leaves_the_file_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made, file = converted(*rows({"Id": "1", "Name": "Ann-secret", "NAME": "Bob-secret"}))
    assert (made, file) == (ParquetEntry(None), b"")
    assert made.document() == {"parquet_key": None}
    said = capsys.readouterr().out
    assert "column_twice" in said
    assert "ParquetFailed" in said
    assert "secret" not in said
    same = rows({"Id": "1", "Name": "Ann", "NAME": "Ann"}, {"Id": "2", "Name": "Bob", "NAME": None})
    assert converted(*same)[0].key


def test_a_fault_of_the_writer_costs_the_file_and_not_the_sequence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any) -> Any:
        raise IndexError("Ann-secret")

    monkeypatch.setattr("xporter_bridge.snapshots.convert.rows_of", broken)
    assert converted(*rows({"Id": "1"}))[0] == ParquetEntry(None)
    said = capsys.readouterr().out
    assert "parquet_failed" in said
    assert "IndexError" in said
    assert "secret" not in said


def test_a_file_that_would_take_too_long_is_left_out() -> None:
    times = iter([True, True, False])
    lines = rows(*({"Id": str(n)} for n in range(9)))
    assert converted(*lines, has_time=lambda: next(times)) == (ParquetEntry(None), b"")


def test_a_file_whose_types_have_no_room_in_the_manifest_is_left_out() -> None:
    lines = rows({"Id": "1", "EAL": 1})
    assert converted(*lines, most_bytes=10) == (ParquetEntry(None), b"")


def test_a_lost_lease_or_a_failure_of_aws_is_raised() -> None:
    def lost() -> None:
        raise TransientError("lease lost")

    with pytest.raises(TransientError):
        converted(*rows({"Id": "1"}), heartbeat=lost)


def test_many_rows_make_several_row_groups_and_come_back_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("xporter_bridge.snapshots.parquet_file._GROUP_ROWS", 10)
    lines = rows(
        *(
            {"Id": str(n), "EAL": n % 2, "NumStudents": None if n % 3 else n, "Once": None}
            for n in range(101)
        )
    )
    assert held(*lines)["EAL"] == "BOOLEAN"
    monkeypatch.setattr("xporter_bridge.snapshots.parquet_file._GROUP_BYTES", 40)
    held(*lines)


def test_equal_rows_make_equal_bytes() -> None:
    lines = rows(*({"Id": str(n), "EAL": n % 2} for n in range(50)))
    assert converted(*lines)[1] == converted(*lines)[1]


def test_a_table_of_many_columns_is_read() -> None:
    row = {f"Field {n}": str(n) for n in range(400)}
    assert len(held(*rows(row, row))) == 400


def test_the_key_is_below_the_dataset_and_outside_the_table() -> None:
    key = parquet_key(KEY)
    assert key == (
        f"snapshots/estab={ESTAB}/dataset=students/format=parquet/table=Students/0000000007.parquet"
    )
    assert key.startswith(PLACE.prefixes[0])
    assert not key.startswith(KEY.rpartition("/")[0])


@pytest.mark.parametrize("of", ["date", "time", "whole number", "number", "truth"])
@given(text=st.text(max_size=30) | st.from_regex(r"-?[0-9.T:eE+ -]{0,24}", fullmatch=True))
def test_reading_any_text_ends_with_a_yes_or_a_no(of: str, text: str) -> None:
    for form in FORMS[of]:
        assert fits(form, text) in {True, False}


NAMES = st.sampled_from(
    [
        "Id", "id", "Name", "EAL", "DateOfBirth", "LastUpdated", "NumStudents", "MinValue", "Ünï",
        'a"b',
    ]
)  # fmt: skip
NUMBERS = st.sampled_from(["1e400", "-1E-400", "0", "-0", "0.10", "1" * 40, "2.50", "1e5", "7"])
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=6),
    st.dates().map(str),
    st.datetimes().map(lambda moment: moment.isoformat()),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.none() | st.text(max_size=2), max_size=2),
)
VALUES = PLAIN.map(lambda value: json.dumps(value)) | NUMBERS


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(NAMES, VALUES, max_size=6), max_size=8))
def test_whatever_the_values_are_every_cell_comes_back(given_rows: list[dict[str, str]]) -> None:
    lines = [
        b"{%s}" % b",".join(f"{json.dumps(k)}:{v}".encode() for k, v in row.items())
        for row in given_rows
    ]
    made, file = converted(*lines)
    if made.key is None:
        assert any({"Id", "id"} <= set(row) for row in given_rows)
        return
    found = cells(file, made.types)
    assert found == expected(lines, list(physical_types(file)))
