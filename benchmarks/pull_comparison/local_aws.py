"""Stand-ins for AWS that cost less than an emulator: a folder for S3, a file for DynamoDB.

Every object and every item is really written and survives a kill. Writes reach the page cache only,
because S3's own work is not part of the measurement.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
from botocore.exceptions import ClientError

from xporter_bridge.datasets.config import configured
from xporter_bridge.pulls.repository import DatasetRepository


class FolderS3:
    """The part of botocore's S3 client that ``SnapshotStore`` uses; a bucket is a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._made: set[str] = set()

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **_: Any) -> None:  # noqa: N803
        # Four calls to the system and no more: pathlib would cost as much as a page's checks.
        folder, _, name = f"{self._root}/{Bucket}/{Key}".rpartition("/")
        if folder not in self._made:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self._made.add(folder)
        path = f"{folder}/{name}"
        unfinished = f"{path}.part"
        file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.write(file, Body)
        os.close(file)
        os.rename(unfinished, path)  # noqa: PTH104

    def get_object(self, *, Bucket: str, Key: str, Range: str = "") -> dict[str, Any]:  # noqa: N803
        first, _, last = Range.removeprefix("bytes=").partition("-")
        file = self._path(Bucket, Key).open("rb")
        file.seek(int(first or 0))
        return {"Body": _Body(file, int(last) - int(first) + 1 if last else -1)}

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, str]:  # noqa: N803
        path = self._path(Bucket, Key)
        if not path.exists():
            raise ClientError({"Error": {"Code": "404"}}, "HeadObject")
        return {"ETag": str(path.stat().st_mtime_ns)}

    def copy_object(
        self,
        *,
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        CopySource: Mapping[str, str],  # noqa: N803
    ) -> None:
        target = self._path(Bucket, Key)
        target.unlink(missing_ok=True)
        os.link(self._path(CopySource["Bucket"], CopySource["Key"]), target)

    def create_multipart_upload(self, *, Bucket: str, Key: str) -> dict[str, str]:  # noqa: N803
        path = self._path(Bucket, Key + ".upload")
        path.unlink(missing_ok=True)
        return {"UploadId": str(path)}

    def upload_part(self, *, UploadId: str, Body: bytes, **_: Any) -> dict[str, str]:  # noqa: N803
        with Path(UploadId).open("ab") as file:
            file.write(Body)
        return {"ETag": ""}

    def complete_multipart_upload(
        self,
        *,
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        UploadId: str,  # noqa: N803
        **_: Any,
    ) -> None:
        Path(UploadId).replace(self._path(Bucket, Key))

    def get_paginator(self, _: str) -> FolderS3:
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        bucket = self._root / Bucket
        keys = sorted(str(p.relative_to(bucket)) for p in bucket.rglob("*") if p.is_file())
        # What a kill left half written is no object in S3 either.
        whole = [key for key in keys if not key.endswith((".part", ".upload"))]
        yield {"Contents": [{"Key": key, "Size": 0} for key in whole if key.startswith(Prefix)]}

    def delete_objects(self, *, Bucket: str, Delete: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803
        for entry in Delete["Objects"]:
            self._path(Bucket, entry["Key"]).unlink(missing_ok=True)
        return {}

    def _path(self, bucket: str, key: str) -> Path:
        path = self._root / bucket / key
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


class _Body:
    def __init__(self, file: Any, length: int) -> None:
        self._file = file
        self._length = length

    def read(self) -> bytes:
        with self._file:
            return bytes(self._file.read(self._length))

    def iter_chunks(self, size: int) -> Iterator[bytes]:
        with self._file:
            while chunk := self._file.read(size):
                yield chunk


class OneHolderTable(DatasetRepository):
    """The datasets table of a single writer, for which every condition holds."""

    def __init__(self, path: Path) -> None:
        super().__init__(None, "datasets", configured())
        self._items = _FileItems(path)  # type: ignore[assignment]


class _FileItems:
    """The calls of ``DynamoTable``, over one JSON file that is replaced with every write."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._items: dict[str, dict[str, Any]] = {}
        if path.exists():
            self._items = orjson.loads(path.read_bytes())

    def get(self, *key: str) -> dict[str, Any] | None:
        return self._items.get("/".join(key))

    def query_partition(self, partition: str) -> Iterator[dict[str, Any]]:
        yield from [item for item in self._items.values() if item["estab"] == partition]

    def update(
        self,
        *key: str,
        set_: Mapping[str, Any] | None = None,
        add: Mapping[str, int] | None = None,
        **_: Any,
    ) -> dict[str, Any]:
        held = self._items.get("/".join(key), {})
        item = {**held, **(set_ or {}), "estab": key[0], "dataset": key[1]}
        for name, number in (add or {}).items():
            item[name] = held.get(name, 0) + number
        item = {name: value for name, value in item.items() if value not in (None, "", [], {})}
        self._items["/".join(key)] = item
        unfinished = self._path.with_suffix(".part")
        unfinished.write_bytes(orjson.dumps(self._items))
        unfinished.replace(self._path)
        return dict(item)
