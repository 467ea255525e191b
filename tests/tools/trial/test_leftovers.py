"""That what a stack retains is deleted, and that nothing keeps the rest from it."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tools.trial.cleanup import Cleanup
from tools.trial.leftovers import (
    BY_TYPE,
    delete_bucket,
    delete_key,
    delete_queue,
    delete_rule,
    delete_secret,
    delete_table,
    is_gone,
)

REGION = "eu-west-2"


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        yield


def test_a_bucket_goes_with_all_versions_delete_markers_and_unfinished_uploads() -> None:
    s3 = boto3.client("s3")
    where = {"LocationConstraint": REGION}
    s3.create_bucket(Bucket="data", CreateBucketConfiguration=where)
    s3.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
    for number in range(4):
        s3.put_object(Bucket="data", Key=f"snapshots/{number}", Body=b"1")
    s3.put_object(Bucket="data", Key="snapshots/1", Body=b"2")
    s3.delete_object(Bucket="data", Key="snapshots/2")
    s3.create_multipart_upload(Bucket="data", Key="snapshots/3")
    delete_bucket(boto3.client, "data")
    assert s3.list_buckets()["Buckets"] == []


def test_a_table_goes() -> None:
    dynamodb = boto3.client("dynamodb")
    dynamodb.create_table(
        TableName="schools",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "estab", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "estab", "KeyType": "HASH"}],
    )
    delete_table(boto3.client, "schools")
    assert dynamodb.list_tables()["TableNames"] == []


def test_a_secret_goes_at_once() -> None:
    secrets = boto3.client("secretsmanager")
    arn = secrets.create_secret(Name="key", SecretString="value")["ARN"]
    delete_secret(boto3.client, arn)
    listed = secrets.list_secrets(IncludePlannedDeletion=True)
    assert listed["SecretList"] == []


def test_a_key_goes_as_soon_as_kms_lets_it_and_only_once() -> None:
    kms = boto3.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    delete_key(boto3.client, key)
    first = kms.describe_key(KeyId=key)["KeyMetadata"]
    delete_key(boto3.client, key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"] == first
    assert first["KeyState"] == "PendingDeletion"


def test_the_event_tap_goes_so_that_the_bus_can() -> None:
    sqs, events = boto3.client("sqs"), boto3.client("events")
    events.create_event_bus(Name="bus")
    events.put_rule(Name="tap", EventBusName="bus", EventPattern='{"source": ["any"]}')
    arn = "arn:aws:sqs:eu-west-2:123456789012:tap"
    events.put_targets(Rule="tap", EventBusName="bus", Targets=[{"Id": "tap", "Arn": arn}])
    sqs.create_queue(QueueName="tap")
    delete_rule(boto3.client, "bus", "tap")
    delete_queue(boto3.client, "tap")
    assert events.list_rules(EventBusName="bus")["Rules"] == []
    assert "QueueUrls" not in sqs.list_queues()


# A secret that is to go at once may be missing, says AWS; log groups are not in this moto.
ABSENT = sorted(set(BY_TYPE) - {"AWS::Logs::LogGroup", "AWS::SecretsManager::Secret"})


@pytest.mark.parametrize("kind", ABSENT)
def test_what_is_gone_already_is_no_failure(kind: str) -> None:
    missing = "11111111-1111-4111-8111-111111111111"
    with pytest.raises(ClientError) as raised:
        BY_TYPE[kind](boto3.client, missing)
    assert is_gone(raised.value)


class Versions:
    """A bucket of S3 that lists a thousand versions at a time, of those that are not deleted."""

    def __init__(self, count: int, *, is_locked: bool = False) -> None:
        self.keys = [str(number) for number in range(count)]
        self._is_locked = is_locked

    def get_paginator(self, _: str) -> "Versions":
        return self

    def paginate(self, **_: str) -> list[dict[str, str]]:
        return []

    def list_object_versions(self, **_: str) -> dict[str, list[dict[str, str]]]:
        return {"Versions": [{"Key": key, "VersionId": "1"} for key in self.keys[:1000]]}

    def delete_objects(self, Delete: dict[str, Any], **_: str) -> dict[str, Any]:  # noqa: N803
        if self._is_locked:
            return {"Errors": [{"Code": "AccessDenied", "Message": "locked", "Key": "0"}]}
        assert len(Delete["Objects"]) <= 1000
        gone = {each["Key"] for each in Delete["Objects"]}
        self.keys = [key for key in self.keys if key not in gone]
        return {}

    def delete_bucket(self, **_: str) -> None:
        assert not self.keys


def test_a_bucket_goes_with_more_objects_than_one_call_takes() -> None:
    bucket = Versions(2500)
    delete_bucket(lambda _: bucket, "data")
    assert bucket.keys == []


def test_a_bucket_that_keeps_an_object_is_a_failure_and_no_endless_loop() -> None:
    with pytest.raises(ClientError, match="locked"):
        delete_bucket(lambda _: Versions(1, is_locked=True), "data")


def test_one_failure_is_told_and_keeps_nothing_else_from_being_deleted() -> None:
    cleanup = Cleanup()

    def refused() -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DeleteTable")

    def gone() -> None:
        raise ClientError({"Error": {"Code": "NoSuchBucket", "Message": "no"}}, "DeleteBucket")

    for name, delete in (("a", refused), ("b", gone), ("c", lambda: None)):
        cleanup.attempt(name, delete)
    assert cleanup.deleted == ["c"]
    [left] = cleanup.left
    assert left.startswith("a: ")
    assert "AccessDenied" in left
