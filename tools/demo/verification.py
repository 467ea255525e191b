"""Proves that the published data equal the school's.

Knows nothing of the code that pulled it: a snapshot is compared, line by line and by its digest,
with rows that the simulator makes anew.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from tools.demo.published_data import SnapshotStore
from tools.demo.schools import DemoSchool, configured
from tools.demo.simulator import Simulator
from tools.demo.wait import expect


def is_true(manifest: dict[str, Any], simulator: Simulator, lake: SnapshotStore) -> bool:
    """Tell whether every snapshot that the manifest names holds the school's present rows."""
    return all(
        in_order(true_rows(manifest, table, simulator)) == snapshot_lines(facts, lake)
        for table, facts in manifest["tables"].items()
    )


def true_rows(manifest: dict[str, Any], table: str, simulator: Simulator) -> list[bytes]:
    """Return the school's present rows of one table of a dataset."""
    endpoint = manifest.get("endpoint") or configured()[manifest["dataset"]]["endpoint"]
    query = {"resource": endpoint, **manifest.get("parameters", {})}
    return simulator.truth(manifest["estab"], table, query)


def snapshot_lines(facts: dict[str, Any], lake: SnapshotStore) -> list[bytes]:
    """Return the rows of a snapshot, after holding its digest and count against the manifest.

    Raises:
        StepFailedError: The manifest says something else.
    """
    content = lake.content(facts["snapshot_key"])
    lines = content.splitlines()
    digest = hashlib.sha256(content).hexdigest()
    expect(digest == facts["sha256"], f"{facts['snapshot_key']}: the digest is another")
    expect(len(lines) == facts["rows"], f"{facts['snapshot_key']}: has {len(lines)} rows")
    has_ids = bool(lines) and "Id" in orjson.loads(lines[0])
    return lines if has_ids else in_order(lines)


def in_order(lines: Iterable[bytes]) -> list[bytes]:
    """Return rows as a snapshot has them: by Id, numbers before texts; without Id by their text."""

    def place(line: bytes) -> tuple[int, int, str]:
        identity = identity_of(line)
        return (0, int(identity), "") if identity.isdigit() else (1, 0, identity)

    return sorted((orjson.dumps(orjson.loads(line)) for line in lines), key=place)


def identity_of(line: bytes) -> str:
    """Return the Id of a row; the few tables that have none are identified by all of it."""
    return str(orjson.loads(line).get("Id", line.decode()))


@dataclass
class Changes:
    """The changes of one table: new and changed rows, and the Ids of deleted rows."""

    upserts: set[bytes] = field(default_factory=set)
    deletes: set[str] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.upserts) + len(self.deletes)


def sequences(school: DemoSchool, lake: SnapshotStore) -> dict[str, int]:
    """Return the current sequence of every dataset of the school, 0 before the first pull."""
    latest = {name: lake.latest(school.estab, name) for name in school.datasets}
    return {name: manifest["sequence"] if manifest else 0 for name, manifest in latest.items()}


def rows_of(school: DemoSchool, lake: SnapshotStore) -> dict[str, set[bytes]]:
    """Return the rows of every snapshot of the school, by ``dataset/table``."""
    manifests = (lake.latest(school.estab, name) for name in school.datasets)
    return {
        f"{manifest['dataset']}/{table}": set(snapshot_lines(facts, lake))
        for manifest in manifests
        if manifest
        for table, facts in manifest["tables"].items()
    }


def difference(before: dict[str, set[bytes]], after: dict[str, set[bytes]]) -> dict[str, Changes]:
    """Return the changes that lead from one state of a school's tables to another."""
    found = {}
    for table, rows in after.items():
        gone = {identity_of(line) for line in before[table] - rows}
        found[table] = Changes(rows - before[table], gone - {identity_of(line) for line in rows})
    return found


def change_files(
    school: DemoSchool, lake: SnapshotStore, since: dict[str, int]
) -> dict[str, Changes]:
    """Return the content of all change files after the given sequences, by ``dataset/table``."""
    found: dict[str, Changes] = defaultdict(Changes)
    for dataset, sequence in sequences(school, lake).items():
        for number in range(since[dataset] + 1, sequence + 1):
            for table, facts in lake.manifest(school.estab, dataset, number)["tables"].items():
                changes = found[f"{dataset}/{table}"]
                changes.upserts |= set(lake.content(facts["upserts_key"]).splitlines())
                deleted = lake.content(facts["deletes_key"]).splitlines()
                changes.deletes |= {identity_of(line) for line in deleted}
    return found
