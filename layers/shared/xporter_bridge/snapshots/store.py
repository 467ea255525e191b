"""The data bucket and the staging bucket.

The data bucket holds committed results only. A pull writes its results to the staging bucket. The
commit is one write to the datasets table. After the commit, the results are copied to the keys of
the data bucket. Therefore a holder that lost its lease cannot overwrite published data, and a crash
after the commit only requires the copy to be repeated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import Any

import orjson

from xporter_bridge.aws.s3 import PART_BYTES, Bucket, Upload
from xporter_bridge.snapshots.blocks import Block
from xporter_bridge.snapshots.compression import GzipFile, lines_in_chunks
from xporter_bridge.snapshots.row_keys import KeyOfLine

_READ_BYTES = 128 * 1024


class SnapshotStore:
    """Both buckets. Keys are whole keys; the buckets' default encrypts every object."""

    def __init__(self, client: Any, bucket: str, staging_bucket: str) -> None:
        self._made_of = (client, bucket, staging_bucket)
        self._published = Bucket(client, bucket)
        self._staging = Bucket(client, staging_bucket)
        self._staged: set[str] = set()

    def for_one_pull(self) -> SnapshotStore:
        """Return a store of the same buckets that knows what is staged through it, and no more."""
        return SnapshotStore(*self._made_of)

    def stage(self, key: str, body: bytes) -> None:
        """Store an object in the staging bucket; when this returns it is durable."""
        self._staged.add(key)
        self._staging.put(key, body)

    def read_staged(self, key: str, first: int = 0, last: int | None = None) -> bytes:
        """Return a staged object, or its bytes from first to last inclusive."""
        return self._staging.read(key, first, last)

    def staged_keys(self, prefix: str) -> list[str]:
        """Return the staged keys under the prefix."""
        return self._staging.keys(prefix)

    def delete_staged(self, prefix: str, keep: tuple[str, ...] = ()) -> None:
        """Delete all staged objects under the prefix, before the bucket's life cycle does.

        Args:
            keep: Prefixes whose objects stay.
        """
        found = self._staging.keys(prefix)
        self._staging.delete(key for key in found if not key.startswith(keep))

    def delete_staged_here(self, prefix: str) -> None:
        """Delete what was staged under the prefix through this store, which needs no listing."""
        own = {key for key in self._staged if key.startswith(prefix)}
        self._staging.delete(sorted(own))
        self._staged -= own

    def write(self, key: str, heartbeat: Callable[[], None] | None = None) -> RowWriter:
        """Return a writer of rows into a staged object of any size.

        Args:
            heartbeat: Called with every block written; may raise to stop.
        """
        return RowWriter(self._upload(key), key, heartbeat)

    def write_file(self, key: str) -> FileWriter:
        """Return a writer of bytes into a staged object of any size."""
        return FileWriter(self._upload(key))

    def _upload(self, key: str) -> Upload:
        self._staged.add(key)
        return self._staging.upload(key)

    def staged_blocks(self, key: str, key_of: KeyOfLine) -> Iterator[Block]:
        """Stream the rows of a staged object."""
        return _blocks(self._staging, key, key_of)

    def blocks(self, key: str, key_of: KeyOfLine) -> Iterator[Block]:
        """Stream the rows of a snapshot."""
        return _blocks(self._published, key, key_of)

    def publish(self, copies: Mapping[str, str]) -> None:
        """Copy staged objects (target key -> staged key) to the data bucket.

        Idempotent: staged objects do not change.
        """
        for target, source in copies.items():
            self._published.copy_from(self._staging, source, target)

    def put_document(self, key: str, document: Mapping[str, Any], **conditions: str) -> None:
        """Write a manifest."""
        # On one line, because Athena reads JSON by line; times are text already.
        body = orjson.dumps(document, option=orjson.OPT_PASSTHROUGH_DATETIME)
        self._published.put(key, body, ContentType="application/json", **conditions)

    def etag(self, key: str) -> str:
        """Return the ETag of a manifest; empty if there is no manifest."""
        return self._published.etag(key)

    def replace_manifest(self, key: str, document: Mapping[str, Any], *, seen: str) -> None:
        """Replace a manifest if its ETag is still the given one.

        Raises:
            ConflictError: The manifest has changed since.
        """
        self.put_document(key, document, **({"IfMatch": seen} if seen else {"IfNoneMatch": "*"}))

    def read_manifest(self, key: str) -> dict[str, Any] | None:
        """Return a manifest, or None if there is none."""
        body = self._published.read_if_exists(key)
        return None if body is None else orjson.loads(body)

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects from the data bucket, which keeps their versions for some days.

        Idempotent.
        """
        self._published.delete(keys)

    def erase(self, prefix: str, keep: Container[str] = frozenset()) -> int:
        """Delete every version of all objects under the prefix, and return their number.

        Of the keys in ``keep``, the current version stays. Staged objects stay: ``delete_staged``
        deletes them.
        """
        return self._published.delete_versions(prefix, keep)


class RowWriter:
    """Writes rows into one gzip object, through a buffer of a few megabytes.

    Usable as a ``merge.Sink``. ``close`` creates the object. Without it no object exists, and
    the bucket's life cycle removes the unfinished upload.
    """

    def __init__(
        self, upload: Upload, key: str, heartbeat: Callable[[], None] | None = None
    ) -> None:
        self._upload = upload
        self._heartbeat = heartbeat
        self._gzip = GzipFile()
        self._hash = hashlib.sha256()
        self._buffer = bytearray()
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
        """Append a block; its compressed form is reused if there is one."""
        if block.packed is None:
            self.write(block.data, block.rows)
        else:
            packed = self._gzip.add_section(block.packed, block.data)
            self._took(block.data, block.rows, packed)

    def close(self) -> None:
        """Write the rest and create the object."""
        self._upload.complete(self._buffer + self._gzip.end())

    def _took(self, data: bytes, rows: int, packed: bytes) -> None:
        if self._heartbeat:
            self._heartbeat()
        self.rows += rows
        self._hash.update(data)
        self._buffer += packed
        # Memory does not depend on the size of the table.
        if len(self._buffer) >= PART_BYTES:
            body, self._buffer = self._buffer, bytearray()
            self._upload.add_part(body)


class FileWriter:
    """Writes bytes into one object; ``close`` creates the object, as that of ``RowWriter`` does."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self._hash = hashlib.sha256()
        self._buffer = bytearray()

    @property
    def sha256(self) -> str:
        """The digest of the bytes written so far."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        """Append bytes."""
        self._hash.update(data)
        self._buffer += data
        if len(self._buffer) >= PART_BYTES:
            body, self._buffer = self._buffer, bytearray()
            self._upload.add_part(body)

    def close(self) -> None:
        """Write the rest and create the object."""
        self._upload.complete(self._buffer)


def _blocks(bucket: Bucket, key: str, key_of: KeyOfLine) -> Iterator[Block]:
    for data in lines_in_chunks(bucket.stream(key, _READ_BYTES)):
        first = key_of(data[: data.index(b"\n")])
        last = key_of(data[data.rfind(b"\n", 0, -1) + 1 : -1])
        yield Block(data, data.count(b"\n"), first, last)
