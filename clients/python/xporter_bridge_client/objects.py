"""The bucket: objects are fetched whole into files, so that a slow reader holds no connection."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import shutil
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from urllib3.exceptions import HTTPError

from .errors import DamagedError, NotAllowedError, SupersededError
from .manifest import Manifest

# Larger objects are kept on disk.
_IN_MEMORY_BYTES = 1024 * 1024
_ATTEMPTS = 5
_CUT = (BotoCoreError, HTTPClientError, HTTPError, OSError)


@dataclass(frozen=True)
class StoredLines:
    """The rows of one object, on this machine: readable repeatedly, also after the object is gone.

    ``sha256`` is the digest of the uncompressed rows.
    """

    file: IO[bytes]
    rows: int
    sha256: str

    def __iter__(self) -> Iterator[bytes]:
        """Yield each row as one line of JSON, without its end."""
        self.file.seek(0)
        with gzip.open(self.file) as lines:
            for line in lines:
                yield line.rstrip(b"\n")


class Objects:
    """The data bucket of one stack.

    Args:
        s3: A client of boto3; made from the environment if None.
    """

    def __init__(
        self, bucket: str, s3: Any = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        config = Config(retries={"mode": "standard", "total_max_attempts": 5})
        self.s3 = s3 or boto3.client("s3", config=config)
        self._bucket, self._sleep = bucket, sleep

    def close(self) -> None:
        """Close the connections."""
        self.s3.close()

    def manifest(self, estab: str, dataset: str, sequence: int | None = None) -> Manifest | None:
        """Return the manifest of a sequence, or the current one; None if there is none.

        Raises:
            NotAllowedError: Reading is not allowed.
        """
        name = "latest" if sequence is None else f"{sequence:010d}"
        try:
            body = self.fetch(f"manifests/estab={estab}/dataset={dataset}/{name}.json")
        except SupersededError:
            return None
        with body:
            return Manifest.read(json.loads(body.read()))

    def datasets(self, estab: str) -> list[str]:
        """Return the names of the school's datasets that have a manifest, in order."""
        prefix = f"manifests/estab={estab}/dataset="
        pages = self.s3.get_paginator("list_objects_v2")
        return [
            entry["Prefix"].removeprefix(prefix).rstrip("/")
            for page in pages.paginate(Bucket=self._bucket, Prefix=prefix, Delimiter="/")
            for entry in page.get("CommonPrefixes", ())
        ]

    def lines(self, key: str) -> StoredLines:
        """Fetch the rows of a snapshot or of a change file.

        Raises:
            SupersededError: The object is deleted.
            DamagedError: The object is no gzip file.
        """
        file = self.fetch(key)
        digest, rows = hashlib.sha256(), 0
        try:
            with gzip.open(file) as lines:
                for line in lines:
                    digest.update(line)
                    rows += 1
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            file.close()
            raise DamagedError(f"{key} is no gzip file") from error
        return StoredLines(file, rows, digest.hexdigest())

    def fetch(self, key: str) -> IO[bytes]:
        """Return an object as a file; a cut connection is repeated.

        Raises:
            SupersededError: The object is deleted.
            NotAllowedError: Reading is not allowed, or it cannot be seen whether the object is.
        """
        for attempt in range(_ATTEMPTS):
            with contextlib.ExitStack() as unless_complete:
                file = unless_complete.enter_context(
                    tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)
                )
                try:
                    answer = self.s3.get_object(Bucket=self._bucket, Key=key)
                    shutil.copyfileobj(answer["Body"], file)
                except ClientError as error:
                    raise _explained(error, key) from error
                except _CUT:
                    if attempt == _ATTEMPTS - 1:
                        raise
                else:
                    file.seek(0)
                    unless_complete.pop_all()
                    return file
            self._sleep(0.2 * 2**attempt)
        raise AssertionError("unreachable")


def digest_of(file: IO[bytes]) -> str:
    """Return the SHA-256 of a file, read from where the file is to its end."""
    digest = hashlib.sha256()
    while block := file.read(_IN_MEMORY_BYTES):
        digest.update(block)
    return digest.hexdigest()


def _explained(error: ClientError, key: str) -> Exception:
    code = error.response.get("Error", {}).get("Code", "")
    if code in {"NoSuchKey", "404", "NotFound"}:
        return SupersededError(f"there is no {key} any more: read latest.json again")
    if code in {"AccessDenied", "403", "Forbidden"}:
        return NotAllowedError(
            f"S3 refuses {key}: the caller needs s3:GetObject on the object, and s3:ListBucket on "
            "the bucket, without which S3 also refuses a key that is deleted (docs/data.md)"
        )
    return error
