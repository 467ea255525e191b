"""A nightly job: keeps copies of datasets in PostgreSQL, by their changes.

Usage: DATABASE_URL=postgresql://… BUCKET=… python sync.py ESTAB …

Needs `pip install xporter-bridge-client 'psycopg[binary]'`. A step of a dataset and its cursor are
one transaction, so the job may be killed at any time and run again.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from xporter_bridge_client import Bridge, Step

DATASETS = ("students", "staff", "groups")
SCHEMA = Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")
UPSERT = """
    INSERT INTO xporter_rows (estab, dataset, table_name, identity, row) VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (estab, dataset, table_name, identity) DO UPDATE SET row = excluded.row"""
DELETE = (
    "DELETE FROM xporter_rows WHERE estab = %s AND dataset = %s AND table_name = %s"
    " AND identity = %s"
)
DELETE_TABLE = "DELETE FROM xporter_rows WHERE estab = %s AND dataset = %s AND table_name = %s"
DELETE_DATASET = "DELETE FROM xporter_rows WHERE estab = %s AND dataset = %s"
CURSOR = "SELECT cursor_text FROM xporter_cursors WHERE estab = %s AND dataset = %s"
SAVE_CURSOR = """
    INSERT INTO xporter_cursors (estab, dataset, cursor_text) VALUES (%s, %s, %s)
    ON CONFLICT (estab, dataset)
    DO UPDATE SET cursor_text = excluded.cursor_text, applied_at = now()"""
BATCH_ROWS = 1_000


def sync(bridge: Bridge, connection: Any, estab: str, dataset: str) -> int:
    """Bring the copy of a dataset up to date; return how many steps that took."""
    with connection.transaction(), connection.cursor() as sql:
        sql.execute(CURSOR, (estab, dataset))
        found = sql.fetchone()
    steps = 0
    for step in bridge.follow(estab, dataset, since=found[0] if found else ""):
        with connection.transaction(), connection.cursor() as sql:
            apply(sql, step, estab, dataset)
            sql.execute(SAVE_CURSOR, (estab, dataset, step.cursor))
        steps += 1
    return steps


def apply(sql: Any, step: Step, estab: str, dataset: str) -> None:
    """Apply one step: first what is replaced, then the deletes, then the upserts."""
    if step.replaces:
        sql.execute(DELETE_DATASET, (estab, dataset))
    for table in step.tables:
        place = (estab, dataset, table.name)
        if table.replaces:
            sql.execute(DELETE_TABLE, place)
        for batch in batches((*place, identity) for identity in table.deletes()):
            sql.executemany(DELETE, batch)
        for batch in batches((*place, *each) for each in table.upserts_as_json()):
            sql.executemany(UPSERT, batch)


def batches(rows: Iterator[tuple[str, ...]]) -> Iterable[list[tuple[str, ...]]]:
    """Return the rows in lists of a size that memory holds."""
    return iter(lambda: list(islice(rows, BATCH_ROWS)), [])


def main() -> None:
    """Follow the datasets of the schools that the command line names."""
    import psycopg  # noqa: PLC0415 - only this function needs a real database

    bridge = Bridge(os.environ["BUCKET"])
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(SCHEMA)
        for estab in sys.argv[1:]:
            for dataset in DATASETS:
                print(estab, dataset, sync(bridge, connection, estab, dataset), "steps")


if __name__ == "__main__":
    main()
