"""What `xporter-bridge restore` puts back from a copy of a table, and what it must not."""

import json
from typing import Any

import boto3
import pytest

from tests.support import template
from tests.support.builders import ESTAB, OTHER_ESTAB, dataset_table
from tests.support.moto_cloud import Cloud
from tests.support.records import manifest as full_manifest
from tools.operator.restore import Restorer
from xporter_bridge.pulls.record import DatasetState
from xporter_bridge.snapshots.layout import DatasetLayout

PLACE = DatasetLayout(ESTAB, "students")


@pytest.fixture
def restorer(cloud: Cloud) -> Restorer:
    return Restorer(
        boto3.resource("dynamodb"),
        cloud.client("s3"),
        cloud.ref("SchoolsTable"),
        cloud.ref("DataBucket"),
    )


def copied(table: str, *items: dict[str, Any]) -> str:
    """Return a copy of the table as DynamoDB makes it, with these items."""
    schema = template.resources("AWS::DynamoDB::Table")[table]
    used = {key["AttributeName"] for key in schema["KeySchema"]}
    made = boto3.resource("dynamodb").create_table(
        TableName="copy",
        KeySchema=schema["KeySchema"],
        AttributeDefinitions=[
            each for each in schema["AttributeDefinitions"] if each["AttributeName"] in used
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    for item in items:
        made.put_item(Item=item)
    return "copy"


def put(cloud: Cloud, table: str, **item: Any) -> None:
    boto3.resource("dynamodb").Table(cloud.ref(table)).put_item(Item=item)


def publish(cloud: Cloud, **manifest: Any) -> None:
    body = json.dumps(full_manifest(**manifest).document()).encode()
    cloud.client("s3").put_object(Bucket=cloud.ref("DataBucket"), Key=PLACE.latest, Body=body)


def dataset(**facts: Any) -> dict[str, Any]:
    return {"estab": ESTAB, "dataset": "students", "state": "current", "sequence": 3, **facts}


def test_a_dataset_goes_on_after_what_readers_have_seen_since(
    cloud: Cloud, restorer: Restorer
) -> None:
    publish(cloud, sequence=5, next_changed_rows="hash-5", as_of="2026-11-24T03:00:00.000Z")
    under_way = {"unpublished": "{}", "lease_expires_at": "9", "decision": "approve"}
    copy = copied("DatasetsTable", dataset(next_changed_rows="hash-3", **under_way))
    found = restorer.restore(copy, cloud.ref("DatasetsTable"))
    assert found == {"restored": 1, "there": 0, "left_out": 0}
    item = dataset_table(cloud).get(ESTAB, "students")
    assert item
    assert (item.state, item.published.sequence) == (DatasetState.CURRENT, 5)
    assert item.chain.next_changed_rows == "hash-5"
    assert item.published.manifest
    assert item.published.manifest.sequence == 5
    assert (item.published.unpublished, item.lease.expires_at, item.demand.decision) == (
        None,
        None,
        "",
    )


def test_what_is_there_is_newer_and_stays(cloud: Cloud, restorer: Restorer) -> None:
    publish(cloud, sequence=5, next_changed_rows="hash-5", as_of="2026-11-24T03:00:00.000Z")
    put(cloud, "DatasetsTable", **dataset(sequence=9))
    copy = copied("DatasetsTable", dataset())
    assert restorer.restore(copy, cloud.ref("DatasetsTable"))["there"] == 1
    item = dataset_table(cloud).get(ESTAB, "students")
    assert item
    assert item.published.sequence == 9


@pytest.mark.parametrize(
    "school", [{"state": "erased"}, {"state": "live", "erasure_requested_at": "2026-11-24"}]
)
def test_nothing_of_an_erased_school_comes_back(
    cloud: Cloud, restorer: Restorer, school: dict[str, str]
) -> None:
    put(cloud, "SchoolsTable", estab=ESTAB, **school)
    copy = copied("DatasetsTable", dataset(sequence=0), dataset(estab=OTHER_ESTAB, sequence=0))
    found = restorer.restore(copy, cloud.ref("DatasetsTable"))
    assert (found["restored"], found["left_out"]) == (1, 1)
    assert {item["estab"]["S"] for item in cloud.items("DatasetsTable")} == {OTHER_ESTAB}


def test_an_erased_dataset_comes_back_without_its_data_and_goes_on_counting(
    cloud: Cloud, restorer: Restorer
) -> None:
    erased = {"at": "2026-11-24", "reason": "scope_removed"}
    publish(cloud, sequence=4, next_changed_rows=None, as_of="2026-11-24", erased=erased)
    copy = copied("DatasetsTable", dataset(requested=2, served=1, columns='{"T":["Id"]}'))
    assert restorer.restore(copy, cloud.ref("DatasetsTable"))["restored"] == 1
    item = dataset_table(cloud).get(ESTAB, "students")
    assert item
    assert (item.state, item.published.sequence, item.is_due) == (DatasetState.ERASED, 4, False)
    assert (item.published.columns, item.chain.next_changed_rows) == ({}, "")


def test_a_dataset_that_has_ended_does_not_come_back(cloud: Cloud, restorer: Restorer) -> None:
    copy = copied("DatasetsTable", dataset())
    assert restorer.restore(copy, cloud.ref("DatasetsTable"))["left_out"] == 1
    assert cloud.items("DatasetsTable") == []


def test_a_writeback_that_may_have_been_sent_since_does_not_come_back(
    cloud: Cloud, restorer: Restorer
) -> None:
    copy = copied(
        "OperationsTable",
        *(
            {"estab": ESTAB, "operation": f"writeback-{state}", "state": state}
            for state in ("queued", "sent", "completed", "failed", "unknown")
        ),
    )
    found = restorer.restore(copy, cloud.ref("OperationsTable"))
    assert (found["restored"], found["left_out"]) == (3, 2)
    assert {item["state"]["S"] for item in cloud.items("OperationsTable")} == {
        "completed",
        "failed",
        "unknown",
    }


def test_a_place_in_which_a_pull_was_running_is_free(cloud: Cloud, restorer: Restorer) -> None:
    copy = copied("DatasetsTable", {"estab": ESTAB, "dataset": "#slot-1", "fence": 4})
    assert restorer.restore(copy, cloud.ref("DatasetsTable"))["left_out"] == 1
