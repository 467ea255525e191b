"""Ours: the real ``ingestion.run.pull`` with real dependencies, over local stand-ins for AWS."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from pull_comparison.contest import ESTAB, Task
from pull_comparison.local_aws import FolderS3, OneHolderTable
from pull_comparison.rows import RESOURCE
from xporter_bridge.ingestion.dependencies import PullDependencies
from xporter_bridge.ingestion.pull_school import pull
from xporter_bridge.pulls.model import LEASE
from xporter_bridge.schools.model import School
from xporter_bridge.snapshots.store import SnapshotStore
from xporter_bridge.xporter.client import XporterApi
from xporter_bridge.xporter.endpoints import find

T = TypeVar("T")
_DATASET = RESOURCE.casefold()
# Reading the catalogue here imitates a warm Lambda.
_DEFINITION = {"endpoint": find(_DATASET).name, "options": [], "parameters": {}}
_FOREVER_SECONDS = 3_600.0


class _Session:
    """A live school with a valid token, whose cost is not part of the pull."""

    school = School(ESTAB, scopes=("Student",))

    def call(self, request: Callable[[str], T]) -> T:
        return request("token")

    def erased_people(self) -> None:
        """Return None: no person was erased, as at nearly every school."""


class _Sessions:
    def __init__(self, url: str) -> None:
        self.xporter = XporterApi(url)
        self.schools = self

    def open(self, *_: object, after: object = None) -> _Session:
        del after  # The token is valid: KMS would open the school's key once a visit.
        return _Session()

    def change(self, *_: object) -> School:
        return _Session.school


class _Silent:
    """Discards messages and events."""

    def send(self, message: object, *, delay_seconds: int = 0) -> None:
        pass

    def publish(self, events: object) -> None:
        pass


def run(task: Task) -> None:
    """Call ``pull`` until the request is served, like the consumer of the queue."""
    # The lease of a killed attempt has expired at the next attempt.
    late = LEASE * 2 * (task.attempt - 1)

    def now() -> datetime:
        return datetime.now(UTC) + late

    table = OneHolderTable(task.folder / "datasets.json")
    deps = PullDependencies(
        datasets=table,
        store=SnapshotStore(FolderS3(task.folder), "data", "staging"),
        sessions=_Sessions(task.url),  # type: ignore[arg-type]
        queue=_Silent(),  # type: ignore[arg-type]
        bus=_Silent(),  # type: ignore[arg-type]
        keep=timedelta(days=90),
        now=now,
    )
    item = table.get(ESTAB, _DATASET)
    if item is None or not item.is_due:
        table.add_demand(ESTAB, _DATASET, now(), definition=_DEFINITION)
    pull(ESTAB, _DATASET, deps, remaining_seconds=lambda: _FOREVER_SECONDS)
    served = table.get(ESTAB, _DATASET)
    if served is None or served.is_due or served.reason:
        raise RuntimeError(f"not served: {served.reason if served else 'nothing'}")
