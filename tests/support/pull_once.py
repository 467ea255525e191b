"""Pulls one big table twice and tells its peak memory, for ``test_pull_memory``.

Run as ``python -m tests.support.pull_once ROWS DIRECTORY XPORTER_URL FORMATS``.
S3 is the directory.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from tests.support.fakes import S3, Calls
from tests.support.pull_world import DATA, STAGING, World, in_memory
from tests.support.xporter import Xporter
from xporter_bridge.datasets.config import DatasetConfig
from xporter_bridge.datasets.model import Dataset
from xporter_bridge.snapshots.store import SnapshotStore
from xporter_bridge.xporter.endpoints import find

NAME = "exclusions"


class _File:
    def __init__(self, file: BinaryIO, first: int, size: int) -> None:
        self._file, self._left = file, size
        file.seek(first)

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data

    def iter_chunks(self, size: int) -> Any:
        while chunk := self.read(size):
            yield chunk


class S3OnDisk(S3):
    """Objects are files, so that none of them counts as memory."""

    def __init__(self, directory: Path) -> None:
        super().__init__(Calls())
        self._directory = directory

    def _path(self, bucket: str, key: str) -> Path:
        return self._directory / quote(f"{bucket}/{key}", safe="")

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **given: str) -> dict[str, Any]:  # noqa: N803
        self.objects[f"{Bucket}/{Key}"] = b""
        self._path(Bucket, Key).write_bytes(Body)
        return {}

    def get_object(self, *, Bucket: str, Key: str, Range: str = "") -> dict[str, Any]:  # noqa: N803
        path = self._path(Bucket, Key)
        first, last = 0, path.stat().st_size - 1
        if Range:
            first, last = map(int, Range.removeprefix("bytes=").split("-"))
        return {"Body": _File(path.open("rb"), first, last + 1 - first)}

    def copy_object(self, *, Bucket: str, Key: str, CopySource: Any, **_: Any) -> dict[str, Any]:  # noqa: N803
        self.objects[f"{Bucket}/{Key}"] = b""
        self._path(Bucket, Key).unlink(missing_ok=True)
        os.link(self._path(CopySource["Bucket"], CopySource["Key"]), self._path(Bucket, Key))
        return {}

    def upload_part(self, *, UploadId: str, Body: bytes, **_: Any) -> dict[str, Any]:  # noqa: N803
        with (self._directory / quote(UploadId, safe="")).open("ab") as file:
            file.write(Body)
        return {"ETag": "part"}

    def complete_multipart_upload(
        self, *, Bucket: str, Key: str, UploadId: str, **_: Any  # noqa: N803
    ) -> dict[str, Any]:  # fmt: skip
        self.objects[f"{Bucket}/{Key}"] = b""
        (self._directory / quote(UploadId, safe="")).rename(self._path(Bucket, Key))
        return {}


def peak_kilobytes() -> int:
    """Return the most memory that this process has held; ``getrusage`` would count its parent's."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0])


def main(rows: int, directory: Path, url: str, formats: str) -> None:
    dataset = Dataset(name=NAME, endpoint=replace(find("studentexclusions"), scope="*"))
    aws = in_memory()
    aws.datasets.config = DatasetConfig({NAME: dataset})
    aws.store = SnapshotStore(S3OnDisk(directory), DATA, STAGING)
    world = World(aws, Xporter(url), students=20, rows={"StudentExclusions": rows})
    world.deps = replace(world.deps, has_parquet="parquet" in formats)
    for _ in range(2):
        world.ask(NAME)
        world.deliver()
        world.change(rows=100, table="StudentExclusions")
        world.advance(hours=1)
    item = world.item(NAME)
    tables = item.published.manifest.tables if item.published.manifest else {}
    made = {name: table.rows for name, table in tables.items()}
    files = [name for name, table in tables.items() if table.parquet and table.parquet.key]
    told = {
        "peak_kb": peak_kilobytes(),
        "rows": made,
        "sequence": item.published.sequence,
        "parquet": files,
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4])
