"""A Lambda function on EventBridge: keeps a CSV file per table in a bucket of yours current.

An event is only a hint. Events may come twice or out of order, so each one has the function look at
what is published now: the files end right, whatever came before.
"""

import contextlib
import csv
import io
import os
import tempfile
from collections.abc import Iterator
from typing import IO, Any

import boto3

from xporter_bridge_client import Bridge, NotFoundError, Table, parse
from xporter_bridge_client.events import DatasetChanged, SchoolEvent

DATASETS = {"students", "staff"}


def lambda_handler(event: dict[str, Any], _context: object = None) -> None:
    """Serve one event; an exception lets EventBridge deliver the event again."""
    s3 = boto3.client("s3")
    parsed, copies = parse(event), os.environ["COPIES_BUCKET"]
    if isinstance(parsed, SchoolEvent) and parsed.is_erased:
        delete(s3, copies, f"estab={parsed.estab}/", keep=set())
    elif isinstance(parsed, DatasetChanged) and parsed.dataset in DATASETS:
        renew(s3, copies, Bridge(os.environ["DATA_BUCKET"], s3), parsed.estab, parsed.dataset)


def renew(s3: Any, copies: str, bridge: Bridge, estab: str, dataset: str) -> None:
    """Write the files of a dataset as it is now; delete those that it no longer has."""
    prefix = f"estab={estab}/dataset={dataset}/"
    try:
        tables = bridge.school(estab).dataset(dataset).tables()
    except NotFoundError:  # erased
        tables = []
    for table in tables:
        with csv_file(table) as file:
            s3.upload_fileobj(file, copies, f"{prefix}{table.name}.csv")
    delete(s3, copies, prefix, keep={f"{prefix}{table.name}.csv" for table in tables})


@contextlib.contextmanager
def csv_file(table: Table) -> Iterator[IO[bytes]]:
    """Lend the rows as CSV in a temporary file, so that memory stays small."""
    with tempfile.TemporaryFile() as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        writer = csv.DictWriter(text, table.facts.columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(table.rows())
        text.detach()
        file.seek(0)
        yield file


def delete(s3: Any, copies: str, prefix: str, keep: set[str]) -> None:
    """Delete all files under the prefix but those to keep."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=copies, Prefix=prefix):
        for entry in page.get("Contents", ()):
            if entry["Key"] not in keep:
                s3.delete_object(Bucket=copies, Key=entry["Key"])
