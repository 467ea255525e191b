"""What grows with tables, columns and datasets stays below the limits of AWS, ten times as large.

A dataset of as many tables and columns as are taken, a school of forty datasets, a page of a
hundred such schools.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import orjson
import pytest
from boto3.dynamodb.types import TypeSerializer

from tests.integration.test_largest_items import Sizes
from tests.support.builders import ESTAB, NOW
from tools.aws_rules.dynamodb import MAX_ITEM_BYTES, item_bytes
from xporter_bridge.api.presenters import present_school
from xporter_bridge.api.schemas import SchoolPage
from xporter_bridge.datasets.config import configured
from xporter_bridge.errors import ContractError
from xporter_bridge.events.model import new_event
from xporter_bridge.ingestion.columns import ColumnPolicy
from xporter_bridge.ingestion.drift_reports import report_column_drift
from xporter_bridge.pulls.attempt import Attempt, AttemptOutcome
from xporter_bridge.pulls.history import MOST_ATTEMPTS
from xporter_bridge.pulls.record import DatasetRecord, DatasetState, Hold, Published
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.schools.credentials import Credentials
from xporter_bridge.schools.history import MOST_CHANGES, StateChange
from xporter_bridge.schools.model import Registration, School
from xporter_bridge.schools.repository import stored_form
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.snapshots.convert import ParquetFiles, bytes_of
from xporter_bridge.snapshots.layout import DatasetLayout, parquet_key, staging_prefix
from xporter_bridge.snapshots.manifest import Manifest, ParquetEntry, TableEntry

# EventBridge's quota of one entry, and Lambda's of one answer.
MAX_EVENT_BYTES, MAX_ANSWER_BYTES = 256 * 1024, 6 * 1024 * 1024
TABLES = 100
PULL_ID = "20261126T030000000Z-0123456789ab"
STUDENTS = configured()["studentcontacts"]
# With the dataset's own table, 4 KB.
TABLE_NAMES = [f"TableWithANameLongerThanXportersAre{n:04}" for n in range(TABLES - 1)]


def name_of(kind: str, number: int) -> str:
    """Return a name of 22 characters, as "StudentAddressPostcode" has."""
    return f"{kind}WithALongName{number:04}"


def policy_of_as_many_columns_as_are_taken(known: Any = None) -> ColumnPolicy:
    policy = ColumnPolicy(STUDENTS, known or {})
    count = 0
    with suppress(ContractError):
        for count in range(5_000):
            policy.decide_columns(TABLE_NAMES[count % len(TABLE_NAMES)], [name_of("Field", count)])
    assert 5_000 - 1 > count > 10 * 81, (
        "ten times the columns of the largest endpoint that is documented"
    )
    return policy


def manifest(policy: ColumnPolicy, sequence: int) -> Manifest:
    place = DatasetLayout(ESTAB, STUDENTS.name)
    tables = {
        name: TableEntry(
            rows=1_000_000,
            snapshot_key=place.snapshot(name, sequence),
            sha256="a" * 64,
            upserts=1_000_000,
            upserts_key=place.change(name, sequence, "upserts"),
            deletes=1_000_000,
            deletes_key=place.change(name, sequence, "deletes"),
            columns=columns,
            repeated=1000,
        )
        for name, columns in policy.kept_columns().items()
    }
    return Manifest(
        ESTAB, STUDENTS.name, sequence, PULL_ID, NOW, NOW, stale=False,
        requested_changed_rows="h" * 64, next_changed_rows="h" * 64, tables=tables,
    )  # fmt: skip


class TypedThroughout:
    """A converter that finds a type for every column, as no table of Xporter has one."""

    def convert(
        self, _table: str, entry: TableEntry, _rows: Any, to: str, *, most_bytes: int
    ) -> ParquetEntry:
        types = dict.fromkeys(entry.columns, "number, always a fraction")
        made = ParquetEntry(parquet_key(entry.snapshot_key), "a" * 64, types)
        return made if bytes_of(made, to) <= most_bytes else ParquetEntry(None)


def with_parquet(made: Manifest) -> Manifest:
    prefix = staging_prefix(ESTAB, STUDENTS.name, PULL_ID)
    files = ParquetFiles(cast("Any", None), cast("Any", TypedThroughout()), f"{prefix}out-100/")
    tables, _ = files.added(made.tables, {}, {})
    return replace(made, tables=tables)


def copies_of(made: Manifest) -> dict[str, str]:
    """Return the copy of every object that the sequence has."""
    staging = staging_prefix(ESTAB, STUDENTS.name, PULL_ID)
    return {key: staging + key for table in made.tables.values() for key in table.keys}


def event(type_: str, **data: Any) -> dict[str, Any]:
    made = new_event(type_, NOW, about="it", estab=ESTAB, dataset=STUDENTS.name, **data).document()
    assert len(orjson.dumps(made)) < MAX_EVENT_BYTES
    return made


def largest(columns: int) -> DatasetRecord:
    policy = policy_of_as_many_columns_as_are_taken()
    kept = manifest(policy, 1_000_000)
    few = {name: replace(e, columns=e.columns[:columns]) for name, e in kept.tables.items()}
    made = with_parquet(replace(kept, tables=few))
    attempt = Attempt(NOW, AttemptOutcome.FAILED, "r" * 80, 1_000_000, NOW, 1000, NOW)
    item = DatasetRecord(
        ESTAB,
        STUDENTS.name,
        published=Published(1_000_000, made, columns=made.columns),
        attempts=(attempt,) * MOST_ATTEMPTS,
    )
    # The columns that were there before are called otherwise now, and each is reported.
    renamed = policy_of_as_many_columns_as_are_taken({name: ["Id"] for name in made.tables})
    return report_column_drift(item, STUDENTS, renamed, lambda _: False)


def published_not_yet(item: DatasetRecord) -> DatasetRecord:
    made = item.published.manifest
    assert made
    published = replace(item.published, unpublished=copies_of(made))
    return replace(item, published=published, outbox=(event("dataset.changed", sequence=1),))


def held(item: DatasetRecord) -> DatasetRecord:
    made = item.published.manifest
    assert made
    reasons = tuple(f"{name}: 1000000 of 1000000 rows deleted" for name in made.tables) * 2
    week = NOW + timedelta(days=7)
    hold = Hold(NOW, week, reasons, STUDENTS.fingerprint, made, copies_of(made))
    return replace(
        item, hold=hold, state=DatasetState.HELD, outbox=(event("dataset.held", reasons=reasons),)
    )


@pytest.mark.parametrize("columns", [0, 3, 7, 100])
@pytest.mark.parametrize("step", [published_not_yet, held])
def test_the_largest_dataset_fits_its_item(step: Any, columns: int) -> None:
    sizes = Sizes()
    DatasetRepository(sizes, "datasets", configured()).save(step(largest(columns)), NOW)
    least = 0.6 if columns == 100 else 0.3
    assert MAX_ITEM_BYTES * least < max(sizes.bytes) < MAX_ITEM_BYTES


def test_ten_tables_of_the_most_documented_columns_all_have_a_parquet_file() -> None:
    policy = ColumnPolicy(STUDENTS, {})
    for table in TABLE_NAMES[:10]:
        policy.decide_columns(table, [name_of("Field", number) for number in range(81)])
    made = with_parquet(manifest(policy, 1))
    assert len(made.tables) == 10
    assert all(each.parquet and each.parquet.key for each in made.tables.values())


def test_names_that_change_with_every_pull_do_not_fill_the_item() -> None:
    item = DatasetRecord(ESTAB, STUDENTS.name)
    for day in range(60):
        policy = ColumnPolicy(STUDENTS, {"StudentContact": ["Id"]})
        met = [f"Mark of day {day} in group {group}" for group in range(50)]
        policy.decide_columns("StudentContact", met)
        item = report_column_drift(item, STUDENTS, policy, lambda _: False)
    remembered = item.noticed.reported_columns["added"]
    assert {f"StudentContact.{name}" for name in met} <= set(remembered)
    assert 30_000 < len(orjson.dumps(remembered)) < 33_000


def test_tables_whose_names_are_too_long_together_are_refused() -> None:
    policy = ColumnPolicy(STUDENTS, {})
    for number in range(40):
        policy.table(f"{number:0100}")
    with pytest.raises(ContractError, match="too_many_tables"):
        policy.table(f"{40:0100}")


def school(number: int) -> School:
    """Return a school of 40 databases and of 200 scopes, with all that is remembered of it."""
    names = [f"Database{each:03}" for each in range(40)]
    registrations = {name: Registration(name, "f" * 64, "key-0001", NOW) for name in names}
    scopes = tuple(f"xporter.read.something.long.{each:03}" for each in range(200))
    return School(
        f"{1_000_000 + number}",
        state=SchoolState.LIVE,
        name="N" * 200,
        scopes=scopes,
        missing_scopes=dict.fromkeys(scopes, NOW),
        registrations=registrations,
        credentials=Credentials(b"k" * 200, b"s" * 300, "d" * 64, b"s" * 300, (b"s" * 300,) * 20),
        outbox=(new_event("school.live", NOW, about="it", estab=ESTAB),) * 20,
        history=(StateChange(NOW, SchoolState.REVOKED, "c" * 100),) * MOST_CHANGES,
    )


def test_a_school_of_forty_databases_fits_its_item() -> None:
    item = {name: value for name, value in stored_form(school(1)).items() if value is not None}
    typed = {name: TypeSerializer().serialize(value) for name, value in item.items()}
    assert item_bytes(typed) < MAX_ITEM_BYTES / 4


def test_a_page_of_a_hundred_schools_of_forty_datasets_fits_an_answer() -> None:
    reasons = ("StudentContact: 1000000 of 1000000 rows deleted",) * 4
    made = manifest(ColumnPolicy(STUDENTS, {}), 1)
    hold = Hold(NOW, NOW, reasons, STUDENTS.fingerprint, made, {})
    items = [
        DatasetRecord("1", f"dataset-{n:03}", state=DatasetState.HELD, hold=hold, reason="r" * 100)
        for n in range(40)
    ]
    shown = present_school(school(1), items, configured(), NOW)
    page = SchoolPage(schools=[shown] * 100, cursor="c" * 200)
    # As a string in Lambda's JSON, the answer's quotes are escaped.
    answer = orjson.dumps({"body": page.model_dump_json()})
    assert len(answer) < MAX_ANSWER_BYTES
