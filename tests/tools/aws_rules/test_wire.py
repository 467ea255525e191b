"""A request is read off the wire as what botocore was called with, for every call that we make."""

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from botocore.session import get_session

from tools.aws_rules.wire import read_request

OBJECT = {"Bucket": "data", "Key": "a b/+.json"}
CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("dynamodb", "update_item", {
        "TableName": "schools", "Key": {"estab": {"S": "1"}},
        "UpdateExpression": "SET a = :a, b = :b",
        "ExpressionAttributeValues": {":a": {"B": b"\x00\xff"}, ":b": {"L": [{"BS": [b"1"]}]}}}),
    ("sqs", "send_message_batch", {
        "QueueUrl": "http://127.0.0.1/1/q", "Entries": [{"Id": "0", "MessageBody": "é"}]}),
    ("events", "put_events", {"Entries": [{"Source": "s", "DetailType": "t", "Detail": "{}"}]}),
    ("kms", "encrypt", {"KeyId": "k", "Plaintext": b"\x00", "EncryptionContext": {"estab": "1"}}),
    ("secretsmanager", "get_secret_value", {"SecretId": "s", "VersionStage": "AWSCURRENT"}),
    ("s3", "put_object", {**OBJECT, "Body": b"x", "IfMatch": '"e"'}),
    ("s3", "get_object", {**OBJECT, "Range": "bytes=0-5"}),
    ("s3", "head_object", OBJECT),
    ("s3", "delete_object", OBJECT),
    ("s3", "copy_object", {**OBJECT, "CopySource": {"Bucket": "staging", "Key": "c d/+"}}),
    ("s3", "delete_objects", {
        "Bucket": "data", "Delete": {"Objects": [{"Key": "a"}, {"Key": "+ b"}]}}),
    ("s3", "create_multipart_upload", OBJECT),
    ("s3", "upload_part", {**OBJECT, "UploadId": "u", "PartNumber": 2, "Body": b"x"}),
    ("s3", "complete_multipart_upload", {**OBJECT, "UploadId": "u", "MultipartUpload": {
        "Parts": [{"PartNumber": 1, "ETag": '"e"'}]}}),
    ("s3", "abort_multipart_upload", {**OBJECT, "UploadId": "u"}),
]  # fmt: skip


class SentError(Exception):
    """The request would be on its way."""


@pytest.mark.parametrize(("service", "method", "parameters"), CALLS, ids=[c[1] for c in CALLS])
def test_a_call_is_read_back(service: str, method: str, parameters: dict[str, Any]) -> None:
    client = get_session().create_client(
        service,
        region_name="eu-west-2",
        endpoint_url="http://127.0.0.1:9",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    sent: list[Any] = []

    def stop(request: Any, **_: Any) -> None:
        sent.append(request)
        raise SentError

    client.meta.events.register("before-send", stop)
    with pytest.raises(SentError):
        getattr(client, method)(**parameters)
    request = sent[0]
    url = urlsplit(request.url)
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else value
        for name, value in request.headers.items()
    }
    body = request.body.read() if hasattr(request.body, "read") else request.body or b""
    read = read_request(
        request.method,
        unquote(url.path),
        headers,
        body.encode() if isinstance(body, str) else body,
        parse_qs(url.query, keep_blank_values=True),
    )
    assert read
    assert read[0].name == client.meta.method_to_api_mapping[method]
    assert read[1] == parameters


def test_what_the_rules_do_not_know_is_let_through() -> None:
    scope = "Credential=test/20261126/eu-west-2/{}/aws4_request"
    for service, path, query in (("s3", "/data", {"list-type": ["2"]}), ("lambda", "/x/y", {})):
        headers = {"authorization": scope.format(service)}
        assert read_request("GET", path, headers, b"", query) is None
