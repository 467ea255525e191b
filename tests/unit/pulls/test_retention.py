from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.records import manifest as full_manifest
from tests.support.records import record, with_facts
from xporter_bridge.datasets.config import configured
from xporter_bridge.pulls.model import next_watch_at
from xporter_bridge.pulls.record import DatasetRecord, DatasetState
from xporter_bridge.pulls.retention import (
    is_expired,
    prunable_at,
    schedule_pruning,
    unreferenced_keys,
)
from xporter_bridge.snapshots.manifest import Manifest

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
KEEP = timedelta(days=90)
DAY = {"endpoint": "attendancefordate", "options": [], "parameters": {"date": "2026-08-24"}}


def item(name: str = "students", **facts: Any) -> DatasetRecord:
    return record("3281102", name, **{"state": DatasetState.CURRENT, **facts})


def manifest(**tables: int) -> Manifest:
    """A manifest whose tables' snapshots are of these sequences."""
    return full_manifest(
        completed_at=NOW,
        tables={
            name: {"rows": 1, "snapshot_key": f"s/{name}/{of}", "upserts_key": f"u/{name}/{of}"}
            for name, of in tables.items()
        },
    )


def test_the_first_sequence_replaces_nothing() -> None:
    assert schedule_pruning(item(), KEEP, NOW).published.retire_at is None


def test_a_replaced_sequence_is_looked_after_when_its_time_has_come() -> None:
    assert schedule_pruning(item(sequence=1), KEEP, NOW).published.retire_at == NOW + KEEP


def test_what_goes_first_says_when_to_look() -> None:
    sooner = NOW + timedelta(days=1)
    assert (
        schedule_pruning(item(sequence=2, retire_at=sooner), KEEP, NOW).published.retire_at
        == sooner
    )


def test_a_sequence_goes_when_the_one_after_it_is_old_enough() -> None:
    assert prunable_at(manifest(), KEEP) == NOW + KEEP


def test_a_snapshot_that_later_sequences_still_name_stays() -> None:
    old, following = manifest(Students=1, Siblings=1), manifest(Students=2, Siblings=1)
    assert unreferenced_keys(old, following) == ["s/Students/1", "u/Students/1"]
    assert unreferenced_keys(old, following, manifest(Students=1)) == []


@pytest.mark.parametrize(
    ("it", "is_over"),
    [
        (item("attendance-2026-08-24", definition=DAY), True),
        (item("configured-no-longer"), True),
        (item("students"), False),
        (item("attendance-2026-08-24", definition=DAY, requested=1), False),
        (item("attendance-2026-08-24", definition=DAY, expires_at=NOW + KEEP), False),
    ],
)
def test_only_what_nothing_asks_for_by_itself_expires(it: DatasetRecord, is_over: bool) -> None:
    ended = it if it.published.expires_at else with_facts(it, expires_at=NOW)
    assert is_expired(ended, configured().dataset_of(ended), NOW) is is_over


def test_nothing_expires_that_was_never_pulled() -> None:
    never = item("attendance-2026-08-24", definition=DAY)
    assert not is_expired(never, configured().dataset_of(never), NOW)


def test_a_temporary_dataset_is_looked_at_when_it_expires_and_another_is_not() -> None:
    at, students = NOW + KEEP, configured()["students"]
    temporary = item("attendance-2026-08-24", definition=DAY, expires_at=at)
    assert next_watch_at(temporary, configured().dataset_of(temporary), NOW) == at
    assert next_watch_at(item(expires_at=at), students, NOW) is None
