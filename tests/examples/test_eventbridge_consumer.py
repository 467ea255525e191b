"""The Lambda function of examples/eventbridge_consumer, on buckets in moto."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import yaml

from examples.eventbridge_consumer.handler import lambda_handler
from tests.support.builders import ESTAB, OTHER_ESTAB
from tests.support.published_dataset import DATA, PublishedDataset
from tests.support.template import ROOT
from xporter_bridge.events.model import TYPES

COPIES = "copies"
ROWS = [{"Id": "01", "Name": 'Ada "A", B'}, {"Id": "2", "Name": None}]


@pytest.fixture
def s3(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("DATA_BUCKET", DATA)
    monkeypatch.setenv("COPIES_BUCKET", COPIES)
    client = boto3.client("s3")
    for bucket in (DATA, COPIES):
        client.create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-2"}
        )
    yield client
    client.close()


def stored(s3: Any, published: PublishedDataset) -> None:
    """Let the bucket hold exactly what is published."""
    for entry in s3.list_objects_v2(Bucket=DATA).get("Contents", ()):
        s3.delete_object(Bucket=DATA, Key=entry["Key"])
    for name, body in published.s3.objects.items():
        if name.startswith(f"{DATA}/"):
            s3.put_object(Bucket=DATA, Key=name.removeprefix(f"{DATA}/"), Body=body)


def event(kind: str) -> dict[str, Any]:
    """Return the example of docs/events, as EventBridge delivers it."""
    schema = json.loads((ROOT / f"docs/events/{kind}.schema.json").read_text(encoding="utf-8"))
    detail = schema["examples"][0]
    detail["data"]["estab"] = ESTAB
    return {"source": "xporter-bridge", "detail-type": kind, "detail": detail}


def files(s3: Any) -> dict[str, list[dict[str, str]]]:
    found = {}
    for entry in s3.list_objects_v2(Bucket=COPIES).get("Contents", ()):
        body = s3.get_object(Bucket=COPIES, Key=entry["Key"])["Body"].read().decode()
        found[entry["Key"]] = list(csv.DictReader(io.StringIO(body)))
    return found


def test_the_files_are_what_is_published_and_go_with_an_erasure(s3: Any) -> None:
    published, place = PublishedDataset(), f"estab={ESTAB}/dataset=students"
    published.publish({"Students": ROWS, "Leavers": []})
    stored(s3, published)
    s3.put_object(Bucket=COPIES, Key=f"{place}/Former.csv", Body=b"")
    s3.put_object(Bucket=COPIES, Key=f"estab={OTHER_ESTAB}/dataset=students/Students.csv", Body=b"")
    for _ in range(2):
        lambda_handler(event("dataset.changed"))
    of_others = {f"estab={OTHER_ESTAB}/dataset=students/Students.csv": []}
    assert files(s3) == {
        f"{place}/Students.csv": [{"Id": "01", "Name": 'Ada "A", B'}, {"Id": "2", "Name": ""}],
        f"{place}/Leavers.csv": [],
        **of_others,
    }
    published.erase()
    stored(s3, published)
    lambda_handler(event("dataset.changed"))
    assert files(s3) == of_others


def test_the_erasure_of_a_school_deletes_its_files_and_no_others(s3: Any) -> None:
    for estab in (ESTAB, OTHER_ESTAB):
        s3.put_object(Bucket=COPIES, Key=f"estab={estab}/dataset=staff/Staff.csv", Body=b"")
    lambda_handler(event("school.live"))
    assert len(files(s3)) == 2
    lambda_handler(event("school.erased"))
    assert list(files(s3)) == [f"estab={OTHER_ESTAB}/dataset=staff/Staff.csv"]


def test_the_template_listens_to_events_that_there_are() -> None:
    class Loader(yaml.SafeLoader):
        pass

    Loader.add_multi_constructor("!", lambda loader, _tag, node: str(node.value))
    text = (ROOT / "examples/eventbridge_consumer/template.yaml").read_text(encoding="utf-8")
    function = yaml.load(text, Loader)["Resources"]["ConsumerFunction"]["Properties"]
    pattern = function["Events"]["Published"]["Properties"]["Pattern"]
    assert set(pattern["detail-type"]) <= set(TYPES)
    assert function["Handler"] == "handler.lambda_handler"
