"""Parquet files as another reader sees them, DuckDB, held against the rows of the NDJSON."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from xporter_bridge.exact_json import dumps, loads

Cells = list[dict[str, str | None]]
# How DuckDB writes the value of a form as text, where its own cast is another.
_AS_TEXT = {
    "date": "strftime({0}, '%Y-%m-%d')",
    "time": "regexp_replace(regexp_replace(strftime({0}, '%Y-%m-%dT%H:%M:%S.%f'), '0+$', ''), "
    "'\\.$', '')",
    "time, three decimals": "strftime({0}, '%Y-%m-%dT%H:%M:%S.%g')",
    "number": "regexp_replace(regexp_replace({0}::VARCHAR, '0+$', ''), '\\.$', '')",
    "number, always a fraction": "regexp_replace(regexp_replace({0}::VARCHAR, '0+$', ''), "
    "'\\.$', '.0')",
    "truth": "CASE {0} WHEN true THEN '1' WHEN false THEN '0' END",
}


def cells(file: bytes, types: Mapping[str, str]) -> Cells:
    """Return the rows of a Parquet file in order, every value as the text that it stands for."""
    with tempfile.NamedTemporaryFile(suffix=".parquet") as stored, duckdb.connect() as engine:
        Path(stored.name).write_bytes(file)
        table = engine.read_parquet(stored.name)
        columns = [
            (_AS_TEXT.get(types.get(name, ""), "{0}::VARCHAR")).format(_quoted(name))
            for name in table.columns
        ]
        found = table.project(", ".join(columns)).fetchall()
        return [dict(zip(table.columns, row, strict=True)) for row in found]


def physical_types(file: bytes) -> dict[str, str]:
    """Return the type of each column as DuckDB reads it."""
    with tempfile.NamedTemporaryFile(suffix=".parquet") as stored, duckdb.connect() as engine:
        Path(stored.name).write_bytes(file)
        table = engine.read_parquet(stored.name)
        return dict(zip(table.columns, map(str, table.types), strict=True))


def expected(lines: Iterable[bytes], columns: Sequence[str]) -> Cells:
    """Return the same of the lines of a snapshot; names that differ in case are one column."""
    names = {column.casefold(): column for column in columns}
    found = []
    for line in lines:
        row = dict.fromkeys(columns)
        for name, value in loads(line).items():
            text = _text(value)
            if text is not None:
                row[names[name.casefold()]] = text
        found.append(row)
    return found


def hold_equal(objects: Mapping[str, bytes], entry: Mapping[str, Any]) -> None:
    """Hold that the Parquet file of a manifest's table has the rows of its snapshot."""
    lines = gzip.decompress(objects[entry["snapshot_key"]]).splitlines()
    found = cells(objects[entry["parquet_key"]], entry["parquet_types"])
    columns = list(physical_types(objects[entry["parquet_key"]]))
    assert len(found) == entry["rows"]
    assert found == expected(lines, columns)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return dumps(value).decode()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
