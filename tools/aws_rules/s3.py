"""S3's rules, and keys that S3 accepts but that break their readers.

Keys: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html;
multipart uploads: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html;
conditions: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

MAX_KEY_BYTES = 1024
MAX_DELETED_KEYS = 1000
MAX_PARTS = 10_000
MIN_PART_BYTES = 5 * 1024 * 1024
MAX_PUT_BYTES = 5 * 1024**3
MAX_METADATA_BYTES = 2048
# The page's "characters to avoid", and all that XML 1.0, in which keys are listed, cannot hold.
_FORBIDDEN = re.compile(r"[^\x20-\x7e]|[\\{}^%`\[\]\"<>~#|]")
_BUCKET = re.compile(
    r"(?!xn--|sthree-)(?!.*(\.\.|-s3alias$|--ol-s3$))[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
)
_RANGE = re.compile(r"bytes=(\d+)-(\d*)|bytes=-(\d+)")


def violations(operation: str, parameters: Mapping[str, Any]) -> list[str]:
    """Return the reasons for which S3 would refuse a request, or its readers would fail."""
    return [
        *_of_names(parameters),
        *_of_body(parameters),
        *_of_conditions(operation, parameters),
        *_of_deletion(parameters.get("Delete", {}).get("Objects", ())),
        *_of_copy(parameters.get("CopySource")),
    ]


class Uploads:
    """Multipart uploads under way: only their end shows whether a part was too small."""

    def __init__(self) -> None:
        self._parts: dict[str, dict[int, int]] = {}

    def violations(self, operation: str, parameters: Mapping[str, Any]) -> list[str]:
        """Remember a part, or return what is wrong with an upload at its completion."""
        upload = parameters.get("UploadId", "")
        number = parameters.get("PartNumber", 1)
        if operation == "UploadPart":
            self._parts.setdefault(upload, {})[number] = _length(parameters.get("Body", b""))
        if not 1 <= number <= MAX_PARTS:
            return [f"PartNumber: {number} is not from 1 to {MAX_PARTS}"]
        if operation == "CompleteMultipartUpload":
            given = parameters.get("MultipartUpload", {}).get("Parts", ())
            return list(self._of_parts([part["PartNumber"] for part in given], upload))
        return []

    def _of_parts(self, numbers: list[int], upload: str) -> Iterator[str]:
        sizes = self._parts.pop(upload, {})
        if not numbers or sorted(set(numbers)) != numbers:
            yield "MultipartUpload.Parts: are not in ascending order"
        for number in numbers[:-1]:
            if sizes.get(number, MIN_PART_BYTES) < MIN_PART_BYTES:
                yield f"MultipartUpload.Parts: part {number} is below {MIN_PART_BYTES} bytes"


def _of_names(parameters: Mapping[str, Any]) -> Iterator[str]:
    bucket = parameters.get("Bucket")
    if bucket is not None and not bucket.startswith("arn:") and not _BUCKET.fullmatch(bucket):
        yield f"Bucket: {bucket!r} is no name for one"
    if "Key" in parameters:
        yield from (f"Key: {what}" for what in _of_key(parameters["Key"]))


def _of_key(key: str) -> Iterator[str]:
    size = len(key.encode(errors="surrogatepass"))
    if size > MAX_KEY_BYTES:
        yield f"{size} bytes are above {MAX_KEY_BYTES}"
    if found := _FORBIDDEN.search(key):
        yield f"{found[0]!r} should not be in a key"
    if {".", ".."} & set(key.split("/")):
        yield "a part that is . or .. is taken for a path by clients"


def _of_body(parameters: Mapping[str, Any]) -> Iterator[str]:
    if _length(parameters.get("Body", b"")) > MAX_PUT_BYTES:
        yield f"Body: is above {MAX_PUT_BYTES} bytes"
    metadata = parameters.get("Metadata", {})
    if sum(len(f"{name}{value}".encode()) for name, value in metadata.items()) > MAX_METADATA_BYTES:
        yield f"Metadata: is above {MAX_METADATA_BYTES} bytes"


def _of_conditions(operation: str, parameters: Mapping[str, Any]) -> Iterator[str]:
    if operation in {"PutObject", "CompleteMultipartUpload"}:
        if parameters.get("IfNoneMatch", "*") != "*":
            yield "IfNoneMatch: a write takes * only"
        if {"IfMatch", "IfNoneMatch"} <= set(parameters):
            yield "IfMatch: cannot be combined with IfNoneMatch"
    given = parameters.get("Range")
    if given is None:
        return
    found = _RANGE.fullmatch(given)
    # S3 answers a range that it cannot read with the whole object.
    if not found or (found[2] and int(found[2]) < int(found[1])):
        yield f"Range: {given!r} is none"


def _of_deletion(objects: list[Mapping[str, Any]]) -> Iterator[str]:
    if len(objects) > MAX_DELETED_KEYS:
        yield f"Delete.Objects: {len(objects)} are above {MAX_DELETED_KEYS}"
    for entry in objects:
        yield from (f"Delete.Objects.Key: {what}" for what in _of_key(entry.get("Key", "")))


def _of_copy(source: Mapping[str, Any] | str | None) -> Iterator[str]:
    if isinstance(source, Mapping):
        yield from (f"CopySource.{what}" for what in _of_names(source))


def _length(body: Any) -> int:
    return len(body) if isinstance(body, str | bytes | bytearray | memoryview) else 0
