"""Every kind of request that AWS refuses is found, and none that it takes."""

from typing import Any

import pytest

from tools.aws_rules import dynamodb, eventbridge, s3, sqs
from tools.aws_rules.requests import RequestRules, service_model

TABLE = {"TableName": "schools"}
KEY = {**TABLE, "Key": {"estab": {"S": "3281102"}}}
QUEUE = {"QueueUrl": "https://sqs.eu-west-2.amazonaws.com/123456789012/pulls"}
OBJECT = {"Bucket": "data", "Key": "snapshots/estab=3281102/1.ndjson.gz"}
EVENT = {"Source": "xporter-bridge", "DetailType": "school.live", "Detail": "{}"}
DEEP: dict[str, Any] = {"S": "x"}
for _ in range(dynamodb.MAX_DEPTH):
    DEEP = {"L": [DEEP]}


def violations(service: str, operation: str, **parameters: Any) -> list[str]:
    model = service_model(service).operation_model(operation)
    return RequestRules().violations(model, parameters)


def update(expression: str, **parameters: Any) -> dict[str, Any]:
    return {**KEY, "UpdateExpression": expression, **parameters}


def put(**item: Any) -> dict[str, Any]:
    return {**TABLE, "Item": {"estab": {"S": "3281102"}, **item}}


ALLOWED = [
    ("dynamodb", "GetItem", {**KEY, "ConsistentRead": True}),
    ("dynamodb", "PutItem", put(name={"S": "x" * 1000}, numbers={"NS": ["1", "2.5e3"]})),
    (
        "dynamodb",
        "UpdateItem",
        update(
            "SET #state = :state, tries = if_not_exists(tries, :zero) + :one REMOVE a[1], b.c",
            ConditionExpression=(
                "attribute_not_exists(tries) OR (tries = :one AND NOT #state IN (:state))"
            ),
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={
                ":state": {"S": "live"}, ":one": {"N": "1"}, ":zero": {"N": "0"},
            },
        ),
    ),
    (
        "dynamodb",
        "Query",
        {
            **TABLE,
            "IndexName": "by_watch_at",
            "KeyConditionExpression": "watch_shard = :shard AND watch_at BETWEEN :a AND :b",
            "ExpressionAttributeValues": {":shard": {"N": "1"}, ":a": {"S": "1"}, ":b": {"S": "2"}},
        },
    ),
    ("sqs", "SendMessage", {
        **QUEUE, "MessageBody": "x" * sqs.MAX_MESSAGE_BYTES, "DelaySeconds": 900}),
    (
        "sqs",
        "SendMessageBatch",
        {**QUEUE, "Entries": [{"Id": str(n), "MessageBody": "{}"} for n in range(10)]},
    ),
    ("s3", "PutObject", {**OBJECT, "Body": b"x", "IfNoneMatch": "*"}),
    ("s3", "GetObject", {**OBJECT, "Range": "bytes=0-0"}),
    ("s3", "DeleteObjects", {"Bucket": "data", "Delete": {"Objects": [{"Key": "a"}] * 1000}}),
    ("events", "PutEvents", {"Entries": [{**EVENT, "EventBusName": "bus"}] * 10}),
    ("kms", "Encrypt", {
        "KeyId": "k", "Plaintext": b"x" * 4096, "EncryptionContext": {"estab": "1"}}),
    ("kms", "GenerateDataKey", {"KeyId": "k", "KeySpec": "AES_256"}),
    ("secretsmanager", "GetSecretValue", {"SecretId": "s", "VersionStage": "AWSCURRENT"}),
]  # fmt: skip

REFUSED = [
    ("an unknown parameter", "dynamodb", "GetItem", {**KEY, "Consistent": True}),
    ("a missing parameter", "dynamodb", "GetItem", TABLE),
    ("no one of an enumeration", "dynamodb", "GetItem", {**KEY, "ReturnConsumedCapacity": "ALL"}),
    ("a name that is no index's", "dynamodb", "Query", {**TABLE, "IndexName": "by watch"}),
    ("two kinds of one value", "dynamodb", "PutItem", put(name={"S": "x", "N": "1"})),
    ("an item above 400 KB", "dynamodb", "PutItem", put(name={"S": "x" * 400 * 1024})),
    ("a value above 400 KB", "dynamodb", "UpdateItem", update(
        "SET a = :a", ExpressionAttributeValues={":a": {"B": b"x" * (400 * 1024 + 1)}})),
    ("a number of 39 digits", "dynamodb", "PutItem", put(name={"N": "1" * 39})),
    ("no number", "dynamodb", "PutItem", put(name={"N": "NaN"})),
    ("an empty set", "dynamodb", "PutItem", put(name={"SS": []})),
    ("33 levels", "dynamodb", "PutItem", put(name=DEEP)),
    ("an empty key", "dynamodb", "GetItem", {**TABLE, "Key": {"estab": {"S": ""}}}),
    ("a key of 2,049 bytes", "dynamodb", "GetItem", {**TABLE, "Key": {"estab": {"S": "x" * 2049}}}),
    ("two keys above 1,024 bytes", "dynamodb", "GetItem", {
        **TABLE, "Key": {"a": {"S": "x" * 1025}, "b": {"S": "x" * 1025}}}),
    ("26 writes", "dynamodb", "BatchWriteItem", {"RequestItems": {
        table: [{"DeleteRequest": {"Key": {"estab": {"S": str(n)}}}} for n in range(13)]
        for table in ("schools", "others")}}),
    ("one write twice", "dynamodb", "BatchWriteItem", {"RequestItems": {"schools": [
        {"DeleteRequest": {"Key": {"estab": {"S": "1"}}}}] * 2}}),
    ("101 reads", "dynamodb", "BatchGetItem", {"RequestItems": {
        name: {"Keys": [{"estab": {"S": str(n)}} for n in range(count)]}
        for name, count in (("schools", 100), ("others", 1))}}),
    ("a transaction's reserved word", "dynamodb", "TransactWriteItems", {"TransactItems": [
        {"Delete": {**KEY, "ConditionExpression": "attribute_exists(name)"}}]}),
    ("a reserved word", "dynamodb", "UpdateItem", update("REMOVE state")),
    ("a consistent read of an index", "dynamodb", "Query", {
        **TABLE, "IndexName": "by_state", "ConsistentRead": True}),
    ("a placeholder without use", "dynamodb", "UpdateItem", update(
        "REMOVE a", ExpressionAttributeNames={"#b": "b"})),
    ("a placeholder without meaning", "dynamodb", "UpdateItem", update("SET a = :a")),
    ("no placeholders at all", "dynamodb", "UpdateItem", update(
        "REMOVE a", ExpressionAttributeValues={})),
    ("a name that is no placeholder", "dynamodb", "UpdateItem", update(
        "REMOVE a", ExpressionAttributeNames={"#b-c": "b"})),
    ("an empty expression", "dynamodb", "UpdateItem", update("REMOVE a", ConditionExpression="")),
    ("one attribute twice", "dynamodb", "UpdateItem", update(
        "SET #b = :b REMOVE b", ExpressionAttributeNames={"#b": "b"},
        ExpressionAttributeValues={":b": {"S": "x"}})),
    ("an attribute and what is in it", "dynamodb", "UpdateItem", update("REMOVE a, a.b")),
    ("a change of the key", "dynamodb", "UpdateItem", update("REMOVE estab")),
    ("an addition within", "dynamodb", "UpdateItem", update(
        "ADD a.b :b", ExpressionAttributeValues={":b": {"N": "1"}})),
    ("a key condition with OR", "dynamodb", "Query", {
        **TABLE, "KeyConditionExpression": "a = :a OR b = :a",
        "ExpressionAttributeValues": {":a": {"S": "x"}}}),
    ("a key condition without equality", "dynamodb", "Query", {
        **TABLE, "KeyConditionExpression": "a < :a",
        "ExpressionAttributeValues": {":a": {"S": "x"}}}),
    ("an empty message", "sqs", "SendMessage", {**QUEUE, "MessageBody": ""}),
    ("a message above 256 KiB", "sqs", "SendMessage", {
        **QUEUE, "MessageBody": "x" * (sqs.MAX_MESSAGE_BYTES + 1)}),
    ("a message whose attributes are too much", "sqs", "SendMessage", {
        **QUEUE, "MessageBody": "x" * sqs.MAX_MESSAGE_BYTES,
        "MessageAttributes": {"reason": {"DataType": "String", "StringValue": "x"}}}),
    ("a character that XML has not", "sqs", "SendMessage", {**QUEUE, "MessageBody": "a\x00"}),
    ("half a surrogate pair", "sqs", "SendMessage", {**QUEUE, "MessageBody": "a\ud800"}),
    ("a delay above 15 minutes", "sqs", "SendMessage", {
        **QUEUE, "MessageBody": "x", "DelaySeconds": 901}),
    ("no group on a FIFO queue", "sqs", "SendMessage", {
        "QueueUrl": f"{QUEUE['QueueUrl']}.fifo", "MessageBody": "x"}),
    ("an empty attribute", "sqs", "SendMessage", {
        **QUEUE, "MessageBody": "x",
        "MessageAttributes": {"reason": {"DataType": "String", "StringValue": ""}}}),
    ("an attribute's name of AWS's own", "sqs", "SendMessage", {
        **QUEUE, "MessageBody": "x",
        "MessageAttributes": {"AWS.reason": {"DataType": "String", "StringValue": "x"}}}),
    ("an attribute's unknown type", "sqs", "SendMessage", {
        **QUEUE, "MessageBody": "x",
        "MessageAttributes": {"reason": {"DataType": "Text", "StringValue": "x"}}}),
    ("an attribute's character", "sqs", "SendMessage", {
        **QUEUE, "MessageBody": "x",
        "MessageAttributes": {"reason": {"DataType": "String", "StringValue": "\x0b"}}}),
    ("eleven attributes", "sqs", "SendMessage", {
        **QUEUE, "MessageBody": "x",
        "MessageAttributes": {
            f"a{n}": {"DataType": "String", "StringValue": "x"} for n in range(11)}}),
    ("eleven messages", "sqs", "SendMessageBatch", {
        **QUEUE, "Entries": [{"Id": str(n), "MessageBody": "x"} for n in range(11)]}),
    ("two messages of one id", "sqs", "SendMessageBatch", {
        **QUEUE, "Entries": [{"Id": "1", "MessageBody": "x"}] * 2}),
    ("an id with a dot", "sqs", "SendMessageBatch", {
        **QUEUE, "Entries": [{"Id": "1.2", "MessageBody": "x"}]}),
    ("a batch above 256 KiB", "sqs", "SendMessageBatch", {
        **QUEUE, "Entries": [{"Id": str(n), "MessageBody": "x" * 40_000} for n in range(10)]}),
    ("eleven receipts", "sqs", "DeleteMessageBatch", {
        **QUEUE, "Entries": [{"Id": str(n), "ReceiptHandle": "x"} for n in range(11)]}),
    ("eleven to receive", "sqs", "ReceiveMessage", {**QUEUE, "MaxNumberOfMessages": 11}),
    ("a wait above 20 seconds", "sqs", "ReceiveMessage", {**QUEUE, "WaitTimeSeconds": 21}),
    ("an invisibility above 12 hours", "sqs", "ChangeMessageVisibility", {
        **QUEUE, "ReceiptHandle": "x", "VisibilityTimeout": 43_201}),
    ("an empty key", "s3", "PutObject", {**OBJECT, "Key": ""}),
    ("a key above 1,024 bytes", "s3", "PutObject", {**OBJECT, "Key": "x" * 1025}),
    ("a key with a control character", "s3", "PutObject", {**OBJECT, "Key": "a\x01"}),
    ("a key with a backslash", "s3", "GetObject", {**OBJECT, "Key": "a\\b"}),
    ("a key that is a path", "s3", "GetObject", {**OBJECT, "Key": "a/../b"}),
    ("a bucket with capitals", "s3", "PutObject", {**OBJECT, "Bucket": "DataBucket"}),
    ("metadata above 2 KB", "s3", "PutObject", {**OBJECT, "Metadata": {"a": "x" * 2048}}),
    ("a condition on another version", "s3", "PutObject", {**OBJECT, "IfNoneMatch": '"etag"'}),
    ("two conditions", "s3", "PutObject", {**OBJECT, "IfMatch": '"e"', "IfNoneMatch": "*"}),
    ("a range that ends early", "s3", "GetObject", {**OBJECT, "Range": "bytes=9-5"}),
    ("a range that is none", "s3", "GetObject", {**OBJECT, "Range": "0-5"}),
    ("1,001 keys to delete", "s3", "DeleteObjects", {
        "Bucket": "data", "Delete": {"Objects": [{"Key": "a"}] * 1001}}),
    ("a bad key to delete", "s3", "DeleteObjects", {
        "Bucket": "data", "Delete": {"Objects": [{"Key": "a\x01"}]}}),
    ("a copy of a bad key", "s3", "CopyObject", {
        **OBJECT, "CopySource": {"Bucket": "data", "Key": "a\x01"}}),
    ("part 10,001", "s3", "UploadPart", {**OBJECT, "UploadId": "u", "PartNumber": 10_001}),
    ("parts out of order", "s3", "CompleteMultipartUpload", {
        **OBJECT, "UploadId": "u", "MultipartUpload": {"Parts": [
            {"PartNumber": 2, "ETag": "b"}, {"PartNumber": 1, "ETag": "a"}]}}),
    ("eleven events", "events", "PutEvents", {"Entries": [EVENT] * 11}),
    ("an event of 256 KB", "events", "PutEvents", {
        "Entries": [{**EVENT, "Detail": '{"a":"' + "x" * eventbridge.MAX_ENTRY_BYTES + '"}'}]}),
    ("an event without a type", "events", "PutEvents", {"Entries": [{**EVENT, "DetailType": ""}]}),
    ("an event in AWS's name", "events", "PutEvents", {"Entries": [{**EVENT, "Source": "aws.us"}]}),
    ("a detail that is no JSON", "events", "PutEvents", {"Entries": [{**EVENT, "Detail": "{"}]}),
    ("a detail that holds no number", "events", "PutEvents", {
        "Entries": [{**EVENT, "Detail": '{"a":NaN}'}]}),
    ("a detail that is no object", "events", "PutEvents", {"Entries": [{**EVENT, "Detail": "[]"}]}),
    ("4,097 bytes to encrypt", "kms", "Encrypt", {"KeyId": "k", "Plaintext": b"x" * 4097}),
    ("an empty context", "kms", "Encrypt", {
        "KeyId": "k", "Plaintext": b"x", "EncryptionContext": {"estab": ""}}),
    ("a data key of no size", "kms", "GenerateDataKey", {"KeyId": "k"}),
    ("an id that is no version's", "secretsmanager", "GetSecretValue", {
        "SecretId": "s", "VersionId": "1"}),
]  # fmt: skip


@pytest.mark.parametrize(("service", "operation", "parameters"), ALLOWED)
def test_what_aws_takes_is_not_found_fault_with(
    service: str, operation: str, parameters: dict[str, Any]
) -> None:
    assert violations(service, operation, **parameters) == []


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [case[1:] for case in REFUSED],
    ids=[f"{case[1]}: {case[0]}" for case in REFUSED],
)
def test_what_aws_refuses_is_found(
    service: str, operation: str, parameters: dict[str, Any]
) -> None:
    found = violations(service, operation, **parameters)
    assert len(found) == 1
    assert found[0].startswith(f"{service}:{operation}: ")


def test_a_part_that_is_too_small_is_found_when_the_upload_ends_unless_it_is_the_last() -> None:
    rules, upload = RequestRules(), {**OBJECT, "UploadId": "u"}
    part = service_model("s3").operation_model("UploadPart")
    complete = service_model("s3").operation_model("CompleteMultipartUpload")
    small, whole = b"x", b"x" * s3.MIN_PART_BYTES
    for number, body in enumerate((whole, small, small), start=1):
        assert rules.violations(part, {**upload, "PartNumber": number, "Body": body}) == []
    parts = [{"PartNumber": number, "ETag": "e"} for number in (1, 2, 3)]
    found = rules.violations(complete, {**upload, "MultipartUpload": {"Parts": parts}})
    assert len(found) == 1
    assert "part 2" in found[0]


def test_an_item_that_an_update_has_made_too_large_is_found_in_the_answer() -> None:
    model = service_model("dynamodb").operation_model("UpdateItem")
    held = {"Attributes": {"estab": {"S": "3281102"}, "notes": {"S": "x" * 400 * 1024}}}
    assert RequestRules().result_violations(model, held)
    assert RequestRules().result_violations(model, {"Attributes": {"estab": {"S": "1"}}}) == []


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "é"}, 2), ({"N": "12345"}, 4), ({"N": "-100"}, 2), ({"B": b"123"}, 3),
        ({"BOOL": True}, 1), ({"NULL": True}, 1), ({"SS": ["a", "bc"]}, 3),
        ({"L": [{"S": "a"}]}, 5), ({"M": {"k": {"S": "a"}}}, 6),
    ],
)  # fmt: skip
def test_an_items_size_is_counted_as_dynamodb_counts_it(value: dict[str, Any], size: int) -> None:
    assert dynamodb.item_bytes({"name": value}) == len("name") + size
