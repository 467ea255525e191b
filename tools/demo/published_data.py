"""The bucket as a reader sees it: ``latest.json``, and the files that it names."""

import gzip
import json
from typing import Any

from botocore.exceptions import ClientError


class SnapshotStore:
    """The data of a stack."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def latest(self, estab: str, dataset: str) -> dict[str, Any] | None:
        """Return the current manifest, or None before the first pull."""
        return self._manifest(estab, dataset, "latest")

    def manifest(self, estab: str, dataset: str, sequence: int) -> dict[str, Any]:
        """Return an earlier manifest.

        Raises:
            LookupError: The manifest is missing, so the sequence has a gap.
        """
        found = self._manifest(estab, dataset, f"{sequence:010d}")
        if found is None:
            raise LookupError(f"{estab}/{dataset} has no manifest {sequence}")
        return found

    def content(self, key: str) -> bytes:
        """Return the uncompressed content of a snapshot or change file."""
        return gzip.decompress(self._body(key))

    def _manifest(self, estab: str, dataset: str, name: str) -> dict[str, Any] | None:
        try:
            body = self._body(f"manifests/estab={estab}/dataset={dataset}/{name}.json")
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise
        document: dict[str, Any] = json.loads(body)
        return document

    def _body(self, key: str) -> bytes:
        body: bytes = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return body
