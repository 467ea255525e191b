"""The zip of an export: what is published of a school, or the rows that name one person.

Rows go through one at a time, so memory does not grow with the school. The manifest is the last
entry of the zip, as it has the digests of all others.
"""

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from .people import PersonKind, Row, is_requested_for, plain_id, without_people

FORM = 1
MANIFEST = "manifest.json"
# What a manifest of the bucket says of a dataset, and an export repeats.
_SAID = ("sequence", "as_of", "completed_at", "stale", "endpoint", "parameters")

ReadRows = Callable[[str, str], Iterable[bytes]]


@dataclass(frozen=True)
class Person:
    """The person of an export, as Xporter knows the person."""

    kind: PersonKind
    identity: str = field(repr=False)

    def is_meant(self, who: tuple[PersonKind, str]) -> bool:
        """Tell whether somebody whom a row names is this person."""
        return who == (self.kind, plain_id(self.kind, self.identity))

    def is_named_alone(self, manifest: Mapping[str, Any]) -> bool:
        """Tell whether a dataset was requested for this person and for nobody else."""
        endpoint, parameters = str(manifest.get("endpoint", "")), manifest.get("parameters") or {}
        own = plain_id(self.kind, self.identity)
        return is_requested_for(endpoint, parameters, self.is_meant) and not is_requested_for(
            endpoint, parameters, lambda who: who[1] != own
        )


@dataclass
class Written:
    """One file of the zip. ``mentions`` of its rows only mention the person in a list."""

    file: str
    dataset: str
    table: str
    rows: int = 0
    mentions: int = 0
    digest: Any = field(default_factory=hashlib.sha256, repr=False)

    def document(self, person: Person | None) -> dict[str, Any]:
        """Return what the manifest says of it."""
        return {
            "file": self.file,
            "dataset": self.dataset,
            "table": self.table,
            "rows": self.rows,
            **({"mentions": self.mentions} if person else {}),
            "sha256": self.digest.hexdigest(),
        }


def naming(table: str, lines: Iterable[bytes], person: Person) -> Iterator[tuple[bytes, bool]]:
    """Yield the rows that name a person, and whether they only mention the person in a list.

    The rule is that of an erasure: what it would delete is about the person, and what it would
    change mentions the person.
    """
    for line in lines:
        row: Row = json.loads(line)
        left = without_people(table, row, person.is_meant)
        if left is not row:
            yield line, left is not None


def of_dataset(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the manifest of an export says of a dataset."""
    said = {name: manifest[name] for name in _SAID if manifest.get(name) is not None}
    erased = {"erased": manifest["erased"]} if "erased" in manifest else {}
    return {"dataset": manifest["dataset"], **said, **erased}


def write(
    to: IO[bytes],
    about: Mapping[str, Any],
    manifests: Sequence[Mapping[str, Any]],
    person: Person | None,
    read: ReadRows,
) -> dict[str, Any]:
    """Write the zip, and return its manifest.

    Args:
        about: What the manifest says first: school, time, person.
        manifests: Those of the bucket, one of each dataset.
        read: Yields the rows of a key, and raises at the end if their digest is another.

    A file of a person's export is there if the table names the person; of a school's, always.
    """
    files: list[Written] = []
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        for manifest in manifests:
            for table, entry in manifest["tables"].items():
                lines = read(entry["snapshot_key"], entry["sha256"])
                chosen = _chosen(table, lines, manifest, person)
                written = Written(_name(manifest["dataset"], table), manifest["dataset"], table)
                if _wrote(archive, written, chosen, is_empty_kept=person is None):
                    files.append(written)
        document = {
            "form": FORM,
            **about,
            "datasets": [of_dataset(manifest) for manifest in manifests],
            "files": [each.document(person) for each in files],
        }
        archive.writestr(MANIFEST, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return document


def _chosen(
    table: str, lines: Iterable[bytes], manifest: Mapping[str, Any], person: Person | None
) -> Iterator[tuple[bytes, bool]]:
    if person is None or person.is_named_alone(manifest):
        return ((line, False) for line in lines)
    return naming(table, lines, person)


def _wrote(
    archive: zipfile.ZipFile,
    written: Written,
    chosen: Iterator[tuple[bytes, bool]],
    *,
    is_empty_kept: bool,
) -> bool:
    """Write one file of NDJSON; tell whether there is one."""
    first = next(chosen, None)
    if first is None and not is_empty_kept:
        return False
    with archive.open(written.file, "w", force_zip64=True) as file:
        for line, is_mention in _with_first(first, chosen):
            file.write(line + b"\n")
            written.digest.update(line + b"\n")
            written.rows += 1
            written.mentions += is_mention
    return True


def _with_first(
    first: tuple[bytes, bool] | None, others: Iterator[tuple[bytes, bool]]
) -> Iterator[tuple[bytes, bool]]:
    if first is not None:
        yield first
    yield from others


def _name(dataset: str, table: str) -> str:
    """Return the name of a file; no name leads out of the folder into which the zip is taken."""
    safe = (
        "".join(c if c.isalnum() or c in "._-" else "_" for c in part) for part in (dataset, table)
    )
    return "data/{}/{}.ndjson".format(*(part.lstrip(".") or "_" for part in safe))
