"""Holds the objects of a sequence against the counts and digests of its manifest."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from .errors import DamagedError, NotFoundError, SupersededError
from .manifest import Manifest, TableFacts
from .objects import Objects, digest_of

_ATTEMPTS = 5


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: the object's key, and what is wrong with the object."""

    table: str
    key: str
    says: str


@dataclass(frozen=True)
class Verification:
    """What was verified; ``is_ok`` if nothing is wrong."""

    manifest: Manifest
    findings: tuple[Finding, ...]

    @property
    def is_ok(self) -> bool:
        """Tell whether every object is as its manifest says."""
        return not self.findings


def verify(objects: Objects, estab: str, dataset: str) -> Verification:
    """Read every object that ``latest.json`` names; begin anew if it is replaced meanwhile."""
    for attempt in range(_ATTEMPTS):
        manifest = objects.manifest(estab, dataset)
        if manifest is None:
            raise NotFoundError(f"nothing is published of {dataset} of {estab}")
        findings = tuple(
            finding for table in manifest.tables.values() for finding in _of_table(objects, table)
        )
        now = objects.manifest(estab, dataset) if findings else manifest
        is_current = now is not None and now.cursor == manifest.cursor
        if is_current or attempt == _ATTEMPTS - 1:
            return Verification(manifest, findings)
    raise AssertionError("unreachable")


def _of_table(objects: Objects, table: TableFacts) -> Iterator[Finding]:
    for key, rows, sha256 in (
        (table.snapshot_key, table.rows, table.sha256),
        (table.upserts_key, table.upserts, None),
        (table.deletes_key, table.deletes, None),
    ):
        try:
            lines = objects.lines(key)
        except SupersededError:
            yield Finding(table.name, key, "the object is missing")
            continue
        except DamagedError:
            yield Finding(table.name, key, "the object is no gzip file")
            continue
        with contextlib.closing(lines.file):
            if lines.rows != rows:
                yield Finding(table.name, key, f"{lines.rows} rows instead of {rows}")
            if sha256 is not None and lines.sha256 != sha256:
                yield Finding(table.name, key, "the digest of the rows is another")
    yield from _of_parquet(objects, table)


def _of_parquet(objects: Objects, table: TableFacts) -> Iterator[Finding]:
    if table.parquet_key is None:
        return
    try:
        with objects.fetch(table.parquet_key) as file:
            digest = digest_of(file)
    except SupersededError:
        yield Finding(table.name, table.parquet_key, "the object is missing")
        return
    if digest != table.parquet_sha256:
        yield Finding(table.name, table.parquet_key, "the digest of the file is another")
