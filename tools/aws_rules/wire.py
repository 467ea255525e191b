"""Reads an HTTP request, as an emulator receives it, back into botocore's parameters."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from tools.aws_rules.requests import service_model

# The services that the functions call with JSON, by what stands before the operation's name.
_TARGETS = {
    "DynamoDB_20120810": "dynamodb",
    "AmazonSQS": "sqs",
    "AWSEvents": "events",
    "TrentService": "kms",
    "secretsmanager": "secretsmanager",
}
_HEADERS = {"range": "Range", "if-match": "IfMatch", "if-none-match": "IfNoneMatch"}
# By the method and by what the query says; nothing stands for an object as such.
_OF_OBJECTS = {
    ("GET", ""): "GetObject",
    ("HEAD", ""): "HeadObject",
    ("PUT", ""): "PutObject",
    ("PUT", "partNumber"): "UploadPart",
    ("POST", "uploads"): "CreateMultipartUpload",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("DELETE", ""): "DeleteObject",
}
# What tells one operation on an object from another, the more telling first.
_MARKS = ("partNumber", "uploads", "uploadId")
_PLAIN = {*_MARKS, "x-id", "versionId"}
Request = tuple[OperationModel, dict[str, Any]]


def read_request(
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    query: Mapping[str, list[str]],
) -> Request | None:
    """Return the operation and its parameters, or None for one that the rules do not know.

    Args:
        path: Decoded, and with the bucket in it.
        headers: Their names in lower case.
        query: Every value of each parameter.
    """
    prefix, _, name = headers.get("x-amz-target", "").rpartition(".")
    if prefix in _TARGETS:
        operation = service_model(_TARGETS[prefix]).operation_model(name)
        return operation, _decoded(json.loads(body or b"{}"), operation.input_shape)
    # The scope of the signature: 20261126/eu-west-2/s3/aws4_request.
    if re.search(r"/s3/aws4_request", headers.get("authorization", "")):
        return _of_s3(method, path, headers, body, query)
    return None


def _decoded(value: Any, shape: Shape | None) -> Any:
    """Return JSON with its blobs as bytes; what the shape does not know stays, to be refused."""
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        return {name: _decoded(each, shape.members.get(name)) for name, each in value.items()}
    if isinstance(shape, MapShape) and isinstance(value, Mapping):
        return {name: _decoded(each, shape.value) for name, each in value.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_decoded(each, shape.member) for each in value]
    if shape is not None and shape.type_name == "blob":
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, TypeError):
            return value
    return value


def _of_s3(
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    query: Mapping[str, list[str]],
) -> Request | None:
    bucket, _, key = path.lstrip("/").partition("/")
    if method == "POST" and "delete" in query:
        return _s3("DeleteObjects", {"Bucket": bucket, "Delete": {"Objects": _keys(body)}})
    name = _OF_OBJECTS.get((method, next((each for each in _MARKS if each in query), "")))
    if not key or name is None or set(query) - _PLAIN:
        return None
    parameters: dict[str, Any] = {"Bucket": bucket, "Key": key}
    parameters |= {_HEADERS[each]: headers[each] for each in _HEADERS if each in headers}
    if "uploadId" in query:
        parameters["UploadId"] = query["uploadId"][0]
    if "partNumber" in query:
        parameters["PartNumber"] = int(query["partNumber"][0])
    if source := headers.get("x-amz-copy-source"):
        name = "UploadPartCopy" if name == "UploadPart" else "CopyObject"
        parameters["CopySource"] = _source(source)
    elif method == "PUT":
        parameters["Body"] = body
    elif name == "CompleteMultipartUpload":
        parameters["MultipartUpload"] = {"Parts": _parts(body)}
    return _s3(name, parameters)


def _s3(name: str, parameters: dict[str, Any]) -> Request:
    return service_model("s3").operation_model(name), parameters


def _source(text: str) -> dict[str, str]:
    bucket, _, key = unquote(text.partition("?versionId=")[0]).lstrip("/").partition("/")
    return {"Bucket": bucket, "Key": key}


def _keys(body: bytes) -> list[dict[str, str]]:
    return [{"Key": each.findtext("{*}Key", "")} for each in _elements(body, "Object")]


def _parts(body: bytes) -> list[dict[str, Any]]:
    return [
        {
            "PartNumber": int(each.findtext("{*}PartNumber", "0")),
            "ETag": each.findtext("{*}ETag", ""),
        }
        for each in _elements(body, "Part")
    ]


def _elements(body: bytes, name: str) -> list[ET.Element]:
    return ET.fromstring(body).findall(f"{{*}}{name}")
