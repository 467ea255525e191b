"""The bucket of data and the bucket of work in progress.

Nothing appears in the data bucket but what was committed: a pull writes its results into the
staging bucket, the commit is one write to the datasets table, and only then are the results
copied to the keys that readers know. So a holder that lost its lease cannot overwrite anything,
and a crash in between leaves a copy to be repeated, not a mixture.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import orjson
from botocore.exceptions import ClientError

from xporter_bridge.aws.errors import translate_aws_errors
from xporter_bridge.errors import TransientError
from xporter_bridge.snapshots.blocks import Block
from xporter_bridge.snapshots.compression import GzipFile, lines_in_chunks
from xporter_bridge.snapshots.row_keys import KeyOfLine

# The least that S3 takes as one part, so that memory does not depend on the table's size.
_PART_BYTES = 5 * 1024 * 1024
_READ_BYTES = 128 * 1024


class SnapshotStore:
    """Both buckets. Keys are whole keys; everything is encrypted by the buckets' default."""

    def __init__(self, client: Any, bucket: str, staging_bucket: str) -> None:
        self._client = client
        self._bucket = bucket
        self._staging = staging_bucket

    def stage(self, key: str, body: bytes) -> None:
        """Keep a work-in-progress object; when this returns it is durable."""
        with translate_aws_errors("s3:PutObject"):
            self._client.put_object(Bucket=self._staging, Key=key, Body=body)

    def read_staged(self, key: str, first: int = 0, last: int | None = None) -> bytes:
        """Return a staged object, or the bytes of it from first to last inclusive."""
        arguments = {} if last is None else {"Range": f"bytes={first}-{last}"}
        with translate_aws_errors("s3:GetObject"):
            answer = self._client.get_object(Bucket=self._staging, Key=key, **arguments)
            return bytes(answer["Body"].read())

    def staged_keys(self, prefix: str) -> list[str]:
        """Return the keys that are staged under the prefix."""
        return [key for key, _ in self._listed(self._staging, prefix)]

    def delete_staged(self, prefix: str) -> None:
        """Delete everything staged under the prefix; its life cycle would, days later."""
        self._delete(self._staging, ({"Key": key} for key in self.staged_keys(prefix)))

    def write(self, key: str, heartbeat: Callable[[], None] | None = None) -> RowWriter:
        """Return a writer of rows into a staged object of any size.

        Args:
            heartbeat: Called with every block written; may raise to stop.
        """
        return RowWriter(self._client, self._staging, key, heartbeat)

    def staged_blocks(self, key: str, key_of: KeyOfLine) -> Iterator[Block]:
        """Stream the rows of a staged object."""
        return self._blocks(self._staging, key, key_of)

    def blocks(self, key: str, key_of: KeyOfLine) -> Iterator[Block]:
        """Stream the rows of a snapshot."""
        return self._blocks(self._bucket, key, key_of)

    def publish(self, copies: Mapping[str, str]) -> None:
        """Copy staged objects (target key -> staged key) to where readers find them.

        Repeating it is harmless: what is staged does not change.
        """
        for target, source in copies.items():
            with translate_aws_errors("s3:CopyObject"):
                self._client.copy_object(
                    Bucket=self._bucket,
                    Key=target,
                    CopySource={"Bucket": self._staging, "Key": source},
                )

    def put_document(self, key: str, document: Mapping[str, Any], **conditions: str) -> None:
        """Write a manifest."""
        with translate_aws_errors("s3:PutObject"):
            self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=orjson.dumps(document),  # on one line, as Athena reads JSON
                ContentType="application/json",
                **conditions,
            )

    def etag(self, key: str) -> str:
        """Return what names the present contents of a manifest; empty if there is none."""
        with translate_aws_errors("s3:HeadObject"):
            try:
                return str(self._client.head_object(Bucket=self._bucket, Key=key)["ETag"])
            except ClientError as error:
                if error.response["Error"]["Code"] in {"404", "NoSuchKey"}:
                    return ""
                raise

    def replace_manifest(self, key: str, document: Mapping[str, Any], *, seen: str) -> None:
        """Write a manifest in place of the version that was seen.

        Raises:
            ConflictError: It is another by now.
        """
        self.put_document(key, document, **({"IfMatch": seen} if seen else {"IfNoneMatch": "*"}))

    def read_manifest(self, key: str) -> dict[str, Any] | None:
        """Return a manifest, or None if there is none."""
        with translate_aws_errors("s3:GetObject"):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if error.response["Error"]["Code"] == "NoSuchKey":
                    return None
                raise
            document: dict[str, Any] = orjson.loads(answer["Body"].read())
        return document

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects from where readers look; the bucket keeps their versions for some days.

        Deleting what is gone already is harmless.
        """
        self._delete(self._bucket, ({"Key": key} for key in keys))

    def erase(self, prefix: str) -> int:
        """Delete everything under the prefix, every version of it, and return how many objects.

        Not what is staged: that is ``delete_staged``'s.
        """
        with translate_aws_errors("s3:ListObjectVersions"):
            pages = self._client.get_paginator("list_object_versions").paginate(
                Bucket=self._bucket, Prefix=prefix
            )
            found = [
                {"Key": entry["Key"], "VersionId": entry["VersionId"]}
                for page in pages
                for kind in ("Versions", "DeleteMarkers")
                for entry in page.get(kind, ())
            ]
        self._delete(self._bucket, found)
        return len(found)

    def _blocks(self, bucket: str, key: str, key_of: KeyOfLine) -> Iterator[Block]:
        with translate_aws_errors("s3:GetObject"):
            body = self._client.get_object(Bucket=bucket, Key=key)["Body"]
            for data in lines_in_chunks(body.iter_chunks(_READ_BYTES)):
                first = key_of(data[: data.index(b"\n")])
                last = key_of(data[data.rfind(b"\n", 0, -1) + 1 : -1])
                yield Block(data, data.count(b"\n"), first, last)

    def _listed(self, bucket: str, prefix: str) -> Iterator[tuple[str, int]]:
        with translate_aws_errors("s3:ListObjectsV2"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=bucket, Prefix=prefix
            )
            for page in pages:
                for entry in page.get("Contents", ()):
                    yield entry["Key"], entry["Size"]

    def _delete(self, bucket: str, objects: Iterable[Mapping[str, str]]) -> None:
        waiting = list(objects)
        for start in range(0, len(waiting), 1000):
            with translate_aws_errors("s3:DeleteObjects"):
                answer = self._client.delete_objects(
                    Bucket=bucket,
                    Delete={"Objects": waiting[start : start + 1000], "Quiet": True},
                )
            if answer.get("Errors"):
                raise TransientError("s3:DeleteObjects: partly failed")


class RowWriter:
    """Rows on their way into one gzip object, through a buffer of a few megabytes.

    Usable as a ``merging.Sink``. ``close`` makes the object exist; without it nothing does, and
    the bucket's life cycle removes unfinished uploads.
    """

    def __init__(
        self, client: Any, bucket: str, key: str, heartbeat: Callable[[], None] | None = None
    ) -> None:
        self._client = client
        self._place = {"Bucket": bucket, "Key": key}
        self._heartbeat = heartbeat
        self._gzip = GzipFile()
        self._hash = hashlib.sha256()
        self._buffer = bytearray()
        self._upload: str | None = None
        self._parts: list[dict[str, Any]] = []
        self.key = key
        self.rows = 0

    @property
    def sha256(self) -> str:
        """The digest of the uncompressed rows written so far."""
        return self._hash.hexdigest()

    def write(self, data: bytes, rows: int) -> None:
        """Append newline-terminated rows."""
        self._took(data, rows, self._gzip.add(data))

    def write_block(self, block: Block) -> None:
        """Append a block; one that was compressed for its page is not compressed again."""
        if block.packed is None:
            self.write(block.data, block.rows)
        else:
            packed = self._gzip.add_section(block.packed, block.data)
            self._took(block.data, block.rows, packed)

    def close(self) -> None:
        """Write what is left and make the object appear."""
        self._buffer += self._gzip.end()
        if self._upload is None:
            with translate_aws_errors("s3:PutObject"):
                self._client.put_object(**self._place, Body=bytes(self._buffer))
            return
        self._send_part()
        with translate_aws_errors("s3:CompleteMultipartUpload"):
            self._client.complete_multipart_upload(
                **self._place, UploadId=self._upload, MultipartUpload={"Parts": self._parts}
            )

    def _took(self, data: bytes, rows: int, packed: bytes) -> None:
        if self._heartbeat:
            self._heartbeat()
        self.rows += rows
        self._hash.update(data)
        self._buffer += packed
        if len(self._buffer) >= _PART_BYTES:
            self._send_part()

    def _send_part(self) -> None:
        number = len(self._parts) + 1
        body, self._buffer = self._buffer, bytearray()
        with translate_aws_errors("s3:UploadPart"):
            if self._upload is None:
                answer = self._client.create_multipart_upload(**self._place)
                self._upload = answer["UploadId"]
            part = self._client.upload_part(
                **self._place, UploadId=self._upload, PartNumber=number, Body=body
            )
        self._parts.append({"PartNumber": number, "ETag": part["ETag"]})
