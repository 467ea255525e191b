"""One contract for every emulator of AWS and for the dictionaries that stand in for it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.builders import ESTAB, NOW
from tests.support.emulated_aws import EmulatedAws, emulators_of
from tests.support.fakes import S3, Calls, CountedItems
from tests.support.records import record
from xporter_bridge.aws.dynamodb import WATCH_SHARDS, watch_attributes
from xporter_bridge.datasets.config import configured
from xporter_bridge.errors import ConflictError, TransientError
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.pulls.stored_form import write
from xporter_bridge.snapshots.row_keys import key_of_line
from xporter_bridge.snapshots.store import SnapshotStore

KEY_OF = key_of_line("Id")


@pytest.fixture(params=["memory", *emulators_of("s3")])
def store(request: pytest.FixtureRequest, aws_of: Callable[[str], EmulatedAws]) -> SnapshotStore:
    if request.param == "memory":
        return SnapshotStore(S3(Calls()), "data", "staging")
    aws = aws_of(request.param)
    return SnapshotStore(aws.client("s3"), aws.bucket("DataBucket"), aws.bucket("StagingBucket"))


@pytest.fixture(params=["memory", *emulators_of("dynamodb")])
def items(request: pytest.FixtureRequest, aws_of: Callable[[str], EmulatedAws]) -> Any:
    if request.param == "memory":
        return CountedItems(Calls(), "estab", "dataset")
    aws = aws_of(request.param)
    return DatasetRepository(
        aws.client("dynamodb"), aws.table("DatasetsTable"), configured()
    )._items


def test_what_is_staged_is_read_back_whole_and_in_part(store: SnapshotStore) -> None:
    store.stage("a/1", b"0123456789")
    assert (store.read_staged("a/1"), store.read_staged("a/1", 2, 4)) == (b"0123456789", b"234")
    assert store.read_staged("a/1", 8, 99) == b"89"
    with pytest.raises(TransientError):
        store.read_staged("a/2")


def test_only_what_has_the_prefix_is_listed_and_unstaged(store: SnapshotStore) -> None:
    for key in ("a/1", "a/2", "ab/1"):
        store.stage(key, b"x")
    assert store.staged_keys("a/") == ["a/1", "a/2"]
    store.delete_staged("a/")
    store.delete_staged("a/")
    assert (store.staged_keys("a/"), store.staged_keys("ab/")) == ([], ["ab/1"])


def test_what_is_published_is_the_same_bytes(store: SnapshotStore) -> None:
    table = store.write("out")
    table.write(b'{"Id":"1"}\n{"Id":"2"}\n', 2)
    table.close()
    for _ in range(2):
        store.publish({"snapshots/1": "out"})
    assert [block.data for block in store.blocks("snapshots/1", KEY_OF)] == [
        b'{"Id":"1"}\n{"Id":"2"}\n'
    ]
    with pytest.raises(TransientError):
        store.publish({"snapshots/2": "gone"})


def test_a_table_of_many_parts_is_one_object(store: SnapshotStore) -> None:
    chance = random.Random(1)
    rows = [
        b'{"Id":"%d","V":"%b"}\n' % (n, chance.randbytes(40_000).hex().encode()) for n in range(300)
    ]
    table = store.write("out")
    for row in rows:
        table.write(row, 1)
    table.close()
    assert b"".join(block.data for block in store.staged_blocks("out", KEY_OF)) == b"".join(rows)


def test_a_manifest_is_replaced_only_where_the_version_that_was_seen_stands(
    store: SnapshotStore,
) -> None:
    assert store.etag("latest.json") == ""
    store.replace_manifest("latest.json", {"sequence": 1}, seen="")
    with pytest.raises(ConflictError):
        store.replace_manifest("latest.json", {"sequence": 9}, seen="")
    seen = store.etag("latest.json")
    store.replace_manifest("latest.json", {"sequence": 2}, seen=seen)
    with pytest.raises(ConflictError):
        store.replace_manifest("latest.json", {"sequence": 9}, seen=seen)
    assert store.read_manifest("latest.json") == {"sequence": 2}


def test_items_keep_what_is_set_and_forget_what_is_empty(items: Any) -> None:
    made = items.update(ESTAB, "x", set_={"a": "1", "b": ""}, add={"n": 1})
    assert made == {"estab": ESTAB, "dataset": "x", "a": "1", "n": 1}
    assert items.update(ESTAB, "x", set_={"a": None}, add={"n": 2})["n"] == 3
    assert items.get(ESTAB, "x") == {"estab": ESTAB, "dataset": "x", "n": 3}
    assert items.get(ESTAB, "y") is None
    assert [item["dataset"] for item in items.query_partition(ESTAB)] == ["x"]


@pytest.mark.parametrize(
    ("condition", "values", "holds"),
    [
        ("fence = :held", {"held": 2}, True),
        ("fence = :held", {"held": 1}, False),
        ("gone = :seen", {"seen": "x"}, False),
        ("#hold = :seen", {"seen": "h"}, True),
        ("attribute_exists(estab)", {}, True),
        ("attribute_not_exists(gone)", {}, True),
        ("attribute_not_exists(due) OR due <= :now", {"now": "2026"}, True),
        ("attribute_not_exists(due) OR due <= :now", {"now": "2024"}, False),
        (
            "fence = :f AND (attribute_not_exists(due) OR due <= :now)",
            {"f": 2, "now": "2026"},
            True,
        ),
        (
            "(attribute_not_exists(fence) OR fence = :f) AND due <= :now",
            {"f": 1, "now": "9"},
            False,
        ),
    ],
)
def test_conditions_mean_the_same(
    items: Any, condition: str, values: dict[str, Any], holds: bool
) -> None:
    items.update(ESTAB, "x", set_={"due": "2025", "hold": "h"}, add={"fence": 2})
    if holds:
        items.update(ESTAB, "x", set_={"done": "1"}, condition=condition, **values)
    else:
        with pytest.raises(ConflictError):
            items.update(ESTAB, "x", set_={"done": "1"}, condition=condition, **values)
    assert ("done" in items.get(ESTAB, "x")) is holds


def test_whatever_is_due_is_found(items: Any) -> None:
    for name, at in (("a", "2025"), ("b", "2026"), ("c", "2027"), ("d", "")):
        items.update(ESTAB, name, set_=watch_attributes(at, ESTAB, name))
    now = "2026-01-01T00:00:00.000Z"
    found = [(each["dataset"], each["watch_at"]) for each in items.query_due(now, WATCH_SHARDS)]
    assert sorted(found) == [("a", "2025"), ("b", "2026")]
    by_shard = [each["dataset"] for n in WATCH_SHARDS for each in items.query_due(now, (n,))]
    assert sorted(by_shard) == ["a", "b"]
    items.update(ESTAB, "a", set_=watch_attributes("", ESTAB, "a"))
    assert {each["dataset"] for each in items.query_due(now, WATCH_SHARDS)} == {"b"}


def test_a_decision_is_taken_on_the_hold_that_stands(items: Any) -> None:
    """Also that no attribute of a condition is a word that DynamoDB reserves."""
    table = DatasetRepository(None, "datasets", configured())
    table._items = items
    with pytest.raises(ConflictError):
        table.decide(ESTAB, "x", "approve", NOW)
    table.add_demand(ESTAB, "x", NOW)
    items.update(ESTAB, "x", set_={"hold": write(record(ESTAB, "x", hold={}))["hold"]})
    decided = table.decide(ESTAB, "x", "approve", NOW)
    assert (decided.demand.decision, decided.demand.decided_hold) == ("approve", "p1")
