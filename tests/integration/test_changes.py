"""``GET /v1/changes``: every commit and every erasure at any school, in one order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from botocore.exceptions import ClientError

from tests.integration.test_erase_data import deps, erase_now, stored_everything
from tests.integration.test_erase_people import DATASETS
from tests.integration.test_erase_people import school as school_with_people  # noqa: F401
from tests.support.builders import ESTAB, NOW, OTHER_ESTAB, dataset_table, stored_school
from tests.support.company_api import CompanyApi
from tests.support.moto_cloud import Cloud
from tests.support.pull_world import World, in_moto
from tests.support.records import lease, with_facts
from tests.support.xporter import Xporter
from xporter_bridge.api import change_feed
from xporter_bridge.api.change_feed import ChangeView, change_page
from xporter_bridge.aws.clients import client
from xporter_bridge.erasure.erase import erase
from xporter_bridge.erasure.messages import EraseDataset
from xporter_bridge.pulls import repository
from xporter_bridge.pulls.change import ERASED_SCHOOL, Change
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.snapshots.store import SnapshotStore
from xporter_bridge.timestamps import iso

SCHOOL = f"/v1/schools/{ESTAB}"


def changes(cloud: Cloud, now: datetime | None = None) -> list[ChangeView]:
    """Return all changes, as an answer holds them some time later."""
    later = (now or datetime.now(UTC)) + timedelta(minutes=1)
    return change_page(dataset_table(cloud).changes, None, 1000, later).changes


def told(cloud: Cloud, now: datetime | None = None) -> list[tuple[str, str | None, int | None]]:
    return [(str(each.kind), each.dataset, each.sequence) for each in changes(cloud, now)]


def published(cloud: Cloud, name: str, at: datetime, sequence: int = 1, estab: str = ESTAB) -> None:
    """Have a dataset committed and published at that time."""
    table = dataset_table(cloud)
    table.add_demand(estab, name, at)
    held = lease(table, estab, name, at)
    assert held
    facts = {"sequence": sequence, "manifest": {"dataset": name, "sequence": sequence}}
    served = with_facts(held, **facts, served=held.demand.requested)
    table.save(served.released(), at)


# ---------------------------------------------------------------------- commits


def test_each_commit_comes_with_its_manifest_in_order_and_only_the_latest(
    cloud: Cloud, xporter: Xporter
) -> None:
    world = World(in_moto(cloud), xporter, students=20)
    for name in ("students", "staff"):
        world.ask(name)
        world.deliver()
        world.advance(minutes=10)
    assert told(cloud, world.clock) == [("committed", "students", 1), ("committed", "staff", 1)]
    world.change(rows=3)
    world.ask("students")
    world.deliver()
    assert told(cloud, world.clock) == [("committed", "staff", 1), ("committed", "students", 2)]
    [_, latest] = changes(cloud, world.clock)
    assert latest.manifest_key == f"manifests/estab={ESTAB}/dataset=students/0000000002.json"
    assert latest.manifest_key in cloud.objects("DataBucket")
    assert latest.committed_at == iso(world.clock)


def test_an_unchanged_pull_is_no_change_and_leaves_the_index_as_it_is(
    cloud: Cloud, xporter: Xporter
) -> None:
    world = World(in_moto(cloud), xporter, students=20)
    world.ask("students")
    world.deliver()
    before = world.item("students").published
    world.advance(hours=1)
    world.ask("students")
    world.deliver()
    after = world.item("students").published
    assert after.checked_at != before.checked_at
    assert (after.change, after.sequence) == (before.change, 1)


def test_the_stamp_is_of_the_write_after_which_readers_find_the_sequence(
    cloud: Cloud, xporter: Xporter
) -> None:
    world = World(in_moto(cloud), xporter, students=20)
    publish, seen = SnapshotStore.publish, []

    def slow(store: SnapshotStore, copies: Any) -> None:
        seen.append(world.item("students").published.change)
        publish(store, copies)
        world.advance(seconds=45)  # copying takes its time

    began = world.clock
    world.ask("students")
    with mock.patch.object(SnapshotStore, "publish", slow):
        world.deliver()
    assert seen == [""]
    assert Change.read(world.item("students").published.change).at == began + timedelta(seconds=45)


def test_a_write_that_is_repeated_is_stamped_anew(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = dataset_table(cloud)
    table.add_demand(ESTAB, "students", NOW)
    held = lease(table, ESTAB, "students", NOW)
    assert held
    table.add_demand(ESTAB, "students", NOW)  # the write that releases the lease is refused once
    ticks = iter([100.0, 112.0])
    monkeypatch.setattr(repository, "monotonic", lambda: next(ticks))
    saved = table.save(with_facts(held.released(), sequence=1, manifest={}), NOW)
    assert Change.read(saved.published.change).at == NOW + timedelta(seconds=12)


def test_a_dataset_of_an_earlier_version_enters_with_its_next_write(
    cloud: Cloud, xporter: Xporter
) -> None:
    world = World(in_moto(cloud), xporter, students=20)
    world.ask("students")
    world.deliver()
    cloud.client("dynamodb").update_item(
        TableName=cloud.ref("DatasetsTable"),
        Key={"estab": {"S": ESTAB}, "dataset": {"S": "students"}},
        UpdateExpression="REMOVE #c, change_shard",
        ExpressionAttributeNames={"#c": "change"},
    )
    assert told(cloud, world.clock) == []
    world.advance(hours=1)
    world.ask("students")
    world.deliver()
    assert told(cloud, world.clock) == [("committed", "students", 1)]


# ---------------------------------------------------------------------- erasures


def test_an_erased_dataset_is_a_change(cloud: Cloud) -> None:
    stored_everything(cloud, datasets=("students",))
    erase(EraseDataset(ESTAB, "students", "objection"), deps(cloud))
    assert told(cloud) == [("dataset_erased", "students", 2)]


def test_the_erasure_of_a_person_is_a_change_of_each_dataset_that_held_the_person(
    school_with_people: Cloud,  # noqa: F811
    xporter: Xporter,
) -> None:
    before = {each.dataset: each.sequence or 0 for each in changes(school_with_people)}
    assert set(DATASETS) <= set(before)
    pupil = xporter.truth("Students")[3]["Id"]
    answer = CompanyApi(school_with_people).post(
        f"{SCHOOL}/erased-people", {"kind": "pupil", "id": pupil}
    )
    assert answer.status == 202
    school_with_people.settle("ErasureQueue")
    after = {each.dataset: each.sequence or 0 for each in changes(school_with_people)}
    assert after["students"] == before["students"] + 1
    assert after["staff"] == before["staff"]
    assert pupil not in str(changes(school_with_people))


def test_an_erased_school_is_a_change_and_stays_one(cloud: Cloud) -> None:
    published(cloud, "students", NOW, estab=OTHER_ESTAB)
    stored_everything(cloud)
    assert CompanyApi(cloud).delete(SCHOOL).status == 202
    cloud.deliver("ErasureQueue")
    erased = changes(cloud)[-1]
    assert (erased.estab, erased.kind, erased.dataset) == (ESTAB, "school_erased", None)
    erase_now(cloud, {"estab": ESTAB})  # the message of a quarter of an hour later
    assert changes(cloud)[-1] == erased
    # The school comes back: a follower forgets first, and then reads what is new.
    stored_school(cloud, state=SchoolState.LIVE)
    published(cloud, "students", datetime.now(UTC))
    found = [(each.kind, each.sequence) for each in changes(cloud) if each.estab == ESTAB]
    assert found == [("school_erased", None), ("committed", 1)]


def test_nobody_is_told_of_the_end_of_a_school_that_nobody_knew(cloud: Cloud) -> None:
    stored_school(cloud, state=SchoolState.INVITED)
    assert CompanyApi(cloud).delete(SCHOOL).status == 202
    cloud.deliver("ErasureQueue")
    assert dataset_table(cloud)._items.get(ESTAB, ERASED_SCHOOL) is None


# ---------------------------------------------------------------------- the call


@contextmanager
def without_margin() -> Iterator[None]:
    with mock.patch.object(change_feed, "SAFETY_MARGIN", timedelta(minutes=-1)):
        yield


def test_the_call_is_paged_over_all_schools_and_its_cursor_can_be_stored(cloud: Cloud) -> None:
    api, moment = CompanyApi(cloud), datetime.now(UTC) - timedelta(hours=1)
    for number in range(9):
        estab = ESTAB if number % 2 else OTHER_ESTAB
        published(cloud, f"d{number}", moment + timedelta(minutes=number), estab=estab)
    found, after, more = [], "", True
    while more:
        page = api.get(f"/v1/changes?limit=4{after and f'&after={after}'}").document
        found += [each["dataset"] for each in page["changes"]]
        after, more = page["cursor"], page["more"]
    assert found == [f"d{number}" for number in range(9)]
    assert api.get(f"/v1/changes?after={after}").document["changes"] == []
    published(cloud, "d0", datetime.now(UTC), sequence=2, estab=OTHER_ESTAB)
    assert api.get(f"/v1/changes?after={after}").document["changes"] == [], "it is too young"
    with without_margin():
        [change] = api.get(f"/v1/changes?after={after}").document["changes"]
    assert (change["estab"], change["dataset"], change["sequence"]) == (OTHER_ESTAB, "d0", 2)


@pytest.mark.parametrize(
    "query", ["after=x", "after=", "after=%3Cb%3E", "limit=0", "limit=1001", "since=1"]
)
def test_a_wrong_cursor_limit_or_parameter_is_400(cloud: Cloud, query: str) -> None:
    answer = CompanyApi(cloud).get(f"/v1/changes?{query}")
    assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")
    assert "<b>" not in answer.text


def test_while_the_index_is_being_made_the_answer_is_503_and_says_so(cloud: Cloud) -> None:
    dynamodb = client("dynamodb")
    query = dynamodb.query

    def answer(**arguments: Any) -> Any:
        if arguments.get("IndexName") == "by_change":
            error = {"Error": {"Code": "ValidationException", "Message": "backfilling"}}
            raise ClientError(error, "Query")
        return query(**arguments)

    with mock.patch.object(dynamodb, "query", answer):
        reply = CompanyApi(cloud).get("/v1/changes")
    assert reply.status == 503
    assert "index" in reply.document["detail"]
    assert reply.headers["retry-after"]


def test_a_version_that_knows_no_changes_is_caught_up_with(cloud: Cloud) -> None:
    """An earlier version, rolled back to, commits without a stamp: the next write makes up."""
    published(cloud, "students", NOW)
    table = dataset_table(cloud)
    cloud.client("dynamodb").update_item(
        TableName=cloud.ref("DatasetsTable"),
        Key={"estab": {"S": ESTAB}, "dataset": {"S": "students"}},
        UpdateExpression="SET #s = :two, manifest = :made",
        ExpressionAttributeNames={"#s": "sequence"},
        ExpressionAttributeValues={
            ":two": {"N": "2"},
            ":made": {"S": _manifest_text(table.get(ESTAB, "students"), 2)},
        },
    )
    assert told(cloud) == [("committed", "students", 1)]
    table.add_demand(ESTAB, "students", NOW)
    held = lease(table, ESTAB, "students", NOW + timedelta(hours=1))
    assert held
    table.save(with_facts(held.released(), served=2), NOW + timedelta(hours=1))
    assert told(cloud) == [("committed", "students", 2)]


def _manifest_text(item: Any, sequence: int) -> str:
    made = replace(item.published.manifest, sequence=sequence)
    return str(repository.text(made.document()))
