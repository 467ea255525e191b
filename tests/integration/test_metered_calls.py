"""The units that docs/cost.md counts are those that AWS's own DynamoDB Local would charge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.support.builders import ESTAB, NOW
from tests.support.emulated_aws import EmulatedAws, emulators_of
from tests.support.metered_calls import Meter, metered
from tests.support.records import lease, with_facts
from xporter_bridge.aws.dynamodb import WATCH_SHARDS
from xporter_bridge.datasets.config import configured
from xporter_bridge.errors import ConflictError
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.schools.model import School
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.schools.states import SchoolState

AWS_OWN = [
    each for each in emulators_of("dynamodb") if getattr(each, "values", "") == ("dynamodb-local",)
]


@contextmanager
def charged(client: Any) -> Iterator[list[float]]:
    """Ask DynamoDB what each call consumes; the list holds units of reads and of writes."""
    total = [0.0, 0.0]

    def ask(params: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {**params, "ReturnConsumedCapacity": "INDEXES"}

    def note(parsed: dict[str, Any], model: Any, **_: Any) -> None:
        units = parsed.get("ConsumedCapacity", {}).get("CapacityUnits", 0.0)
        # It says that a query without results is free, which no page of AWS's says.
        units = units or (0.5 if model.name == "Query" else 0.0)
        total[model.name not in {"GetItem", "Query", "Scan"}] += units

    events = client.meta.events
    hooks = (("provide-client-params.dynamodb", ask), ("after-call.dynamodb", note))
    for event, hook in hooks:
        events.register(event, hook)
    yield total
    for event, hook in hooks:
        events.unregister(event, hook)


def lead_a_life(schools: SchoolRepository, datasets: DatasetRepository) -> None:
    """Do with items what a school's life does, of every size up to some kilobytes."""
    for scopes in (("Student",), tuple(f"Scope{number}" for number in range(300))):
        schools.change(
            ESTAB, lambda it, scopes=scopes: replace(it, state=SchoolState.LIVE, scopes=scopes)
        )
    assert schools.count(SchoolState.LIVE) == 1
    for name in ("students", "staff"):
        datasets.add_demand(ESTAB, name, NOW)
    held = lease(datasets, ESTAB, "students", NOW)
    assert held
    big = {"tables": {"Students": {"columns": [f"column {n}" for n in range(400)]}}}
    held = datasets.save(with_facts(held, manifest=big), NOW)
    held = datasets.renew(held, NOW + timedelta(seconds=20))
    datasets.save(with_facts(held, lease_expires_at="", served=1), NOW)
    assert len(datasets.of_school(ESTAB)) == 2
    assert list(datasets.due(NOW + timedelta(days=9), WATCH_SHARDS))
    datasets.delete_school(ESTAB)


@pytest.mark.parametrize("emulator", AWS_OWN)
def test_dynamodb_would_charge_what_is_counted(
    emulator: str, aws_of: Callable[[str], EmulatedAws]
) -> None:
    aws = aws_of(emulator)
    client = aws.client("dynamodb")
    tables = {aws.table(name): name for name in ("SchoolsTable", "DatasetsTable")}
    by_id = {name: table for table, name in tables.items()}
    schools = SchoolRepository(client, by_id["SchoolsTable"])
    datasets = DatasetRepository(client, by_id["DatasetsTable"], configured())
    meter = Meter(tables)
    with metered(meter), charged(client) as total:
        lead_a_life(schools, datasets)
    reads, writes = total
    assert (meter.used["dynamodb_reads"], meter.used["dynamodb_writes"]) == (reads, writes)


def test_a_write_that_a_condition_refuses_is_paid_for_too(
    aws_of: Callable[[str], EmulatedAws],
) -> None:
    aws = aws_of("moto")
    table = aws.table("SchoolsTable")
    schools = SchoolRepository(aws.client("dynamodb"), table)
    schools.change(ESTAB, lambda _: School(ESTAB, name="a school"))
    meter = Meter({table: "SchoolsTable"})
    with metered(meter), pytest.raises(ConflictError):
        schools._items.update(ESTAB, set_={"name": "x"}, condition="version = :seen", seen=99)
    assert meter.used == {"dynamodb_writes": 1}


def test_messages_and_events_are_paid_for_by_64_kilobytes(
    aws_of: Callable[[str], EmulatedAws],
) -> None:
    aws = aws_of("moto")
    meter = Meter({})
    sqs, url = aws.client("sqs"), aws.queue("PullQueue")
    bus, _ = aws.bus()
    with metered(meter):
        sqs.send_message(QueueUrl=url, MessageBody="x" * 65_537)
        entries = [{"Id": str(number), "MessageBody": "x"} for number in range(10)]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)
        event = {"Source": "us", "DetailType": "it", "EventBusName": bus}
        detail = f'{{"a": "{"x" * 65_537}"}}'
        aws.client("events").put_events(
            Entries=[{**event, "Detail": "{}"}, {**event, "Detail": detail}]
        )
    assert meter.used == {"sqs_requests": 3, "events": 3}


def test_s3_is_paid_for_by_kind_and_deletions_are_free(
    aws_of: Callable[[str], EmulatedAws],
) -> None:
    aws = aws_of("moto")
    s3, bucket, meter = aws.client("s3"), aws.bucket("StagingBucket"), Meter({})
    with metered(meter):
        s3.put_object(Bucket=bucket, Key="a", Body=b"x")
        s3.list_objects_v2(Bucket=bucket)
        s3.get_object(Bucket=bucket, Key="a")
        s3.head_object(Bucket=bucket, Key="a")
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a"}]})
    assert meter.used == {"s3_writes": 2, "s3_reads": 2}
