"""Deletes what CloudFormation leaves: retained resources, and resources outside the stack."""

from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

Client = Callable[[str], Any]
# The fewest days that KMS takes; a key that is to be deleted costs nothing any more.
_KEY_DAYS = 7
_GONE = {
    "404", "NoSuchBucket", "ResourceNotFoundException", "NotFoundException", "NotFound",
    "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue",
}  # fmt: skip


def delete_bucket(client: Client, name: str) -> None:
    """Delete a bucket with everything in it: versions, delete markers, unfinished uploads."""
    s3 = client("s3")
    for upload in _pages(s3, "list_multipart_uploads", "Uploads", Bucket=name):
        s3.abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])
    while objects := _some_versions(s3, name):
        answer = s3.delete_objects(Bucket=name, Delete={"Objects": objects, "Quiet": True})
        if errors := answer.get("Errors"):
            raise ClientError({"Error": errors[0]}, "DeleteObjects")
    s3.delete_bucket(Bucket=name)


def delete_table(client: Client, name: str) -> None:
    """Delete a table; DynamoDB keeps a backup of it for 35 days, which costs nothing."""
    client("dynamodb").delete_table(TableName=name)


def delete_secret(client: Client, arn: str) -> None:
    """Delete a secret at once, without the days in which it could be restored."""
    client("secretsmanager").delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)


def delete_key(client: Client, key: str) -> None:
    """Have a key deleted as soon as KMS does that."""
    kms = client("kms")
    if kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] != "PendingDeletion":
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=_KEY_DAYS)


def delete_log_group(client: Client, name: str) -> None:
    """Delete a log group with what was logged."""
    client("logs").delete_log_group(logGroupName=name)


def delete_queue(client: Client, name: str) -> None:
    """Delete a queue by its name."""
    sqs = client("sqs")
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"])


def delete_rule(client: Client, bus: str, name: str) -> None:
    """Delete a rule whose only target has its name; a bus that has rules cannot be deleted."""
    events = client("events")
    events.remove_targets(Rule=name, EventBusName=bus, Ids=[name])
    events.delete_rule(Name=name, EventBusName=bus)


def log_groups(client: Client, prefix: str) -> list[str]:
    """Return the log groups whose name begins so.

    A function that still ran when its group was deleted may have made it anew.
    """
    logs = client("logs")
    # The last is an emulator's.
    prefixes = (f"{prefix}-", f"/aws/lambda/{prefix}-", f"/aws/cloudformation/{prefix}/")
    return [
        group["logGroupName"]
        for each in prefixes
        for group in _pages(logs, "describe_log_groups", "logGroups", logGroupNamePrefix=each)
    ]


#: How to delete what template.yaml retains, in the order in which that is done: keys last.
BY_TYPE: dict[str, Callable[[Client, str], None]] = {
    "AWS::S3::Bucket": delete_bucket,
    "AWS::DynamoDB::Table": delete_table,
    "AWS::SecretsManager::Secret": delete_secret,
    "AWS::Logs::LogGroup": delete_log_group,
    "AWS::KMS::Key": delete_key,
}
#: What a stack retains and its deletion takes away all the same: versions go with their function.
WITH_THEIR_OWNER = {"AWS::Lambda::Version"}


def is_gone(error: ClientError) -> bool:
    """Tell whether a call failed because there is nothing to delete."""
    return error.response["Error"]["Code"] in _GONE


def _some_versions(s3: Any, bucket: str) -> list[dict[str, str]]:
    """Return the first versions and delete markers; a thousand, as many as one call deletes."""
    page = s3.list_object_versions(Bucket=bucket)
    found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
    return [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]


def _pages(client: Any, call: str, key: str, **arguments: Any) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator(call).paginate(**arguments):
        yield from page.get(key, ())
