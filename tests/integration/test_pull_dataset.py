"""Pulling one dataset of one school, from a simulated Xporter over HTTP."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest

from tests.support.builders import ESTAB, records
from tests.support.fakes import Mishap
from tests.support.moto_cloud import Cloud
from tests.support.pull_world import DATA, STAGING, World, configure, in_memory, in_moto, verify
from tests.support.records import lease, with_facts
from tests.support.xporter import Xporter
from xporter_bridge.aws.dynamodb import WATCH_SHARDS
from xporter_bridge.datasets.config import configured
from xporter_bridge.datasets.hold_limits import HoldLimits
from xporter_bridge.datasets.model import Dataset
from xporter_bridge.errors import TransientError
from xporter_bridge.ingestion import fetch as fetching
from xporter_bridge.ingestion.run import PullRun
from xporter_bridge.pulls import model as pulls
from xporter_bridge.pulls.attention import of_datasets
from xporter_bridge.pulls.breaker import FleetBreaker
from xporter_bridge.pulls.model import LEASE, start_or_resume
from xporter_bridge.pulls.record import DatasetRecord, DatasetState
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.snapshots.layout import DatasetLayout
from xporter_bridge.snapshots.store import SnapshotStore

STUDENTS = "students"
TABLE = "Students"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xporter_bridge.xporter.client._QUICK_RETRY_SECONDS", 0)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many pages from few rows."""
    monkeypatch.setattr(fetching, "PAGE_SIZE", 10)


@pytest.fixture
def world(xporter: Xporter) -> World:
    """A school that is live, with its pupils not pulled yet."""
    return World(in_memory(), xporter, students=30)


def pulled(world: World, *datasets: str) -> World:
    world.ask(*datasets or (STUDENTS,))
    world.settle()
    return world


def set_dataset(world: World, **facts: Any) -> Dataset:
    """Configure the pupils' dataset otherwise."""
    changed = replace(configured()[STUDENTS], **facts)
    configure(world.aws.datasets, changed)
    return changed


def changed_ids(world: World, sequence: int, kind: str, table: str = TABLE) -> set[str]:
    key = DatasetLayout(ESTAB, STUDENTS).change(table, sequence, kind)
    return {row["Id"] for row in world.rows(key)}


def pages_asked(world: World) -> Counter[int]:
    found = [parse_qs(query) for query in world.pages_asked()]
    return Counter(int(each["page"][0]) for each in found if "page" in each)


def asked_for_students(world: World) -> list[str]:
    """Return the queries for pupils that were made; each pull of a small school makes one."""
    return [query for query in world.pages_asked() if "SiblingsResultset" in query]


# ---------------------------------------------------------------------- the truth


def test_the_real_handler_pulls_every_default_dataset_and_then_what_changed(
    connected: Cloud, xporter: Xporter
) -> None:
    world = World(in_moto(connected), xporter, students=40)
    world.clock = datetime.now(UTC)
    world.ask(*configured())

    def deliver() -> None:
        event = records(*world.sqs.take())
        reply = connected.invoke("pull_dataset", event)
        assert reply == {"batchItemFailures": []}

    deliver()
    verify(world)
    world.clock = datetime.now(UTC)
    ids = world.change(rows=3, inserts=2, deletes=1)
    world.ask(*configured())
    deliver()
    verify(world)
    assert changed_ids(world, 2, "deletes") == set(ids[TABLE]["deleted"])
    kinds = Counter(event["type"] for event in connected.events())
    assert kinds == {
        "dataset.changed": 8 + sum(world.item(n).published.sequence == 2 for n in configured())
    }


def test_the_change_files_hold_exactly_what_changed(world: World) -> None:
    pulled(world)
    ids = world.change(rows=3, inserts=2, deletes=1)
    pulled(world)
    verify(world, STUDENTS)
    for table in (TABLE, "StudentSiblings"):
        came, gone = (changed_ids(world, 2, kind, table) for kind in ("upserts", "deletes"))
        expected = ids.get(table, {"updated": [], "inserted": [], "deleted": []})
        assert came == {*expected["updated"], *expected["inserted"]}
        assert gone == set(expected["deleted"])


def test_nothing_new_makes_no_sequence(world: World) -> None:
    pulled(world)
    before = world.item(STUDENTS)
    world.advance(hours=1)
    pulled(world)
    after = world.item(STUDENTS)
    assert (after.published.sequence, after.progress.served) == (1, 2)
    assert before.published.checked_at
    assert after.published.checked_at
    assert after.published.checked_at > before.published.checked_at
    verify(world, STUDENTS)


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("deleted_paging", ["every_page", "first_page", "sliced"])
def test_deletions_are_found_however_they_are_paged(world: World, deleted_paging: str) -> None:
    world.xporter.control("PUT", "application", {"deleted_paging": deleted_paging})
    pulled(world)
    ids = world.change(rows=12, deletes=15, inserts=3)
    pulled(world)
    verify(world, STUDENTS)
    assert changed_ids(world, 2, "deletes") == set(ids[TABLE]["deleted"])


@pytest.mark.parametrize("unknown_hash", ["error", "restart"])
def test_an_unknown_hash_is_answered_by_the_difference_and_not_by_blind_deletions(
    world: World, unknown_hash: str
) -> None:
    world.xporter.control("PUT", "application", {"unknown_hash": unknown_hash})
    pulled(world)
    ids = world.change(rows=2, inserts=2, deletes=3)
    world.xporter.control("POST", f"schools/{ESTAB}/forget-hashes")
    pulled(world)
    verify(world, STUDENTS)
    assert changed_ids(world, 2, "deletes") == set(ids[TABLE]["deleted"])
    assert changed_ids(world, 2, "upserts") == {*ids[TABLE]["updated"], *ids[TABLE]["inserted"]}
    assert world.latest(STUDENTS)["requested_changed_rows"] == "*"
    world.change(rows=1)
    pulled(world)
    assert world.latest(STUDENTS)["requested_changed_rows"] != "*"


# ---------------------------------------------------------------------- trouble at Xporter


@pytest.mark.usefixtures("small_pages")
def test_a_pull_under_which_the_school_moves_starts_over(world: World) -> None:
    world.xporter.set_faults({"kind": "page_drift", "count": 2})
    pulled(world)
    assert pages_asked(world)[1] > 1
    verify(world, STUDENTS)


@pytest.mark.usefixtures("small_pages")
def test_a_school_that_never_stands_still_is_left_alone_for_a_while(world: World) -> None:
    world.xporter.set_faults({"kind": "page_drift"})
    world.ask(STUDENTS)
    world.deliver()
    item = world.item(STUDENTS)
    assert (item.reason, item.progress.failures, item.published.sequence) == (
        "pages_kept_moving",
        1,
        0,
    )
    assert pages_asked(world)[1] == pulls.MAX_RESTARTS
    world.xporter.set_faults()
    world.settle()
    verify(world, STUDENTS)
    assert world.item(STUDENTS).progress.failures == 0


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "rate_limited"},
        {"kind": "server_error", "status": 500},
        {"kind": "server_error", "status": 503},
        {"kind": "cut_json"},
        {"kind": "cut_connection"},
    ],
)
def test_trouble_on_the_way_costs_time_and_nothing_else(
    world: World, fault: Mapping[str, Any]
) -> None:
    world.xporter.set_faults({**fault, "path": "/school/", "skip": 1, "count": 9})
    pulled(world)
    verify(world, STUDENTS)


def test_xporter_says_when_to_come_back(world: World) -> None:
    world.xporter.set_faults({"kind": "rate_limited", "retry_after": 300, "path": "/school/"})
    world.ask(STUDENTS)
    world.deliver()
    item = world.item(STUDENTS)
    assert item.reason == "xporter_429"
    assert item.progress.retry_at
    assert item.progress.retry_at >= world.now() + timedelta(seconds=300)
    asked = len(world.pages_asked())
    world.advance(seconds=299)
    world.watch()
    world.deliver()
    assert len(world.pages_asked()) == asked
    world.xporter.set_faults()
    world.settle()
    verify(world, STUDENTS)


@pytest.mark.usefixtures("small_pages")
def test_a_token_that_expires_between_two_pages_is_renewed(xporter: Xporter) -> None:
    world = World(in_memory(), xporter, students=120)
    xporter.set_faults({"kind": "expired_token", "path": "/students", "skip": 1, "count": 1})
    tokens = world.xporter.paths().count("POST /api/oauth/gettoken")
    pulled(world)
    verify(world, STUDENTS)
    assert world.item(STUDENTS).state is DatasetState.CURRENT
    # The first, and one in place of the one that expired.
    assert world.xporter.paths().count("POST /api/oauth/gettoken") == tokens + 2


def test_a_school_that_pauses_keeps_what_it_had_and_is_not_asked(world: World) -> None:
    pulled(world)
    world.xporter.set_school(paused=True)
    world.xporter.set_faults({"kind": "expired_token", "count": 1})
    pulled(world)
    school, item = world.aws.schools.get(ESTAB), world.item(STUDENTS)
    assert school is not None
    assert school.state is SchoolState.PAUSED
    assert (item.is_due, item.published.sequence, item.reason) == (False, 1, "authorisation_paused")
    asked = len(world.xporter.requests())
    pulled(world)
    assert len(world.xporter.requests()) == asked
    world.xporter.set_school(paused=False)
    verify(world, STUDENTS)


def test_a_secret_that_is_refused_loses_nothing(world: World) -> None:
    pulled(world)
    world.xporter.set_school(revoked=True)
    world.xporter.set_faults({"kind": "expired_token", "count": 1})
    world.ask(STUDENTS)
    world.deliver()
    item = world.item(STUDENTS)
    assert (item.reason, item.is_due, item.published.sequence) == ("secret_refused", True, 1)
    world.xporter.set_school(revoked=False)
    world.change(rows=1)
    world.settle()
    verify(world, STUDENTS)


def test_what_xporter_refuses_is_visible_and_tried_again_by_itself(world: World) -> None:
    pulled(world)
    scopes = world.xporter.control("GET", f"schools/{ESTAB}")["scopes"]
    world.xporter.control("PUT", "application", {"live_token_scopes": True})
    world.xporter.set_school(scopes=["School"])
    pulled(world)
    item = world.item(STUDENTS)
    assert (item.state, item.reason) == (DatasetState.FAILED, "xporter_exception")
    assert (item.is_due, item.published.sequence) == (False, 1)
    world.xporter.set_school(scopes=scopes)
    world.change(rows=1)
    world.advance(minutes=70)
    world.watch()
    world.settle()
    verify(world, STUDENTS)
    assert world.item(STUDENTS).state is DatasetState.CURRENT


def test_a_fault_that_nobody_thought_of_slows_its_own_dataset_down(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr("xporter_bridge.ingestion.run.start_or_resume", broken)
        world.ask(STUDENTS)
        world.deliver()
    item = world.item(STUDENTS)
    assert (item.progress.failures, item.reason) == (1, "unexpected_fault")
    assert item.progress.retry_at
    assert item.lease.began_at
    assert item.progress.retry_at > item.lease.began_at
    assert not item.is_leased(world.now())
    world.settle()
    verify(world, STUDENTS)


def test_what_cannot_be_cleaned_up_does_not_make_a_pull_fail(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> None:
        raise TransientError("s3:DeleteObjects")

    monkeypatch.setattr(SnapshotStore, "delete_staged", refused)
    pulled(world)
    item = world.item(STUDENTS)
    assert (
        item.published.sequence,
        item.progress.failures,
        item.reason,
        item.progress.retry_at,
    ) == (1, 0, "", None)
    verify(world, STUDENTS, staged=True)


@pytest.mark.usefixtures("small_pages")
def test_pages_of_a_dataset_whose_scope_went_do_not_stay_staged(world: World) -> None:
    world.remaining_seconds = lambda: 0.0
    world.aws.datasets.add_demand(ESTAB, STUDENTS, world.now())
    world.pull(STUDENTS)
    assert world.staged()
    world.set_school(scopes=("School",))
    world.remaining_seconds = lambda: 600.0
    world.settle()
    assert world.item(STUDENTS).state is DatasetState.NOT_COVERED
    assert world.staged() == []


def test_a_stale_answer_is_stale_whatever_is_asked_for_meanwhile(world: World) -> None:
    said = {"reason": "deadline_passed"}
    world.aws.datasets.add_demand(ESTAB, STUDENTS, world.now(), staleness=said)
    item = lease(world.aws.datasets, ESTAB, STUDENTS, world.now())
    assert item
    under_way = start_or_resume(item, configured()[STUDENTS], "p1", world.now())
    item = world.aws.datasets.save(with_facts(item.released(), checkpoint=under_way), world.now())
    world.hear()
    world.settle()
    first = orjson.loads(world.aws.objects(DATA)[DatasetLayout(ESTAB, STUDENTS).manifest(1)])
    assert first["stale"]
    world.hear()
    world.settle()
    assert not world.latest(STUDENTS)["stale"]


def test_what_the_scopes_do_not_cover_is_not_asked_for(world: World) -> None:
    world.set_school(scopes=("School",))
    pulled(world)
    item = world.item(STUDENTS)
    assert (item.state, item.is_due) == (DatasetState.NOT_COVERED, False)
    assert "Student" in item.reason
    assert world.pages_asked() == []
    assert not item.lease.expires_at


# ---------------------------------------------------------------------- columns


def column(world: World, name: str) -> set[Any]:
    rows = world.rows(world.latest(STUDENTS)["tables"][TABLE]["snapshot_key"])
    return {row[name] for row in rows if name in row}


def test_a_column_that_comes_is_taken_and_one_that_goes_is_let_go(world: World) -> None:
    pulled(world)
    world.xporter.set_faults({"kind": "added_column", "column": "House2", "value": "red"})
    world.change(rows=30)
    pulled(world)
    # All rows differ, so somebody has to look first.
    assert world.item(STUDENTS).state is DatasetState.HELD
    assert world.item(STUDENTS).noticed.reported_columns["added"][0].endswith(".House2")
    decide(world, "approve")
    assert column(world, "House2") == {"red"}
    world.xporter.set_faults()
    world.change(rows=10)
    pulled(world)
    assert column(world, "House2") == {"red"}
    assert "House2" in world.item(STUDENTS).published.columns[TABLE]


def test_a_dataset_that_discards_leaves_new_columns_out(world: World) -> None:
    set_dataset(world, drift="discard")
    pulled(world)
    world.xporter.set_faults({"kind": "added_column", "column": "House2", "value": "red"})
    world.change(rows=5)
    pulled(world)
    assert world.item(STUDENTS).published.sequence == 2
    assert column(world, "House2") == set()
    world.xporter.set_faults()
    verify(world, STUDENTS)


def test_a_frozen_dataset_stops_until_somebody_has_looked(world: World) -> None:
    set_dataset(world, drift="freeze")
    pulled(world)
    world.xporter.set_faults({"kind": "added_column", "column": "House2", "value": "red"})
    world.change(rows=5)
    pulled(world)
    item = world.item(STUDENTS)
    reason = "column_added_to_frozen_dataset: Students.House2"
    assert (item.state, item.reason) == (DatasetState.FAILED, reason)
    assert item.published.sequence == 1
    world.xporter.set_faults()
    pulled(world)
    verify(world, STUDENTS)


def test_another_casing_of_a_key_is_kept_and_reported_once(world: World) -> None:
    pulled(world)
    world.xporter.set_faults({"kind": "key_casing"})
    world.change(rows=2)
    pulled(world)
    recased = world.item(STUDENTS).noticed.reported_columns["recased"]
    assert recased
    world.change(rows=2)
    pulled(world)
    assert world.item(STUDENTS).noticed.reported_columns["recased"] == recased
    world.xporter.set_faults()
    rows = world.rows(world.latest(STUDENTS)["tables"][TABLE]["snapshot_key"])
    assert len(rows) == len(world.xporter.truth(TABLE))


@pytest.mark.usefixtures("small_pages")
def test_a_sensitive_column_that_nobody_knows_is_never_written(world: World) -> None:
    canary = "canary-of-the-nurse"
    world.xporter.set_faults({"kind": "added_column", "column": "MedicalDiary", "value": canary})
    world.ask(STUDENTS)
    world.aws.calls.plan(20, Mishap.KILLED_BEFORE)
    world.deliver()
    assert world.staged()
    world.aws.calls.plan(None)
    assert canary.encode() not in everything(world, STAGING)
    world.settle()
    assert canary.encode() not in everything(world, DATA)
    assert f"{TABLE}.MedicalDiary" in world.item(STUDENTS).noticed.reported_columns["withheld"]


def everything(world: World, bucket: str) -> bytes:
    """Return all that lies in the bucket, pages unpacked too."""
    found = []
    for body in world.aws.objects(bucket).values():
        start = body.find(b"\x1f\x8b")
        while start >= 0:
            try:
                found.append(gzip.decompress(body[start:]))
            except (OSError, EOFError):
                found.append(b"")
            start = body.find(b"\x1f\x8b", start + 1)
        found.append(body)
    return b"".join(found)


def test_fields_left_out_later_vanish_by_the_next_pull(world: World) -> None:
    pulled(world)
    assert column(world, "Forename")
    dataset = set_dataset(
        world,
        leave_out={"students": frozenset({"forename"})},
        limits=HoldLimits(max_updated_percent=100),
    )
    pulled(world)
    assert column(world, "Forename") == set()
    assert world.latest(STUDENTS)["requested_changed_rows"] == "*"
    assert world.item(STUDENTS).chain.fingerprint == dataset.fingerprint


# ---------------------------------------------------------------------- holds


def lease_for(world: World, item: DatasetRecord) -> DatasetRecord:
    leased = world.aws.datasets.lease_to_erase(item, world.now())
    assert leased
    return leased


def decide(world: World, decision: str) -> None:
    world.aws.datasets.decide(ESTAB, STUDENTS, decision, world.now())
    world.queue.send({"estab": ESTAB, "dataset": STUDENTS})
    world.settle()


@pytest.fixture
def held(xporter: Xporter) -> World:
    """A school of which thirty percent of the pupils have gone."""
    world = pulled(World(in_memory(), xporter, students=100))
    world.change(deletes=30)
    return pulled(world)


def test_a_change_that_deletes_thirty_percent_is_held_every_time(held: World) -> None:
    for _ in range(3):
        item = held.item(STUDENTS)
        assert (item.state, item.published.sequence) == (DatasetState.HELD, 1)
        assert "30 of 100 rows deleted" in item.reason
        assert held.latest(STUDENTS)["sequence"] == 1
        held.advance(hours=24)
        pulled(held)
    assert [e["type"] for e in held.aws.events()].count("dataset.held") == 1
    assert held.item(STUDENTS).hold
    assert {key.split("/")[3] for key in held.staged()} == {held.item(STUDENTS).hold_id}


def test_approval_applies_what_was_held(held: World) -> None:
    decide(held, "approve")
    verify(held, STUDENTS)
    assert held.item(STUDENTS).published.sequence == 2
    assert len(changed_ids(held, 2, "deletes")) == 30


def test_rejection_applies_nothing_and_the_next_pull_is_held_again(held: World) -> None:
    decide(held, "reject")
    item = held.item(STUDENTS)
    assert (item.state, item.reason, item.published.sequence) == (
        DatasetState.CURRENT,
        "hold_rejected",
        1,
    )
    assert held.staged() == []
    pulled(held)
    assert held.item(STUDENTS).state is DatasetState.HELD


def test_what_was_held_under_another_configuration_is_dropped_and_pulled_anew(held: World) -> None:
    set_dataset(held, leave_out={"students": frozenset({"quicknote"})})
    held.aws.datasets.decide(ESTAB, STUDENTS, "approve", held.now())
    held.queue.send({"estab": ESTAB, "dataset": STUDENTS})
    held.settle()
    assert held.item(STUDENTS).progress.served == held.item(STUDENTS).demand.requested
    assert held.latest(STUDENTS)["sequence"] == 1
    # Thirty percent are gone still, so that is held, without what must not be stored.
    assert held.item(STUDENTS).hold
    assert b"QuickNote" not in everything(held, STAGING)


def test_a_normal_pull_releases_what_was_held(xporter: Xporter) -> None:
    world = pulled(World(in_memory(), xporter, students=100))
    place = f"schools/{ESTAB}"
    scopes = xporter.control("GET", place)["scopes"]
    world.change(deletes=30)
    pulled(world)
    assert world.item(STUDENTS).hold
    # The pupils are back: as after an export that had failed half-way.
    xporter.school(students=100)
    xporter.set_school(scopes=scopes)
    world.token = world._token(xporter.control("GET", place)["secret"])
    pulled(world)
    item = world.item(STUDENTS)
    assert (item.state, item.hold) == (DatasetState.CURRENT, None)
    verify(world, STUDENTS)


def test_a_hold_that_nobody_decides_expires_however_often_it_is_pulled(held: World) -> None:
    first = held.item(STUDENTS).hold
    for _ in range(6):
        held.advance(days=1)
        pulled(held)
    again = held.item(STUDENTS).hold
    assert first is not None
    assert again is not None
    assert (again.since, again.expires_at) == (first.since, first.expires_at)
    held.advance(days=1, minutes=1)
    held.watch()
    held.deliver()
    item = held.item(STUDENTS)
    assert item.hold
    assert item.hold.pull_id != again.pull_id
    assert item.published.sequence == 1
    assert {key.split("/")[3] for key in held.staged()} == {item.hold_id}


def test_a_mass_objection_is_held_again_until_a_person_decides(held: World) -> None:
    first = held.item(STUDENTS).hold
    assert first
    held.aws.events()
    for _ in range(5):
        held.advance(days=7, minutes=1)
        held.watch()
        held.deliver()
        again = held.item(STUDENTS).hold
        assert again, "forgotten"
        assert (again.since, again.expires_at) == (first.since, held.now() + timedelta(days=7))
        assert [e["type"] for e in held.aws.events()] == ["dataset.held"]
    decide(held, "approve")
    verify(held, STUDENTS)
    assert len(changed_ids(held, 2, "deletes")) == 30
    assert held.item(STUDENTS).held_since is None


def test_while_xporter_fails_an_expired_hold_is_not_forgotten(held: World) -> None:
    first = held.item(STUDENTS).hold
    assert first
    held.xporter.set_faults({"kind": "server_error", "path": "/school/"})
    held.advance(days=7, minutes=1)
    held.watch()
    held.deliver()
    item = held.item(STUDENTS)
    assert (item.hold, item.held_since, item.is_due) == (None, first.since, True)
    told = of_datasets([item], held.aws.datasets.config, None, held.now())
    assert ("nobody decided" in told[0].says, told[0].since) == (True, first.since)
    held.xporter.set_faults()
    held.advance(hours=1)
    held.watch()
    held.deliver()
    again = held.item(STUDENTS).hold
    assert again
    assert again.since == first.since


def test_a_change_set_without_news_does_not_end_an_objection(held: World) -> None:
    item = held.item(STUDENTS)
    assert item.hold
    # As after a glitch of Xporter's: nothing has changed since the hash of what is held.
    following = item.hold.manifest.next_changed_rows
    leased = lease_for(held, item)
    chain = replace(leased.chain, next_changed_rows=following)
    held.aws.datasets.save(replace(leased.released(), chain=chain), held.now())
    held.advance(hours=1)
    pulled(held)
    again = held.item(STUDENTS).hold
    assert again
    assert again.pull_id != item.hold_id
    assert again.since == item.hold.since


def test_a_larger_objection_has_the_age_of_the_first(held: World) -> None:
    first = held.item(STUDENTS).hold
    assert first
    held.advance(days=3)
    held.change(deletes=10)
    pulled(held)
    second = held.item(STUDENTS).hold
    assert second
    assert second.since == first.since
    assert second.expires_at > first.expires_at
    decide(held, "reject")
    assert held.item(STUDENTS).held_since is None


def test_a_decision_is_not_carried_out_on_another_change_set(held: World) -> None:
    first = held.item(STUDENTS)
    held.aws.datasets.decide(ESTAB, STUDENTS, "approve", held.now())
    held.change(deletes=40)
    # The holder that was at work when the decision came holds the next change set.
    leased = lease(held.aws.datasets, ESTAB, STUDENTS, held.now())
    assert leased is not None
    assert leased.hold is not None
    other = replace(leased.hold, manifest=replace(leased.hold.manifest, pull_id="another"))
    held.aws.datasets.save(replace(leased.released(), hold=other), held.now())
    held.queue.send({"estab": ESTAB, "dataset": STUDENTS})
    held.settle()
    item = held.item(STUDENTS)
    assert (item.published.sequence, item.demand.decision, item.hold_id) == (1, "", "another")
    assert first.hold_id != "another"


def test_at_the_roll_over_nothing_is_held(xporter: Xporter) -> None:
    world = World(in_memory(), xporter, students=140, phase="Secondary")
    world.clock = datetime(2026, 9, 1, 3, tzinfo=UTC)
    pulled(world)
    xporter.control("POST", f"schools/{ESTAB}/roll-over")
    pulled(world)
    assert world.item(STUDENTS).published.sequence == 2
    assert len(changed_ids(world, 2, "deletes")) > 14
    verify(world, STUDENTS)


# ---------------------------------------------------------------------- baseline and silence


def test_the_weekly_baseline_finds_what_drifted_alarms_and_mends_it(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    pulled(world)
    world.lose_a_row(STUDENTS, TABLE)
    world.advance(days=8, hours=1)
    world.watch()
    world.settle()
    item = world.item(STUDENTS)
    assert item.published.sequence == 2
    assert item.chain.baseline_at
    assert item.chain.baseline_at > world.now() + timedelta(days=6)
    said = [
        orjson.loads(line) for line in capsys.readouterr().out.splitlines() if "BaselineD" in line
    ]
    assert len(said) == 1
    rows = world.rows(world.latest(STUDENTS)["tables"][TABLE]["snapshot_key"])
    assert len(rows) == len(world.xporter.truth(TABLE))


def test_a_baseline_of_an_unchanged_school_makes_no_sequence(world: World) -> None:
    pulled(world)
    world.advance(days=8, hours=1)
    world.watch()
    world.settle()
    item = world.item(STUDENTS)
    assert (item.published.sequence, item.demand.requested) == (1, 2)
    assert world.pages_asked()[-1].count("changedRows=%2A") == 1


def test_a_held_baseline_is_not_pulled_again_every_minute(held: World) -> None:
    held.advance(days=8, hours=1)
    held.watch()
    held.settle(minutes=3)
    asked = len(held.pages_asked())
    for _ in range(5):
        held.advance(minutes=1)
        held.watch()
        held.deliver()
    assert len(held.pages_asked()) == asked


def test_a_callback_that_was_lost_is_made_up_for(world: World) -> None:
    pulled(world)
    world.change(rows=1, inserts=1)
    world.advance(hours=28)
    world.watch()
    world.settle()
    verify(world, STUDENTS)


# ---------------------------------------------------------------------- resuming


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("at", [14, 20, 30])
def test_a_pull_that_was_killed_fetches_again_at_most_what_was_in_flight(
    xporter: Xporter, at: int
) -> None:
    world = World(in_memory(), xporter, students=250)
    world.ask(STUDENTS)
    world.aws.calls.plan(at, Mishap.KILLED_BEFORE)
    world.deliver()
    world.aws.calls.plan(None)
    ticked_off = len(world.staged())
    assert ticked_off > 1
    before = pages_asked(world)
    world.settle()
    again = pages_asked(world) - before
    # Page 1 is asked once more, to prove that nothing moved meanwhile.
    assert again.total() <= 25 - ticked_off + 1
    assert before.total() - ticked_off <= fetching.CONCURRENT_PAGES
    verify(world, STUDENTS, staged=True)


@pytest.mark.usefixtures("small_pages")
def test_a_pull_longer_than_an_invocation_goes_on_in_the_next(xporter: Xporter) -> None:
    world = World(in_memory(), xporter, students=250)
    world.ask(STUDENTS)
    # Out of time for a page, for another dataset, and for another look.
    left = iter([*[1.0] * 5, *[0.0] * 3, *[1.0] * 5, *[0.0] * 3])
    world.remaining_seconds = lambda: next(left, 600.0)
    assert world.deliver() > 1
    asked = pages_asked(world)
    assert all(asked[page] == 1 for page in range(2, 26))
    verify(world, STUDENTS)
    assert world.item(STUDENTS).published.sequence == 1


@pytest.mark.usefixtures("small_pages")
def test_a_pull_resumed_when_the_school_has_changed_starts_over(xporter: Xporter) -> None:
    world = World(in_memory(), xporter, students=60)
    world.ask(STUDENTS)
    world.aws.calls.plan(12, Mishap.KILLED_BEFORE)
    world.deliver()
    world.aws.calls.plan(None)
    world.change(rows=3, inserts=1, deletes=1)
    world.settle()
    verify(world, STUDENTS, staged=True)


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("drift", ["freeze", "discard"])
def test_columns_outlive_the_process_that_saw_them(xporter: Xporter, drift: str) -> None:
    world = World(in_memory(), xporter, students=30)
    set_dataset(world, drift=drift)
    world.ask(STUDENTS)
    # All pages are staged; who goes on fetches none of them.
    world.aws.calls.plan(14, Mishap.KILLED_BEFORE)
    world.deliver()
    world.aws.calls.plan(None)
    world.settle()
    world.change(rows=2)
    pulled(world)
    assert world.item(STUDENTS).published.sequence == 2
    verify(world, STUDENTS, staged=True)


# ---------------------------------------------------------------------- many at once


def test_thirty_callbacks_for_one_change_cause_at_most_two_pulls(world: World) -> None:
    pulled(world)
    world.advance(hours=1)
    before = len(asked_for_students(world))
    world.change(rows=1)
    world.hear(times=15)
    world.advance(seconds=1)
    world.deliver()
    world.hear(times=15)
    world.settle()
    assert len(asked_for_students(world)) - before <= 2
    verify(world, STUDENTS)


def test_a_callback_that_came_before_a_pull_began_is_served_by_it(world: World) -> None:
    pulled(world)
    heard_at = world.now()
    world.advance(seconds=5)
    pulled(world)
    assert not world.aws.datasets.add_demand_since(ESTAB, STUDENTS, heard_at, world.now())
    assert world.aws.datasets.add_demand_since(ESTAB, STUDENTS, world.now(), world.now())


def test_carrying_out_a_decision_does_not_count_as_a_pull(held: World) -> None:
    heard_at = held.now()
    held.advance(seconds=5)
    decide(held, "reject")
    assert held.aws.datasets.add_demand_since(ESTAB, STUDENTS, heard_at, held.now())


def test_what_is_asked_for_during_a_pull_causes_one_more(world: World) -> None:
    world.ask(STUDENTS)
    world.aws.calls.meanwhile = lambda: [world.hear() for _ in range(5)]
    world.aws.calls.plan(9, Mishap.STALLED)
    world.deliver()
    item = world.item(STUDENTS)
    assert item.demand.requested == item.progress.served == 6
    assert len(asked_for_students(world)) == 2


def test_letting_go_does_not_put_off_what_was_asked_or_decided_meanwhile(held: World) -> None:
    table, name = held.aws.datasets, "contacts"
    for dataset, meanwhile in (
        (STUDENTS, lambda: table.decide(ESTAB, STUDENTS, "reject", held.now())),
        (name, lambda: table.add_demand(ESTAB, name, held.now())),
    ):
        table.add_demand(ESTAB, dataset, held.now())
        leased = lease(table, ESTAB, dataset, held.now())
        assert leased is not None
        meanwhile()
        served = with_facts(leased.released(), served=leased.demand.requested)
        table.save(served, held.now())
        # Here the process dies, and its message with it.
        soon = held.now() + timedelta(minutes=3)
        assert dataset in {each for _, each, _ in table.due(soon, WATCH_SHARDS)}


def test_no_more_than_four_datasets_of_a_school_are_pulled_at_a_time(world: World) -> None:
    slots = world.aws.datasets.slots
    taken = [slots.take(ESTAB, world.now(), slow_places=2) for _ in range(4)]
    world.ask(STUDENTS)
    assert world.deliver() == 1
    item = world.item(STUDENTS)
    assert (item.is_due, item.lease.expires_at, world.pages_asked()) == (True, None, [])
    assert taken[0] is not None
    slots.release(taken[0])
    world.pull(STUDENTS)  # as the message of any dataset of the school would
    verify(world, STUDENTS)


def test_a_message_that_finds_no_slot_writes_nothing_and_the_holder_pulls_its_dataset(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    slots, waiting = world.aws.datasets.slots, "staff"
    world.ask(STUDENTS)
    others = [slots.take(ESTAB, world.now(), slow_places=2) for _ in range(3)]
    run = PullRun.run

    def meanwhile(self: PullRun) -> None:
        monkeypatch.setattr(PullRun, "run", run)
        world.ask(waiting)
        before = world.item(waiting)
        world.pull(waiting)
        assert world.item(waiting) == before
        world.sqs.messages.clear()  # the message found no slot, and is gone
        run(self)

    monkeypatch.setattr(PullRun, "run", meanwhile)
    world.deliver()
    assert all(others)
    verify(world, STUDENTS, waiting)


def test_a_school_that_does_not_answer_in_time_has_one_slot_after_a_growing_back_off(
    world: World,
) -> None:
    slots = world.aws.datasets.slots
    first = slots.take(ESTAB, world.now(), slow_places=2)
    assert first
    slots.note_timeout(first, world.now())
    slots.release(first)
    assert slots.take(ESTAB, world.now(), slow_places=2) is None
    world.advance(seconds=6)
    second = slots.take(ESTAB, world.now(), slow_places=2)
    assert second
    assert (second.number, second.timeouts) == (0, 1)
    assert slots.take(ESTAB, world.now(), slow_places=2) is None
    slots.note_timeout(second, world.now())
    slots.release(second)
    world.advance(seconds=6)
    assert slots.take(ESTAB, world.now(), slow_places=2) is None
    world.advance(seconds=6)
    third = slots.take(ESTAB, world.now(), slow_places=2)
    assert third
    slots.note_answer(third)
    assert slots.take(ESTAB, world.now(), slow_places=2)


def test_schools_that_do_not_answer_in_time_share_a_few_places(world: World) -> None:
    slots, estabs = world.aws.datasets.slots, [f"328110{number}" for number in range(6)]
    for estab in estabs:
        if slot := slots.take(estab, world.now(), slow_places=2):
            slots.note_timeout(slot, world.now())
            slots.release(slot)
    world.advance(seconds=6)
    found = [slots.take(estab, world.now(), slow_places=2) for estab in estabs]
    taken = [slot for slot in found if slot]
    assert {slot.slow_place for slot in taken} == {0, 1}
    assert len(taken) == 2
    slots.release(slots.note_answer(slots.renew(taken[0], world.now())))
    waiting = next(estab for estab, slot in zip(estabs, found, strict=True) if slot is None)
    assert slots.take(waiting, world.now(), slow_places=2), (
        "a school that found no place has a slot"
    )


def test_a_school_that_fails_is_left_alone_although_its_back_off_ends_during_the_visit(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ask(STUDENTS, "staff", "groups")
    world.xporter.set_faults({"kind": "server_error", "path": "/school/"})
    run = PullRun.run
    # Each attempt takes longer than the first back-off.
    monkeypatch.setattr(PullRun, "run", lambda self: (run(self), world.advance(seconds=20))[0])
    world.pull(STUDENTS)
    failures = [world.item(name).progress.failures for name in (STUDENTS, "staff", "groups")]
    assert failures == [1, 1, 1]


def test_a_probe_that_asks_xporter_nothing_does_not_end_an_outage(world: World) -> None:
    breaker = world.aws.datasets.breaker
    for number in range(40):
        breaker.note_failure(f"328{number:04d}", world.now())
    world.set_school(state=SchoolState.PAUSED)
    world.ask(STUDENTS)
    world.advance(minutes=1)
    world.deliver()
    assert world.aws.datasets._items.get("#fleet", "#breaker")["opened_at"]
    world.set_school(state=SchoolState.LIVE)
    world.ask(STUDENTS)
    world.advance(minutes=1)
    world.deliver()
    assert "opened_at" not in world.aws.datasets._items.get("#fleet", "#breaker")
    verify(world, STUDENTS)


def test_a_probe_in_an_outage_ends_with_its_first_failure(world: World) -> None:
    breaker = world.aws.datasets.breaker
    for number in range(40):
        breaker.note_failure(f"328{number:04d}", world.now())
    world.ask(STUDENTS, "staff", "groups")
    world.xporter.set_faults({"kind": "server_error", "path": "/school/"})
    world.advance(minutes=1)
    world.pull(STUDENTS)
    failures = [world.item(name).progress.failures for name in (STUDENTS, "staff", "groups")]
    assert failures == [1, 0, 0]


def test_of_many_datasets_that_are_due_all_are_pulled_though_few_may_be_at_a_time(
    world: World,
) -> None:
    slots = world.aws.datasets.slots
    (first, *_) = [slots.take(ESTAB, world.now(), slow_places=2) for _ in range(4)]
    world.ask(STUDENTS, "staff", "groups")
    assert world.deliver() == 3
    assert first is not None
    slots.release(first)
    world.settle()
    verify(world, STUDENTS, "staff", "groups")


def test_a_place_of_a_dead_holder_frees_itself_and_a_late_one_takes_nothing_away(
    world: World,
) -> None:
    slots = world.aws.datasets.slots
    late, *_ = [slots.take(ESTAB, world.now(), slow_places=2) for _ in range(4)]
    world.advance(seconds=LEASE.total_seconds())
    assert late is not None
    assert all(slots.take(ESTAB, world.now(), slow_places=2) for _ in range(4))
    slots.release(late)
    assert slots.renew(late, world.now()) == late
    assert slots.take(ESTAB, world.now(), slow_places=2) is None


@pytest.mark.parametrize("is_known", [False, True])
def test_the_failure_of_a_school_that_is_known_as_slow_says_nothing_of_xporter(
    world: World, monkeypatch: pytest.MonkeyPatch, *, is_known: bool
) -> None:
    slots, counted = world.aws.datasets.slots, list[str]()
    if is_known:
        slot = slots.take(ESTAB, world.now(), slow_places=2)
        assert slot
        slots.note_timeout(slot, world.now())
        slots.release(slot)
        world.advance(seconds=10)

    def fail(run: PullRun) -> None:
        run.has_answered, run.has_timed_out = False, True

    monkeypatch.setattr(PullRun, "run", fail)
    monkeypatch.setattr(FleetBreaker, "note_failure", lambda _, estab, __: counted.append(estab))
    world.ask(STUDENTS)
    world.deliver()
    assert counted == ([] if is_known else [ESTAB])
    assert slots.take(ESTAB, world.now(), slow_places=2) is None, "it backs off, known or not"
