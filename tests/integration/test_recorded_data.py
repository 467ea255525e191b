"""Staged pages, published snapshots and manifests of the code at 60edcfd are read as before."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.recorded.actors import ESTAB, SCHOOL, founded
from tests.recorded.queries import (
    dataset,
    manifest,
    messages,
    pages_asked,
    recorded_item,
    rows,
    school,
)
from tests.recorded.replaced import small_pages
from tests.recorded.support import Deployment, restore
from tests.support.xporter import Xporter


@pytest.mark.parametrize(
    ("name", "minutes"), [("pulling.leased_with_pages", 2), ("pulling.checkpoint", 0)]
)
@pytest.mark.parametrize("names", [("estab", "dataset"), ("estab", "dataset", "waits")])
def test_pages_that_were_staged_are_read_and_committed(
    online: Deployment,
    xporter: Xporter,
    name: str,
    minutes: int,
    names: tuple[str, ...],
) -> None:
    founded(xporter, students=25)
    restore(online, name)
    online.clock.advance(minutes=minutes)
    free_slots(online)
    staged = set(re.findall(r"page-00000(\d)", str(list(online.cloud.objects("StagingBucket")))))
    message = {**messages("PullQueue", *names)[0], "dataset": "students"}
    with small_pages():
        assert online.consume("PullQueue", message) == []
    # Page 1 is asked for once more at the end; of the others, those that nobody had staged.
    assert sorted(pages_asked(xporter)) == ["1", *sorted({"2", "3"} - staged)]
    assert manifest(online)["sequence"] == 1
    then = json.loads(recorded_item("pulling.unpublished")["manifest"]["S"])
    for table, entry in then["tables"].items():
        assert manifest(online)["tables"][table] == entry
    assert [row["Id"] for row in rows(online)] == [row["Id"] for row in xporter.truth("Students")]


def free_slots(offline: Deployment) -> None:
    """Let the time of those pass who held the school's places."""
    assert [
        each for each in offline.items("DatasetsTable") if each["dataset"]["S"].startswith("#slot-")
    ]
    offline.clock.advance(minutes=2)


@pytest.mark.parametrize(
    ("name", "sequence", "pupils"),
    [("pulling.unpublished", 1, 25), ("holding.hold_approved", 2, 4)],
)
def test_what_was_committed_or_approved_is_published(
    offline: Deployment, name: str, sequence: int, pupils: int
) -> None:
    restore(offline, name)
    offline.clock.advance(minutes=3)
    item = recorded_item(name)
    [message] = messages("PullQueue", "estab", "dataset")
    assert offline.consume("PullQueue", {**message, "dataset": "students"}) == []
    hold = json.loads(item["hold"]["S"]) if "hold" in item else None
    then = hold["manifest"] if hold else json.loads(item["manifest"]["S"])
    assert manifest(offline) == then
    assert (manifest(offline)["sequence"], len(rows(offline))) == (sequence, pupils)
    assert len(rows(offline, kind="upserts")) + len(rows(offline, kind="deletes")) in {25, 21}
    types = [each["DetailType"] for each in offline.tape.events]
    assert types == ["school.live", "dataset.changed"][-len(types) :]
    assert "dataset.changed" in types
    assert not offline.cloud.objects("StagingBucket")


def test_a_snapshot_that_was_published_is_read_and_compared(
    online: Deployment, xporter: Xporter
) -> None:
    founded(xporter)
    restore(online, "changing.second_sequence")
    before = {row["Id"]: row for row in rows(online)}
    kept = online.cloud.objects("DataBucket")
    answer = online.api.post(f"{SCHOOL}/pulls", {"dataset": "students"})
    assert answer.status == 202
    assert online.consume("PullQueue", *messages("PullQueue", "estab", "dataset")) == []
    assert online.consume("PullQueue", {"estab": ESTAB, "dataset": "students"}) == []
    truth = {row["Id"]: row for row in xporter.truth("Students")}
    assert manifest(online)["sequence"] == 3
    assert {row["Id"] for row in rows(online)} == set(truth)
    assert {row["Id"] for row in rows(online, kind="deletes")} == set(before) - set(truth)
    changed = {id_ for id_, row in truth.items() if id_ not in before or differs(row, before[id_])}
    assert {row["Id"] for row in rows(online, kind="upserts")} == changed
    assert changed
    assert len(changed) < len(truth)
    after = online.cloud.objects("DataBucket")
    latest = {key for key in kept if key.endswith("latest.json")}
    assert {key: after[key] for key in set(kept) - latest} == {
        key: kept[key] for key in set(kept) - latest
    }


def differs(row: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    return any(row[name] != value for name, value in before.items())


def test_a_school_that_was_marked_is_erased(offline: Deployment) -> None:
    restore(offline, "erasing.being_erased")
    [message] = messages("ErasureQueue", "estab")
    assert offline.consume("ErasureQueue", message) == []
    assert school(offline)["state"] == "live", "somebody may still be copying"
    offline.clock.advance(minutes=3)
    assert offline.consume("ErasureQueue", message) == []
    assert school(offline)["state"] == "erased"
    # The recorded code left nothing; now the feed of changes says that the school was erased.
    assert [each["dataset"]["S"] for each in offline.items("DatasetsTable")] == ["#erased"]
    assert offline.items("OperationsTable") == []
    assert [each["DetailType"] for each in offline.tape.events] == ["school.erased"]
    again = [
        each["body"]["estab"] for each in offline.tape.messages if each["queue"] == "ErasureQueue"
    ]
    assert again == [ESTAB, ESTAB]


@pytest.mark.parametrize("reason", ["scope_removed", "asked_by_the_school"])
def test_a_dataset_is_erased_for_whatever_reason_was_given(
    offline: Deployment, reason: str
) -> None:
    restore(offline, "withdrawing.scope_removed")
    [message] = messages("ErasureQueue", "estab", "dataset", "reason", reason=reason)
    name = message["dataset"]
    before = offline.cloud.objects("DataBucket")
    assert any(f"dataset={name}/" in key for key in before)
    assert offline.consume("ErasureQueue", message) == []
    assert manifest(offline, name)["erased"]["reason"] == reason
    assert manifest(offline, name)["tables"] == {}
    kept = [key for key in offline.cloud.objects("DataBucket") if f"dataset={name}/" in key]
    assert all(key.startswith("manifests/") for key in kept)
    assert dataset(offline, name)["state"] == "erased"
    assert [each["DetailType"] for each in offline.tape.events] == ["dataset.changed"]


@pytest.mark.parametrize("reason", ["expired", "left_out"])
def test_an_erasure_that_nothing_asks_for_any_more_changes_nothing(
    offline: Deployment, reason: str
) -> None:
    restore(offline, "withdrawing.scope_removed")
    before = offline.items("DatasetsTable"), offline.cloud.objects("DataBucket")
    [message] = messages("ErasureQueue", "estab", "dataset", "reason", reason="expired")
    assert (
        offline.consume("ErasureQueue", {**message, "dataset": "schoolinfo", "reason": reason})
        == []
    )
    assert (offline.items("DatasetsTable"), offline.cloud.objects("DataBucket")) == before
