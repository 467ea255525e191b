"""One bucket: whole objects, ranges, streams, uploads in parts, listings, every version."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from xporter_bridge.aws.errors import translate_aws_errors
from xporter_bridge.errors import TransientError

# The smallest part of an upload that S3 accepts, except for the last part.
PART_BYTES = 5 * 1024 * 1024
_MAX_KEYS_PER_DELETION = 1000


class Bucket:
    """One S3 bucket. Keys are whole keys; the bucket's default encrypts every object."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def put(self, key: str, body: bytes, **given: str) -> None:
        """Store an object; when this returns it is durable.

        Args:
            given: Further arguments of PutObject: a content type, conditions.

        Raises:
            ConflictError: A condition does not hold.
        """
        with translate_aws_errors("s3:PutObject"):
            self._client.put_object(Bucket=self._name, Key=key, Body=body, **given)

    def read(self, key: str, first: int = 0, last: int | None = None) -> bytes:
        """Return an object, or its bytes from first to last inclusive."""
        arguments = {} if last is None else {"Range": f"bytes={first}-{last}"}
        with translate_aws_errors("s3:GetObject"):
            answer = self._client.get_object(Bucket=self._name, Key=key, **arguments)
            return bytes(answer["Body"].read())

    def read_if_exists(self, key: str) -> bytes | None:
        """Return an object, or None if there is none."""
        with translate_aws_errors("s3:GetObject"):
            try:
                answer = self._client.get_object(Bucket=self._name, Key=key)
            except ClientError as error:
                if error.response["Error"]["Code"] == "NoSuchKey":
                    return None
                raise
            return bytes(answer["Body"].read())

    def stream(self, key: str, chunk_bytes: int) -> Iterator[bytes]:
        """Yield an object in chunks."""
        with translate_aws_errors("s3:GetObject"):
            body = self._client.get_object(Bucket=self._name, Key=key)["Body"]
            yield from body.iter_chunks(chunk_bytes)

    def etag(self, key: str) -> str:
        """Return the object's entity tag; empty if there is no object."""
        with translate_aws_errors("s3:HeadObject"):
            try:
                return str(self._client.head_object(Bucket=self._name, Key=key)["ETag"])
            except ClientError as error:
                if error.response["Error"]["Code"] in {"404", "NoSuchKey"}:
                    return ""
                raise

    def copy_from(self, source: Bucket, source_key: str, key: str) -> None:
        """Copy an object of another bucket."""
        with translate_aws_errors("s3:CopyObject"):
            self._client.copy_object(
                Bucket=self._name, Key=key, CopySource={"Bucket": source._name, "Key": source_key}
            )

    def upload(self, key: str) -> Upload:
        """Return an upload in parts; the first request is made with the first part."""
        return Upload(self._client, self._name, key)

    def keys(self, prefix: str) -> list[str]:
        """Return the keys under the prefix."""
        with translate_aws_errors("s3:ListObjectsV2"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._name, Prefix=prefix
            )
            return [entry["Key"] for page in pages for entry in page.get("Contents", ())]

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects; a versioned bucket keeps their versions. A missing object is no error."""
        self._delete({"Key": key} for key in keys)

    def delete_versions(self, prefix: str, keep: Container[str] = frozenset()) -> int:
        """Delete every version of every object under the prefix, and return how many.

        Args:
            keep: Keys whose current version stays.
        """
        with translate_aws_errors("s3:ListObjectVersions"):
            pages = self._client.get_paginator("list_object_versions").paginate(
                Bucket=self._name, Prefix=prefix
            )
            found = [
                {"Key": entry["Key"], "VersionId": entry["VersionId"]}
                for page in pages
                for kind in ("Versions", "DeleteMarkers")
                for entry in page.get(kind, ())
                if not (entry["Key"] in keep and entry["IsLatest"])
            ]
        self._delete(found)
        return len(found)

    def _delete(self, objects: Iterable[Mapping[str, str]]) -> None:
        remaining = list(objects)
        for start in range(0, len(remaining), _MAX_KEYS_PER_DELETION):
            batch = remaining[start : start + _MAX_KEYS_PER_DELETION]
            with translate_aws_errors("s3:DeleteObjects"):
                answer = self._client.delete_objects(
                    Bucket=self._name, Delete={"Objects": batch, "Quiet": True}
                )
            if answer.get("Errors"):
                raise TransientError("s3:DeleteObjects: partly failed")


class Upload:
    """One object that is uploaded in parts; it exists only once the upload is complete.

    The bucket's life cycle deletes the parts of an upload that was never completed.
    """

    def __init__(self, client: Any, bucket: str, key: str) -> None:
        self._client = client
        self._target = {"Bucket": bucket, "Key": key}
        self._id: str | None = None
        self._parts: list[dict[str, Any]] = []

    def add_part(self, body: bytes | bytearray) -> None:
        """Upload the next part, which has at least ``PART_BYTES``."""
        number = len(self._parts) + 1
        with translate_aws_errors("s3:UploadPart"):
            if self._id is None:
                self._id = self._client.create_multipart_upload(**self._target)["UploadId"]
            part = self._client.upload_part(
                **self._target, UploadId=self._id, PartNumber=number, Body=body
            )
        self._parts.append({"PartNumber": number, "ETag": part["ETag"]})

    def complete(self, last: bytes | bytearray) -> None:
        """Upload the last part and make the object exist."""
        if self._id is None:
            with translate_aws_errors("s3:PutObject"):
                self._client.put_object(**self._target, Body=bytes(last))
            return
        self.add_part(last)
        with translate_aws_errors("s3:CompleteMultipartUpload"):
            self._client.complete_multipart_upload(
                **self._target, UploadId=self._id, MultipartUpload={"Parts": self._parts}
            )
