"""Tables for pandas, DuckDB, Arrow and Parquet; no type is guessed, because guesses lose values."""

from __future__ import annotations

import contextlib
import importlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import MissingExtraError
from .manifest import TableFacts
from .objects import StoredLines
from .rows import Row, text

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

_BATCH_ROWS = 10_000


def to_pandas(rows: Callable[[], Iterable[Row]], columns: Sequence[str]) -> pd.DataFrame:
    """Return a frame of objects with every column of the manifest."""
    pandas = _imported("pandas", "pandas")
    found = list(rows())
    return pandas.DataFrame(
        {
            name: pandas.Series([row.get(name) for row in found], dtype=object)
            for name in dict.fromkeys(columns)
        }
    )


def to_arrow(rows: Callable[[], Iterable[Row]], columns: Sequence[str]) -> pa.Table:
    """Return a table of text, made batch by batch."""
    pyarrow = _imported("pyarrow", "arrow")
    schema = pyarrow.schema([(name, pyarrow.string()) for name in dict.fromkeys(columns)])
    batches = [
        pyarrow.RecordBatch.from_pylist(
            [{name: text(row.get(name)) for name in schema.names} for row in batch], schema
        )
        for batch in _batches(rows())
    ]
    return pyarrow.Table.from_batches(batches, schema)


def to_duckdb(
    lines: Callable[[], StoredLines], facts: TableFacts, connection: Any = None
) -> duckdb.DuckDBPyRelation:
    """Copy the rows into a temporary table and return it as a relation."""
    engine = connection or _imported("duckdb", "duckdb")
    name = f"xporter_{facts.name}_{facts.sha256[:12]}"
    with _file(lines()) as file:
        engine.sql(f"CREATE OR REPLACE TEMP TABLE {_quoted(name)} AS {_select(facts, file)}")
    relation: duckdb.DuckDBPyRelation = engine.table(_quoted(name))
    return relation


def to_parquet(lines: Callable[[], StoredLines], facts: TableFacts, path: Path) -> None:
    """Write a Parquet file; the file appears when it is complete."""
    engine = _imported("duckdb", "parquet").connect()
    part = path.with_name(f"{path.name}.part")
    with contextlib.closing(engine), _file(lines()) as file:
        engine.sql(f"COPY ({_select(facts, file)}) TO {_literal(str(part))} (FORMAT parquet)")
    part.replace(path)


def _select(facts: TableFacts, file: Path) -> str:
    """Return the query of every column as text; names that differ in case are one column."""
    spellings: dict[str, list[str]] = {}
    for column in facts.columns:
        spellings.setdefault(column.lower(), []).append(column)
    columns = [
        f"coalesce({', '.join(f'json ->> {_literal(name)}' for name in names)})"
        f" AS {_quoted(names[-1])}"
        for names in spellings.values()
    ]
    return (
        f"SELECT {', '.join(columns) or 'NULL AS nothing'} FROM read_ndjson_objects("  # noqa: S608
        f"{_literal(str(file))}, compression='gzip', maximum_object_size=134217728)"
    )


@contextlib.contextmanager
def _file(lines: StoredLines) -> Iterator[Path]:
    """Lend the rows as a file with a name, which DuckDB needs."""
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(lines.file):
        path = Path(folder) / "rows.ndjson.gz"
        lines.file.seek(0)
        with path.open("wb") as target:
            while block := lines.file.read(1024 * 1024):
                target.write(block)
        yield path


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH_ROWS:
            yield batch
            batch = []
    if batch:
        yield batch


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _imported(package: str, extra: str) -> Any:
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise MissingExtraError(package, extra) from error
