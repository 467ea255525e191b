"""examples/postgresql_sync on an SQL engine in this process: DuckDB reads the same statements.

With DATABASE_URL the same tests run on that PostgreSQL, through psycopg.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import pytest

from examples.postgresql_sync.sync import SCHEMA, sync
from tests.support.builders import ESTAB, OTHER_ESTAB
from tests.support.fakes import KilledError
from tests.support.published_dataset import DATA, PublishedDataset
from xporter_bridge_client import Bridge


class Duck:
    """The part of a psycopg connection that the example uses, over DuckDB."""

    def __init__(self) -> None:
        self._engine = duckdb.connect()
        self.execute(SCHEMA.replace("jsonb", "json"))

    def execute(self, statement: str, given: Sequence[str] = ()) -> Any:
        return self._engine.execute(statement.replace("%s", "?"), list(given) or None)

    def executemany(self, statement: str, rows: Sequence[Sequence[str]]) -> None:
        self._engine.executemany(statement.replace("%s", "?"), [list(row) for row in rows])

    def fetchone(self) -> Any:
        return self._engine.fetchone()

    @contextlib.contextmanager
    def cursor(self) -> Iterator[Duck]:
        yield self

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        self._engine.begin()
        try:
            yield
        except BaseException:
            self._engine.rollback()
            raise
        self._engine.commit()

    def close(self) -> None:
        self._engine.close()


class _Dying:
    """A connection whose job dies after so many statements."""

    def __init__(self, connection: Any, statements: int) -> None:
        self.connection, self.left = connection, statements

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    @contextlib.contextmanager
    def cursor(self) -> Iterator[Any]:
        with self.connection.cursor() as sql:
            self.sql = sql
            yield self

    def execute(self, *given: Any) -> Any:
        return self._count(lambda: self.sql.execute(*given))

    def executemany(self, *given: Any) -> Any:
        return self._count(lambda: self.sql.executemany(*given))

    def fetchone(self) -> Any:
        return self.sql.fetchone()

    def _count(self, work: Any) -> Any:
        self.left -= 1
        if self.left < 0:
            raise KilledError
        return work()


@pytest.fixture
def connection() -> Iterator[Any]:
    url = os.environ.get("DATABASE_URL")
    if url:
        import psycopg

        made: Any = psycopg.connect(url, autocommit=True)
        made.execute("DROP TABLE IF EXISTS xporter_rows, xporter_cursors")
        made.execute(SCHEMA)
    else:
        made = Duck()
    with contextlib.closing(made):
        yield made


def rows(connection: Any) -> list[tuple[str, str, Any]]:
    found = connection.execute(
        "SELECT table_name, identity, row::text FROM xporter_rows ORDER BY table_name, identity"
    ).fetchall()
    return [(table, identity, json.loads(row)) for table, identity, row in found]


ADA, BOB, CY = ({"Id": str(n), "Name": name} for n, name in enumerate(("Ada", "Bob", "Cy"), 1))


def test_the_copy_follows_inserts_updates_deletes_and_erasures(connection: Any) -> None:
    published = PublishedDataset(keys={"AttendCodes": "Mark"})
    bridge = Bridge(DATA, published.s3)
    codes = [{"Mark": "/", "Name": "present"}]
    published.publish({"Students": [ADA, BOB], "AttendCodes": codes})
    assert sync(bridge, connection, ESTAB, "students") == 1
    assert sync(bridge, connection, ESTAB, "students") == 0
    bobby = {**BOB, "Name": "Bobby"}
    published.publish({"Students": [ADA, bobby], "AttendCodes": codes})
    published.publish({"Students": [bobby, CY], "AttendCodes": []})
    assert sync(bridge, connection, ESTAB, "students") == 2
    assert rows(connection) == [("Students", "2", bobby), ("Students", "3", CY)]
    published.erase()
    assert sync(bridge, connection, ESTAB, "students") == 1
    assert rows(connection) == []
    published.publish({"Students": [CY]})
    sync(bridge, connection, ESTAB, "students")
    assert rows(connection) == [("Students", "3", CY)]


def test_one_school_is_not_another(connection: Any) -> None:
    published = PublishedDataset()
    published.publish({"Students": [ADA]})
    sync(Bridge(DATA, published.s3), connection, ESTAB, "students")
    assert sync(Bridge(DATA, published.s3), connection, OTHER_ESTAB, "students") == 0
    assert len(rows(connection)) == 1


def test_numbers_keep_every_digit(connection: Any) -> None:
    published = PublishedDataset()
    published.publish({"Students": [{"Id": "1", "Points": 0.25, "Note": "caf\u00e9 'x'"}]})
    sync(Bridge(DATA, published.s3), connection, ESTAB, "students")
    [(_, _, row)] = rows(connection)
    assert row == {"Id": "1", "Points": 0.25, "Note": "caf\u00e9 'x'"}


@pytest.mark.parametrize("at", range(1, 9))
def test_a_job_that_is_killed_ends_right_when_it_runs_again(connection: Any, at: int) -> None:
    published = PublishedDataset()
    published.publish({"Students": [ADA, BOB]})
    sync(Bridge(DATA, published.s3), connection, ESTAB, "students")
    for names in ([ADA, BOB, CY], [BOB, CY], [CY]):
        published.publish({"Students": names})

    with contextlib.suppress(KilledError):
        sync(Bridge(DATA, published.s3), _Dying(connection, at), ESTAB, "students")
    sync(Bridge(DATA, published.s3), connection, ESTAB, "students")
    assert rows(connection) == [("Students", "3", CY)]
