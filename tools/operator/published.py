"""Reads what is published of a school: `latest.json`, and then only what it names."""

import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from .aws_errors import code_of, explained
from .errors import OperatorError, WrongUseError
from .target import Target

_PIECE_BYTES = 1024 * 1024
_GONE = frozenset({"NoSuchKey", "404", "NotFound"})


class PublishedData:
    """The bucket of a stack, as readers see it."""

    def __init__(self, target: Target) -> None:
        self._s3 = target.client("s3")
        self._bucket = target.output("BucketName")

    def datasets(self, estab: str) -> list[str]:
        """Return the datasets of a school that have a manifest."""
        prefix = f"manifests/estab={estab}/dataset="
        pages = self._s3.get_paginator("list_objects_v2")
        with explained():
            return [
                entry["Prefix"].removeprefix(prefix).rstrip("/")
                for page in pages.paginate(Bucket=self._bucket, Prefix=prefix, Delimiter="/")
                for entry in page.get("CommonPrefixes", ())
            ]

    def manifest(self, estab: str, dataset: str, sequence: int | None = None) -> dict[str, Any]:
        """Return the manifest of a sequence, or the current one.

        Raises:
            OperatorError: There is none, or the data was erased.
        """
        document = self.document(estab, dataset, sequence)
        if "erased" in document:
            erased = document["erased"]
            raise OperatorError(
                f"{dataset} of {estab} was erased at {erased['at']} ({erased['reason']})",
                "delete your own copies too",
            )
        return document

    def document(self, estab: str, dataset: str, sequence: int | None = None) -> dict[str, Any]:
        """Return the manifest as ``manifest`` does, also of data that was erased."""
        name = "latest" if sequence is None else f"{sequence:010d}"
        key = f"manifests/estab={estab}/dataset={dataset}/{name}.json"
        document: dict[str, Any] = json.loads(self._object(key).read())
        return document

    def rows(self, key: str, sha256: str | None = None) -> Iterator[bytes]:
        """Yield the rows of a snapshot or change file as lines of JSON, without their ends.

        Raises:
            OperatorError: At the end, if the rows are not those of the digest.
        """
        digest = hashlib.sha256()
        with gzip.open(self._object(key)) as lines:
            for line in lines:
                digest.update(line)
                yield line.rstrip(b"\n")
        if sha256 is not None and digest.hexdigest() != sha256:
            raise OperatorError(f"{key} is not what its manifest says", "read latest.json again")

    def file(self, key: str, sha256: str) -> Iterator[bytes]:
        """Yield an object in pieces.

        Raises:
            OperatorError: At the end, if the digest is another.
        """
        digest = hashlib.sha256()
        for piece in self._object(key).iter_chunks(_PIECE_BYTES):
            digest.update(piece)
            yield piece
        if digest.hexdigest() != sha256:
            raise OperatorError(f"{key} is not what its manifest says", "read latest.json again")

    def _object(self, key: str) -> Any:
        with explained():
            try:
                return self._s3.get_object(Bucket=self._bucket, Key=key)["Body"]
            except ClientError as error:
                if code_of(error) in _GONE:
                    raise OperatorError(
                        f"there is no {key}",
                        "`xporter-bridge data ls ESTAB` lists what there is",
                    ) from error
                raise


def table_of(manifest: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a table of a manifest, whatever the casing of its name.

    Raises:
        WrongUseError: Naming the tables that there are.
    """
    return named_table(manifest, name)[1]


def named_table(manifest: Mapping[str, Any], name: str) -> tuple[str, Mapping[str, Any]]:
    """Return the name of a table as the manifest has it, and its entry, as ``table_of`` does."""
    tables: Mapping[str, Mapping[str, Any]] = manifest["tables"]
    for known, entry in tables.items():
        if known.casefold() == name.casefold():
            return known, entry
    raise WrongUseError(
        f"{manifest['dataset']} has no table {name}", f"name one of {', '.join(tables)}"
    )
