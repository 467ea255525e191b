"""`data`: what is published of a school."""

import csv
import io
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import click

from .. import output
from ..athena import create_table
from ..errors import OperatorError, WrongUseError
from ..published import PublishedData, named_table, table_of
from ..settings import common_options
from .session import ESTAB, open_session


@click.group(short_help="Read what is published of a school.")
@common_options
def data() -> None:
    """Read what is published of a school; needs s3:GetObject and s3:ListBucket.

    `head` and `get` print pupils' data: look where it goes.
    """


@data.command("ls", short_help="List the tables of a school or of a dataset.")
@click.argument("estab", type=ESTAB)
@click.argument("dataset", required=False)
@common_options
def list_tables(estab: str, dataset: str | None) -> None:
    """List the tables of a school, of one DATASET or of all, with their rows."""
    session = open_session()
    published = PublishedData(session.target)
    found = []
    for name in [dataset] if dataset else published.datasets(estab):
        try:
            manifest = published.manifest(estab, name)
        except OperatorError:
            if dataset:
                raise
            continue
        found += [
            {
                "dataset": name,
                "table": table,
                "rows": entry["rows"],
                "sequence": manifest["sequence"],
                "as_of": manifest["as_of"],
                "snapshot_key": entry["snapshot_key"],
                "parquet_key": entry.get("parquet_key"),
            }
            for table, entry in manifest["tables"].items()
        ]
    rows = (
        (
            each["dataset"],
            each["table"],
            str(each["rows"]),
            str(each["sequence"]),
            output.moment(each["as_of"]) or "not said",
        )
        for each in found
    )
    columns = ("dataset", "table", "rows", "sequence", "data of")
    session.show(found, output.table(columns, rows) if found else "There is no data.")


@data.command(short_help="Print the first rows of a table.")
@click.argument("estab", type=ESTAB)
@click.argument("dataset")
@click.argument("table")
@click.option("--rows", "-n", type=click.IntRange(1), default=10, show_default=True)
@common_options
def head(estab: str, dataset: str, table: str, rows: int) -> None:
    """Print the first rows of a table, one JSON object a line; with --json, one list."""
    session = open_session()
    published = PublishedData(session.target)
    entry = table_of(published.manifest(estab, dataset), table)
    lines = []
    for line in published.rows(entry["snapshot_key"]):
        lines.append(line.decode())
        if len(lines) == rows:
            break
    if session.is_json:
        session.show([json.loads(line) for line in lines])
    else:
        click.echo("\n".join(lines))


@data.command(short_help="Print the tables of a dataset, their keys and columns.")
@click.argument("estab", type=ESTAB)
@click.argument("dataset")
@common_options
def schema(estab: str, dataset: str) -> None:
    """Print the tables of a dataset, the key of each and its columns, without a single row.

    docs/tables.md has the type and the meaning of each column. With --json, `parquet_types` are the
    types in the table's Parquet file; a column that is not among them is text there.
    """
    session = open_session()
    manifest = PublishedData(session.target).manifest(estab, dataset)
    found = [
        {
            "table": name,
            "rows": entry["rows"],
            "key": entry.get("key", "Id"),
            "columns": entry.get("columns", []),
            "parquet_types": entry.get("parquet_types", {}),
        }
        for name, entry in manifest["tables"].items()
    ]
    rows = (
        (each["table"], str(each["rows"]), each["key"] or "(row)", ", ".join(each["columns"]))
        for each in found
    )
    session.show(found, output.table(("table", "rows", "key", "columns"), rows))


@data.command(short_help="Count what changed between two sequences.")
@click.argument("estab", type=ESTAB)
@click.argument("dataset")
@click.argument("since", type=click.IntRange(0))
@click.argument("until", type=click.IntRange(1), required=False)
@common_options
def diff(estab: str, dataset: str, since: int, until: int | None) -> None:
    """Count what changed after sequence SINCE, up to UNTIL or the current one, by table.

    A row that changed twice is counted twice. No row is shown.
    """
    session = open_session()
    published = PublishedData(session.target)
    last = until or int(published.manifest(estab, dataset)["sequence"])
    if last < since:
        raise WrongUseError(f"sequence {last} is before {since}", "give the earlier one first")
    counts: dict[str, Counter[str]] = {}
    for sequence in range(since + 1, last + 1):
        for name, entry in published.manifest(estab, dataset, sequence)["tables"].items():
            table = counts.setdefault(name, Counter(upserts=0, deletes=0))
            table.update(upserts=entry.get("upserts", 0), deletes=entry.get("deletes", 0))
    document = {
        "estab": estab,
        "dataset": dataset,
        "after": since,
        "up_to": last,
        "tables": {name: dict(each) for name, each in counts.items()},
    }
    rows = ((name, str(each["upserts"]), str(each["deletes"])) for name, each in counts.items())
    session.show(document, output.table(("table", "new or changed", "deleted"), rows))


@data.command(short_help="Print the statement that makes an Athena table.")
@click.argument("estab", type=ESTAB)
@click.argument("dataset")
@click.argument("table")
@common_options
def ddl(estab: str, dataset: str, table: str) -> None:
    """Print the statement that makes an Athena table of TABLE's Parquet files, of every school.

    The types are those of this school's current file; docs/data.md says what to do where another
    school's differ.
    """
    session = open_session()
    manifest = PublishedData(session.target).manifest(estab, dataset)
    name, entry = named_table(manifest, table)
    _require_parquet(name, entry)
    bucket = session.target.output("BucketName")
    statement = create_table(bucket, dataset, name, entry)
    session.show({"statement": statement}, statement)


@data.command(short_help="Write a whole table, proved by its digest.")
@click.argument("estab", type=ESTAB)
@click.argument("dataset")
@click.argument("table")
@click.option("--format", "form", type=click.Choice(("ndjson", "csv", "parquet")), default="ndjson")
@click.option("--output", "-o", "to", type=click.Path(dir_okay=False, path_type=Path))
@common_options
def get(estab: str, dataset: str, table: str, form: str, to: Path | None) -> None:
    """Write a whole table to a file or to stdout, and prove it by its digest.

    A file appears when it is complete; the exit status is 1 if the digest is wrong. As CSV, nested
    values are JSON and null is empty. As Parquet, it is the stack's own file, typed, which the
    stack writes if its parameter Formats says so.

    \b
    Example:
      xporter-bridge data get 3281102 students Students --format csv -o students.csv
    """
    session = open_session()
    published = PublishedData(session.target)
    name, entry = named_table(published.manifest(estab, dataset), table)
    if form == "parquet":
        _require_parquet(name, entry)
    with output.progress("rows", entry["rows"]) as advance:

        def write(file: IO[bytes]) -> None:
            if form == "parquet":
                file.writelines(published.file(entry["parquet_key"], entry["parquet_sha256"]))
                return
            _write(_counted(published, entry, advance), form, entry, file)

        if to is None:
            write(sys.stdout.buffer)
            sys.stdout.flush()
            return
        _write_whole(to, write)
    session.show({"file": str(to), "rows": entry["rows"]}, f"{entry['rows']} rows in {to}")


def _counted(
    published: PublishedData, entry: Mapping[str, Any], advance: Callable[[int], None]
) -> Iterator[bytes]:
    for line in published.rows(entry["snapshot_key"], entry["sha256"]):
        advance(1)
        yield line


def _write_whole(to: Path, write: Callable[[IO[bytes]], None]) -> None:
    """Write a file that appears when it is complete."""
    part = to.with_name(f"{to.name}.part")
    try:
        with part.open("wb") as file:
            write(file)
        part.replace(to)
    except OSError as error:
        raise OperatorError(f"{to} cannot be written", error.strerror or str(error)) from error
    finally:
        part.unlink(missing_ok=True)


def _require_parquet(name: str, entry: Mapping[str, Any]) -> None:
    """Raise, with what to do, if the table has no Parquet file.

    Raises:
        OperatorError: There is none.
    """
    if entry.get("parquet_key"):
        return
    if "parquet_key" in entry:
        raise OperatorError(
            f"the Parquet file of {name} could not be written",
            "read the NDJSON; the event parquet_left_out or parquet_failed says why: "
            "`xporter-bridge logs pull_dataset --event parquet_left_out --since 7d`",
        )
    raise OperatorError(
        f"{name} has no Parquet file",
        "deploy with Formats=ndjson+parquet; the table's next change, or the weekly comparison, "
        "writes it",
    )


def _write(rows: Iterable[bytes], form: str, entry: Any, file: IO[bytes]) -> None:
    if form == "ndjson":
        for line in rows:
            file.write(line + b"\n")
        return
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    writer = csv.DictWriter(text, entry["columns"], extrasaction="ignore")
    writer.writeheader()
    for line in rows:
        writer.writerow({name: _cell(value) for name, value in json.loads(line).items()})
    text.detach()


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list | bool):
        return json.dumps(value, ensure_ascii=False)
    return value
