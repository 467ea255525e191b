"""A school's data, read by the rule: `latest.json`, and then only what it names."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from . import frames
from .errors import DamagedError, ErasedError, NotFoundError
from .follow import Step, follow
from .manifest import Manifest, TableFacts
from .objects import Objects, StoredLines, digest_of
from .rows import Row, parsed
from .verify import Verification, verify

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa


class Bridge:
    """The data of all schools in one bucket.

    Args:
        bucket: The stack's output ``BucketName``.
        s3: A client of boto3 for S3; made from the environment's credentials if None.
    """

    def __init__(self, bucket: str, s3: Any = None) -> None:
        self._objects = Objects(bucket, s3)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to S3."""
        self._objects.close()

    def school(self, estab: str) -> School:
        """Return a school by its establishment number of seven digits; nothing is read yet."""
        return School(self._objects, estab)

    def follow(self, estab: str, dataset: str, since: str = "") -> Iterator[Step]:
        """Yield what a copy of the dataset has to apply, in order, until the copy is current.

        Store ``step.cursor`` together with each step, in one transaction if there is one, and
        give the last stored cursor as ``since``. A step may be applied twice. Everything that a
        step names is on this machine before the step is yielded.

        Args:
            since: The cursor of the last applied step; empty for a copy that has nothing.

        Raises:
            NotAllowedError: Reading is not allowed.
            DamagedError: An object is not what its manifest says.
        """
        return follow(self._objects, estab, dataset, since)

    def verify(self, estab: str, dataset: str) -> Verification:
        """Hold every object of the current sequence against the manifest's counts and digests.

        Raises:
            NotFoundError: There is no such dataset.
        """
        return verify(self._objects, estab, dataset)


class School:
    """One school; see ``Bridge.school``."""

    def __init__(self, objects: Objects, estab: str) -> None:
        self._objects, self.estab = objects, estab

    def datasets(self) -> list[str]:
        """Return the names of the published datasets; erased ones are among them for 30 days."""
        return self._objects.datasets(self.estab)

    def dataset(self, name: str) -> Dataset:
        """Return a dataset as it is now; its manifest is read at the first use and then kept."""
        return Dataset(self._objects, self.estab, name)


class Dataset:
    """One state of a dataset: all tables read from this object belong together."""

    def __init__(self, objects: Objects, estab: str, name: str) -> None:
        self._objects, self.estab, self.name = objects, estab, name

    @cached_property
    def manifest(self) -> Manifest:
        """The manifest that was current at the first use.

        Raises:
            NotFoundError: Nothing is published.
            ErasedError: The data was erased.
        """
        found = self._objects.manifest(self.estab, self.name)
        if found is None:
            raise NotFoundError(f"nothing is published of {self.name} of {self.estab}")
        if found.erased is not None:
            erased = found.erased
            raise ErasedError(self.name, erased.get("at", ""), erased.get("reason", ""))
        return found

    def refreshed(self) -> Dataset:
        """Return the dataset as it is now."""
        return Dataset(self._objects, self.estab, self.name)

    def tables(self) -> list[Table]:
        """Return all tables."""
        return [Table(self._objects, facts) for facts in self.manifest.tables.values()]

    def table(self, name: str) -> Table:
        """Return a table, whatever the casing of its name.

        Raises:
            NotFoundError: The dataset has no such table; the message names those that it has.
        """
        for known, facts in self.manifest.tables.items():
            if known.casefold() == name.casefold():
                return Table(self._objects, facts)
        known_names = ", ".join(self.manifest.tables)
        raise NotFoundError(f"{self.name} has no table {name}, but {known_names}")


class Table:
    """One table of one state of a dataset.

    No value is converted: ids keep leading zeros, numbers all digits. Every method raises
    ``SupersededError`` if the snapshot has been deleted since (use ``Dataset.refreshed``), and
    ``DamagedError`` if the snapshot is not what the manifest says.
    """

    def __init__(self, objects: Objects, facts: TableFacts) -> None:
        self._objects, self.facts = objects, facts
        self.name = facts.name

    def __len__(self) -> int:
        return self.facts.rows

    def rows(self) -> Iterator[Row]:
        """Yield every row; memory does not depend on the size of the table."""
        lines = self._lines()
        with contextlib.closing(lines.file):
            for line in lines:
                yield parsed(line)

    def pandas(self) -> pd.DataFrame:
        """Return a frame with every value as Xporter wrote it; cast the columns that you need.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        return frames.to_pandas(self.rows, self.facts.columns)

    def duckdb(
        self, connection: duckdb.DuckDBPyConnection | None = None
    ) -> duckdb.DuckDBPyRelation:
        """Return a relation in which every column is text.

        The rows are copied into a temporary table of the connection; DuckDB's own connection is
        used if None is given. Names that differ only in case are one column.

        Raises:
            MissingExtraError: DuckDB is not installed.
        """
        return frames.to_duckdb(self._lines, self.facts, connection)

    def arrow(self) -> pa.Table:
        """Return an Arrow table in which every column is text.

        Raises:
            MissingExtraError: pyarrow is not installed.
        """
        return frames.to_arrow(self.rows, self.facts.columns)

    def to_parquet(self, path: str | Path) -> None:
        """Write a Parquet file in which every column is text; written by DuckDB.

        Raises:
            MissingExtraError: DuckDB is not installed.
        """
        frames.to_parquet(self._lines, self.facts, Path(path))

    def save_parquet(self, path: str | Path) -> None:
        """Copy the published Parquet file, whose columns are typed; the file appears when complete.

        ``facts.parquet_types`` has the form of each column that is not text (docs/data.md).

        Raises:
            NotFoundError: The snapshot has none: the stack writes NDJSON alone, or the file could
                not be written. ``to_parquet`` makes one of text.
        """
        facts, target = self.facts, Path(path)
        if facts.parquet_key is None:
            raise NotFoundError(f"{self.name} has no Parquet file; to_parquet makes one of text")
        part = target.with_name(f"{target.name}.part")
        with self._objects.fetch(facts.parquet_key) as file:
            if digest_of(file) != facts.parquet_sha256:
                raise DamagedError(f"{facts.parquet_key} is not what its manifest says")
            file.seek(0)
            with part.open("wb") as copy:
                shutil.copyfileobj(file, copy)
        part.replace(target)

    def _lines(self) -> StoredLines:
        lines = self._objects.lines(self.facts.snapshot_key)
        if lines.sha256 != self.facts.sha256:
            lines.file.close()
            raise DamagedError(f"{self.facts.snapshot_key} is not what its manifest says")
        return lines
