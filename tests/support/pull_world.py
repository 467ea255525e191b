"""A school, its datasets and everything that pulls them, with a clock that tests can turn."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import orjson
import requests

from tests.support import builders
from tests.support.aws_calls import HeldAgainstRules
from tests.support.builders import ESTAB, RELYING_PARTY
from tests.support.fakes import KEY, S3, Calls, CountedItems, Events, KilledError, Sqs, Vault
from tests.support.moto_cloud import Cloud
from tests.support.xporter import Xporter
from xporter_bridge.aws.dynamodb import WATCH_SHARDS
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.datasets.config import DatasetConfig, configured
from xporter_bridge.datasets.model import Dataset
from xporter_bridge.errors import XporterBridgeError
from xporter_bridge.events.bus import EventBus
from xporter_bridge.ingestion.dependencies import PullDependencies
from xporter_bridge.ingestion.pull_school import pull
from xporter_bridge.pulls.messages import DatabaseChanged
from xporter_bridge.pulls.plan import plan
from xporter_bridge.pulls.record import DatasetRecord
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.schools.model import School
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.schools.session import SchoolSessions
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.schools.vault import OpenedKey, SchoolVault, with_secret
from xporter_bridge.snapshots.layout import DatasetLayout
from xporter_bridge.snapshots.row_keys import identity_of, line_key, order_key
from xporter_bridge.snapshots.store import SnapshotStore
from xporter_bridge.watchdog.overdue import WatchDependencies, enqueue_overdue
from xporter_bridge.xporter.client import XporterApi

DATA, STAGING = "data", "staging"
Rows = dict[bytes, dict[str, Any]]


@dataclass
class Aws:
    """What the system uses of AWS, in moto or in memory, and how a test looks into it."""

    calls: Calls
    schools: SchoolRepository
    datasets: DatasetRepository
    vault: SchoolVault
    store: SnapshotStore
    bus: EventBus
    objects: Callable[[str], Mapping[str, bytes]]
    events: Callable[[], list[dict[str, Any]]]
    key: OpenedKey


def configure(datasets: DatasetRepository, dataset: Dataset) -> None:
    """Let the dataset be configured so."""
    datasets.config = DatasetConfig({**datasets.config, dataset.name: dataset})


def in_memory() -> Aws:
    """Return AWS as plain dictionaries."""
    calls = Calls()
    s3, events = S3(calls), Events(calls)
    schools, datasets = (
        SchoolRepository(None, "schools"),
        DatasetRepository(None, "datasets", configured()),
    )
    schools._items = cast("Any", CountedItems(calls, "estab"))
    datasets._items = cast("Any", CountedItems(calls, "estab", "dataset"))

    def objects(bucket: str) -> Mapping[str, bytes]:
        place = f"{bucket}/"
        found = [key for key in list(s3.objects) if key.startswith(place)]
        return {key.removeprefix(place): s3.objects[key] for key in found}

    def taken() -> list[dict[str, Any]]:
        details, events.details = events.details, []
        return details

    return Aws(
        calls,
        schools,
        datasets,
        cast("Any", Vault(calls)),
        SnapshotStore(HeldAgainstRules(s3, "s3"), DATA, STAGING),
        EventBus(HeldAgainstRules(events, "events"), "bus"),
        objects,
        taken,
        OpenedKey(ESTAB, KEY, b"wrapped"),
    )


def in_moto(cloud: Cloud) -> Aws:
    """Return AWS as moto and the template make it."""
    names = {DATA: "DataBucket", STAGING: "StagingBucket"}
    vault = builders.vault(cloud)
    return Aws(
        Calls(),
        builders.school_table(cloud),
        builders.dataset_table(cloud),
        vault,
        SnapshotStore(cloud.client("s3"), cloud.ref("DataBucket"), cloud.ref("StagingBucket")),
        EventBus(cloud.client("events"), cloud.ref("EventBus")),
        lambda bucket: cloud.objects(names[bucket]),
        cloud.events,
        vault.open(ESTAB, None),
    )


KEEP = timedelta(days=90)


class World:
    """One school that is live, and the system around it."""

    def __init__(self, aws: Aws, xporter: Xporter, **facts: Any) -> None:
        self.aws = aws
        self.xporter = xporter
        self.estab = ESTAB
        self.clock = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
        self.remaining_seconds: Callable[[], float] = lambda: 600.0
        self.sqs = Sqs(aws.calls, self.now)
        self.queue = Queue(HeldAgainstRules(self.sqs, "sqs"), "pulls")
        secret = xporter.school(**facts)
        scopes = tuple(xporter.control("GET", f"schools/{ESTAB}")["scopes"])
        self.token = self._token(secret)
        school = School(
            ESTAB,
            state=SchoolState.LIVE,
            scopes=scopes,
            credentials=with_secret(aws.key, secret),
        )
        aws.schools.change(ESTAB, lambda _: school)
        sessions = SchoolSessions(aws.schools, aws.vault, XporterApi(xporter.url), RELYING_PARTY)
        self.deps = PullDependencies(
            aws.datasets, aws.store, sessions, self.queue, aws.bus, KEEP, self.now
        )
        self.watching = WatchDependencies(
            aws.schools, aws.datasets, self.queue, self.queue, self.queue, aws.bus
        )

    def now(self) -> datetime:
        return self.clock

    def advance(self, **time: float) -> None:
        """Turn the clock."""
        self.clock += timedelta(**time)

    # ------------------------------------------------------------------ what happens

    def ask(self, *datasets: str) -> None:
        """Ask for pulls, as onboarding does."""
        for name in datasets:
            self.aws.datasets.add_demand(ESTAB, name, self.clock)
            self.queue.send({"estab": ESTAB, "dataset": name})

    def hear(self, database: str = "XodSchoolData", *, times: int = 1) -> None:
        """Let callbacks come, each handled at once."""
        for _ in range(times):
            message = DatabaseChanged(ESTAB, database, self.clock)
            plan(message, self.aws.schools, self.aws.datasets, self.queue, configured(), self.clock)

    def change(self, database: str = "XodSchoolData", **how: Any) -> dict[str, Any]:
        """Change the school's data, without a callback; return the ids that differ, by table."""
        path = f"schools/{ESTAB}/databases/{database}/change"
        answer = self.xporter.control("POST", path, {"notify": False, **how})
        return cast("dict[str, Any]", answer["changed"])

    def pull(self, dataset: str) -> None:
        """Handle one message for the dataset."""
        pull(ESTAB, dataset, self.deps, remaining_seconds=self.remaining_seconds)

    def deliver(self) -> int:
        """Handle every message that has come, and what these send at once; return how many.

        A message whose handling fails comes again an hour later, as from a queue whose
        visibility is six times the function's timeout.
        """
        handled = 0
        while messages := self.sqs.take():
            for message in messages:
                handled += 1
                try:
                    self.pull(message["dataset"])
                except (XporterBridgeError, KilledError):
                    self.aws.calls.is_dead = False
                    self.sqs.messages.append((self.clock + timedelta(hours=1), message))
        return handled

    def watch(self) -> None:
        """Run the watcher once."""
        try:
            enqueue_overdue(self.watching, WATCH_SHARDS, self.clock, lambda: True)
        except (XporterBridgeError, KilledError):
            self.aws.calls.is_dead = False

    def settle(self, *, minutes: int = 30) -> None:
        """Let time pass until nothing happens any more: by minutes, and later in longer steps.

        What is to happen within minutes has happened by then; the rest waits for half an hour.
        """
        for step in [1] * min(minutes, 6) + [6] * ((minutes - 1) // 6):
            self.deliver()
            self.advance(minutes=step)
            self.watch()
            if not self.sqs.messages and not self._is_waiting():
                return
        self.deliver()

    def _is_waiting(self) -> bool:
        items = self.aws.datasets.of_school(ESTAB)
        return any(
            item.has_unfinished_work or item.outbox or item.is_leased(self.clock) for item in items
        )

    # ------------------------------------------------------------------ what there is

    def item(self, dataset: str) -> DatasetRecord:
        found = self.aws.datasets.get(ESTAB, dataset)
        assert found
        return found

    def set_school(self, **facts: Any) -> None:
        """Write facts onto our own item of the school."""
        self.aws.schools.change(ESTAB, lambda school: replace(school, **facts))

    def truth(self, dataset: Dataset) -> dict[str, list[dict[str, Any]]]:
        """Return what Xporter answers when it is asked for everything in one piece."""
        url = f"{self.xporter.url}/api/v1/School/{ESTAB}/{dataset.endpoint.resource}"
        answer = requests.get(
            url,
            params={"options": ",".join(dataset.options)} if dataset.options else None,
            headers={"Authorization": f"Idaas {self.token}"},
            timeout=30,
        ).json()
        assert "ExceptionMessage" not in answer, answer
        return {table: rows for table, rows in answer.items() if table != "meta"}

    def latest(self, dataset: str) -> dict[str, Any]:
        """Return the manifest that readers begin with."""
        return cast(
            "dict[str, Any]",
            orjson.loads(self.aws.objects(DATA)[DatasetLayout(ESTAB, dataset).latest]),
        )

    def readable(self, dataset: str) -> dict[str, bytes]:
        """Return all that a reader finds who begins with ``latest.json``; empty if there is none.

        Whatever the manifest names must be there at any moment.
        """
        objects, place = self.aws.objects(DATA), DatasetLayout(ESTAB, dataset)
        if place.latest not in objects:
            return {}
        document = orjson.loads(objects[place.latest])
        keys = [
            table[f"{kind}_key"]
            for table in document["tables"].values()
            for kind in ("snapshot", "upserts", "deletes", "parquet")
            if kind != "parquet" or table.get("parquet_key")
        ]
        return {key: objects[key] for key in (place.manifest(document["sequence"]), *keys)}

    def lose_a_row(self, dataset: str, table: str) -> None:
        """Take the first row out of a published snapshot, as nothing of ours ever should."""
        key = f"{DATA}/{self.latest(dataset)['tables'][table]['snapshot_key']}"
        objects = self.aws.store._published._client.objects
        lines = gzip.decompress(objects[key]).splitlines(keepends=True)
        objects[key] = gzip.compress(b"".join(lines[1:]))

    def rows(self, key: str) -> list[dict[str, Any]]:
        """Return the rows of a snapshot or change file."""
        lines = gzip.decompress(self.aws.objects(DATA)[key]).splitlines()
        return [orjson.loads(line) for line in lines]

    def staged(self) -> list[str]:
        """Return the keys of everything staged."""
        return sorted(self.aws.objects(STAGING))

    def pages_asked(self) -> list[str]:
        """Return the query of every request for data so far."""
        return [
            each["query"]
            for each in self.xporter.requests()
            if "/school/" in each["path"].lower()
        ]  # fmt: skip

    def _token(self, secret: str) -> str:
        return XporterApi(self.xporter.url).get_token(ESTAB, RELYING_PARTY, secret).value


def keyed(rows: list[dict[str, Any]], key: str, *, by_row: bool = False) -> Rows:
    """Return the rows by their identity, or by the whole of each; these must be distinct."""
    found = {
        _order_of(row, key) + (b"\0" + orjson.dumps(row) if by_row else b""): row for row in rows
    }
    assert len(found) == len(rows)
    return found


def _order_of(row: dict[str, Any], key: str) -> bytes:
    identity = identity_of(row, key)
    return line_key(orjson.dumps(row)) if identity is None else order_key(identity)


def lines_of(rows: Iterable[dict[str, Any]]) -> set[bytes]:
    """Return the rows as they are stored; the same row twice is one."""
    return {orjson.dumps(row) for row in rows}


def verify(world: World, *names: str, is_true: bool = True, staged: bool = False) -> None:
    """Hold that readers see the truth, in whole sequences whose change files fold to it."""
    objects = world.aws.objects(DATA)
    for name in names or sorted(configured()):
        dataset = configured()[name]
        _verify_item(world, name, objects)
        folded = _fold(world, dataset, objects)
        if is_true:
            truth = world.truth(dataset)
            assert {t: lines_of(r.values()) for t, r in folded.items() if r} == {
                t: lines_of(r) for t, r in truth.items() if r
            }
    if not staged:
        assert world.staged() == []


def _verify_item(world: World, name: str, objects: Mapping[str, bytes]) -> None:
    item, place = world.item(name), DatasetLayout(ESTAB, name)
    keys = [key for key in objects if key.startswith(place.prefixes[2])]
    expected = [
        place.manifest(number)
        for number in range(item.published.oldest or 1, item.published.sequence + 1)
    ]
    assert sorted(keys) == sorted([*expected, place.latest])
    latest = orjson.loads(objects[place.latest])
    assert item.published.manifest
    assert (
        latest
        == item.published.manifest.document()
        == orjson.loads(objects[place.manifest(item.published.sequence)])
    )
    assert (item.published.unpublished, item.progress.checkpoint, item.outbox) == (None, None, ())
    assert not item.is_leased(world.now())


def _fold(world: World, dataset: Dataset, objects: Mapping[str, bytes]) -> dict[str, Rows]:
    """Apply all change files in order to empty tables; hold every snapshot on the way.

    Where the first sequences are deleted, what is left begins with a snapshot.
    """
    place = DatasetLayout(ESTAB, dataset.name)
    folded: dict[str, Rows] = {}

    def read(key: str, table: str, *, by_row: bool) -> Rows:
        lines = gzip.decompress(objects[key]).splitlines()
        found = [orjson.loads(line) for line in lines]
        rows = keyed(found, dataset.key_of(table), by_row=by_row)
        assert list(rows) == sorted(rows), f"{key} is not in order"
        return rows

    item = world.item(dataset.name)
    oldest = item.published.oldest or 1
    for sequence in range(oldest, item.published.sequence + 1):
        document = orjson.loads(objects[place.manifest(sequence)])
        assert document["sequence"] == sequence
        for table, entry in document["tables"].items():
            by_row = entry.get("identity") == "row"
            before = list(folded.get(table, {}).values())
            held = folded[table] = keyed(before, dataset.key_of(table), by_row=by_row)
            upserts, deletes = (
                read(entry[f"{kind}_key"], table, by_row=by_row) for kind in ("upserts", "deletes")
            )
            assert (len(upserts), len(deletes)) == (entry["upserts"], entry["deletes"])
            if sequence == oldest > 1:
                held.update(read(entry["snapshot_key"], table, by_row=by_row))
                continue
            for key in deletes:
                assert key in held, f"{table}: a deletion of what was not there"
                del held[key]
            for key, row in upserts.items():
                assert held.get(key) != row, f"{table}: an upsert that changes nothing"
                held[key] = row
            assert held == read(entry["snapshot_key"], table, by_row=by_row)
            assert entry["rows"] == len(held)
    return folded
