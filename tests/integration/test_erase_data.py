"""Erasure: every version of everything, whatever is under way and wherever it crashes."""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest

from tests.support.builders import (
    ESTAB,
    FORM,
    NOW,
    OTHER_ESTAB,
    authentication_form,
    callback,
    dataset_table,
    records,
    school_table,
    stored_school,
    vault,
)
from tests.support.company_api import CompanyApi
from tests.support.moto_cloud import Cloud, refusing
from tests.support.records import lease, with_facts
from tests.support.template import ROOT
from tests.support.xporter import Xporter
from xporter_bridge.audit.trail import AuditTrail
from xporter_bridge.availability.model import AvailabilityRequest
from xporter_bridge.availability.repository import AvailabilityRepository
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.erasure.certificates import CertificateRepository
from xporter_bridge.erasure.dependencies import EraseDependencies
from xporter_bridge.erasure.erase import erase
from xporter_bridge.erasure.messages import LATE_LOOKS, read_erasure
from xporter_bridge.errors import ConflictError
from xporter_bridge.events.bus import EventBus
from xporter_bridge.operations.model import OperationKind, identity
from xporter_bridge.operations.repository import OperationRepository
from xporter_bridge.pulls.change import ERASED_SCHOOL
from xporter_bridge.pulls.model import LEASE
from xporter_bridge.pulls.record import DatasetRecord, DatasetState
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.snapshots.layout import DatasetLayout
from xporter_bridge.snapshots.store import SnapshotStore
from xporter_bridge.timestamps import iso

SCHOOL = f"/v1/schools/{ESTAB}"


def store(cloud: Cloud) -> SnapshotStore:
    return SnapshotStore(cloud.client("s3"), cloud.ref("DataBucket"), cloud.ref("StagingBucket"))


def operations(cloud: Cloud) -> OperationRepository:
    return OperationRepository(cloud.client("dynamodb"), cloud.ref("OperationsTable"))


def certificates(cloud: Cloud) -> CertificateRepository:
    return CertificateRepository(cloud.client("dynamodb"), cloud.ref("DatasetsTable"))


def versions(cloud: Cloud, estab: str = ESTAB) -> list[str]:
    """Return the key of every version and delete marker of the school in the data bucket."""
    listed = cloud.client("s3").list_object_versions(Bucket=cloud.ref("DataBucket"))
    entries = [*listed.get("Versions", []), *listed.get("DeleteMarkers", [])]
    return [entry["Key"] for entry in entries if f"estab={estab}/" in entry["Key"]]


def staged(cloud: Cloud, estab: str = ESTAB) -> list[str]:
    return [key for key in cloud.objects("StagingBucket") if f"estab={estab}/" in key]


def under(cloud: Cloud, table: str, estab: str = ESTAB) -> list[dict[str, Any]]:
    return [item for item in cloud.items(table) if item["estab"]["S"] == estab]


def stored_dataset(cloud: Cloud, estab: str = ESTAB, dataset: str = "students") -> DatasetRecord:
    """Store a dataset of one sequence with objects of several versions, and work in progress."""
    place, s3 = DatasetLayout(estab, dataset), cloud.client("s3")
    for key in (place.snapshot("T", 1), place.change("T", 1, "upserts"), place.latest):
        for body in (b"old", b"new"):
            s3.put_object(Bucket=cloud.ref("DataBucket"), Key=key, Body=body)
    s3.delete_object(Bucket=cloud.ref("DataBucket"), Key=place.change("T", 1, "upserts"))
    store(cloud).stage(f"staging/estab={estab}/dataset={dataset}/p2/page-000001", b"page")
    table = dataset_table(cloud)
    table.add_demand(estab, dataset, NOW)
    leased = lease(table, estab, dataset, NOW)
    assert leased
    manifest = {
        "sequence": 1,
        "pull_id": "p1",
        "stale": False,
        "next_changed_rows": "hash",
        "tables": {"T": {"rows": 1, "snapshot_key": place.snapshot("T", 1)}},
    }
    facts: dict[str, Any] = {
        "lease_expires_at": "",
        "served": 1,
        "state": DatasetState.CURRENT,
        "sequence": 1,
        "fingerprint": "f",
        "next_changed_rows": "hash",
        "manifest": manifest,
        "checked_at": iso(NOW),
        "as_of": iso(NOW),
        "columns": {"T": ["Id", "Surname"]},
    }
    return table.save(with_facts(leased, **facts), NOW)


def stored_everything(
    cloud: Cloud, estab: str = ESTAB, datasets: tuple[str, ...] = ("students", "contacts")
) -> None:
    """Store a school with something of each kind that is kept, whatever was there before."""
    forget(cloud, estab)
    stored_school(cloud, estab, name="Testing School", cause="first_data_committed")
    for dataset in datasets:
        stored_dataset(cloud, estab, dataset)
    pull = identity(OperationKind.PULL, estab, "x")
    AvailabilityRepository(cloud.client("dynamodb"), cloud.ref("OperationsTable")).add(
        AvailabilityRequest(estab=estab, id=pull, created_at=NOW, dataset="students")
    )


def forget(cloud: Cloud, estab: str) -> None:
    cloud.client("dynamodb").delete_item(
        TableName=cloud.ref("SchoolsTable"), Key={"estab": {"S": estab}}
    )
    dataset_table(cloud).delete_school(estab)
    operations(cloud).delete_school(estab)
    for kind in ("snapshots", "changes", "manifests"):
        store(cloud).erase(f"{kind}/estab={estab}/")


def erase_now(cloud: Cloud, *messages: dict[str, Any]) -> dict[str, Any]:
    cloud.take("ErasureQueue")
    reply: dict[str, Any] = cloud.invoke("erase_data", records(*messages))
    return reply


def left_of_datasets(cloud: Cloud) -> list[Any]:
    """Return what the table of datasets holds, but for the entry that the school was erased."""
    items = under(cloud, "DatasetsTable")
    erased = [each for each in items if each["dataset"]["S"] == ERASED_SCHOOL]
    # It holds when that was and of which school, and nothing else of the school.
    assert all(set(each) == {"estab", "dataset", "change", "change_shard"} for each in erased)
    return [each for each in items if each not in erased]


def messages_with_delay(cloud: Cloud, send: Callable[[], Any]) -> list[tuple[Any, int]]:
    """Return what is sent to queues while ``send`` runs, with its delay in seconds."""
    sent = []
    original = Queue.send

    def spy(self: Queue, message: Any, *, delay_seconds: int = 0) -> None:
        sent.append((dict(message), delay_seconds))
        original(self, message, delay_seconds=delay_seconds)

    with mock.patch.object(Queue, "send", spy):
        send()
    return sent


# ---------------------------------------------------------------------- a school


def test_nothing_of_an_erased_school_is_left_but_its_tombstone(cloud: Cloud) -> None:
    stored_everything(cloud)
    stored_everything(cloud, OTHER_ESTAB)
    others = (versions(cloud, OTHER_ESTAB), staged(cloud, OTHER_ESTAB))
    assert CompanyApi(cloud).delete(SCHOOL).status == 202
    cloud.deliver("ErasureQueue")
    assert versions(cloud) == []
    assert staged(cloud) == []
    assert left_of_datasets(cloud) == []
    assert under(cloud, "OperationsTable") == []
    [tombstone] = under(cloud, "SchoolsTable")
    kept = {"estab", "state", "state_since", "cause", "due_at", "version", "refusals", "pauses"}
    assert set(tombstone) <= kept | {"erased_key", "erased_secrets"}
    assert (tombstone["refusals"]["N"], tombstone["pauses"]["N"]) == ("0", "0")
    assert tombstone["state"]["S"] == "erased"
    [event] = cloud.events()
    assert (event["type"], event["data"]["estab"]) == ("school.erased", ESTAB)
    shown = CompanyApi(cloud).get(SCHOOL).document
    assert (shown["state"], shown["name"], shown["scopes"]) == ("erased", None, [])
    assert shown["datasets"] == []
    assert (versions(cloud, OTHER_ESTAB), staged(cloud, OTHER_ESTAB)) == others
    assert len(under(cloud, "DatasetsTable", OTHER_ESTAB)) == 2
    assert len(under(cloud, "OperationsTable", OTHER_ESTAB)) == 1


def test_dead_letters_of_an_erased_school_go_and_those_of_others_stay(cloud: Cloud) -> None:
    stored_everything(cloud)
    sqs, url = cloud.client("sqs"), cloud.ref("WritebackDeadLetterQueue")
    ours, others = ({"estab": each, "payload": "a mark"} for each in (ESTAB, OTHER_ESTAB))
    late = {"estab": ESTAB, "payload": "it failed for the fifth time only now"}
    for body in (ours, others, ours):
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body))
    assert CompanyApi(cloud).delete(SCHOOL).status == 202
    again = cloud.take("ErasureQueue")
    cloud.invoke("erase_data", records(*again))
    assert cloud.depth("WritebackDeadLetterQueue") == 1
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(late))
    erase_now(cloud, {"estab": ESTAB})  # the message of a quarter of an hour later
    assert cloud.take("WritebackDeadLetterQueue") == [others]


def test_a_writeback_of_an_erased_school_that_fails_for_hours_is_deleted_too(cloud: Cloud) -> None:
    stored_everything(cloud)
    CompanyApi(cloud).delete(SCHOOL)
    messages = 0
    while taken := cloud.take("ErasureQueue"):
        cloud.invoke("erase_data", records(*taken))
        messages += 1
        if messages == LATE_LOOKS:
            late = json.dumps({"estab": ESTAB, "payload": "it failed for the fifth time"})
            cloud.client("sqs").send_message(
                QueueUrl=cloud.ref("WritebackDeadLetterQueue"), MessageBody=late
            )
    assert messages == 1 + LATE_LOOKS
    assert cloud.depth("WritebackDeadLetterQueue") == 0
    assert [event["type"] for event in cloud.events()].count("school.erased") == 1


def test_a_message_that_comes_again_announces_nothing_and_deletes_late_writes(
    cloud: Cloud,
) -> None:
    stored_everything(cloud)
    CompanyApi(cloud).delete(SCHOOL)
    sent = messages_with_delay(cloud, lambda: erase_now(cloud, {"estab": ESTAB}))
    assert ({"kind": "school", "estab": ESTAB, "looks": LATE_LOOKS - 1}, 900) in sent
    cloud.events()
    late = DatasetLayout(ESTAB, "students").snapshot("T", 2)
    cloud.client("s3").put_object(Bucket=cloud.ref("DataBucket"), Key=late, Body=b"late")
    dataset_table(cloud).add_demand(ESTAB, "students", NOW)
    erase_now(cloud, {"estab": ESTAB})
    assert versions(cloud) == []
    assert left_of_datasets(cloud) == []
    assert cloud.events() == []


def test_a_message_that_comes_after_a_new_authorisation_does_nothing(cloud: Cloud) -> None:
    stored_everything(cloud)
    erase_now(cloud, {"estab": ESTAB})
    assert versions(cloud)
    school = school_table(cloud).get(ESTAB)
    assert school
    assert school.state is SchoolState.LIVE
    assert cloud.events() == []


def test_a_pull_under_way_cannot_commit_and_is_waited_for(cloud: Cloud) -> None:
    stored_everything(cloud)
    table = dataset_table(cloud)
    table.add_demand(ESTAB, "students", datetime.now(UTC))
    held = lease(table, ESTAB, "students", datetime.now(UTC))
    assert held
    CompanyApi(cloud).delete(SCHOOL)
    sent = messages_with_delay(cloud, lambda: erase_now(cloud, {"estab": ESTAB}))
    assert [message for message, delay in sent if delay >= LEASE.total_seconds()]
    with pytest.raises(ConflictError):
        table.save(held, datetime.now(UTC))
    with pytest.raises(ConflictError):
        table.renew(held, datetime.now(UTC))
    school = school_table(cloud).get(ESTAB)
    assert school
    assert school.state is not SchoolState.ERASED
    # What the holder had committed before, it may still copy to where readers look.
    key = DatasetLayout(ESTAB, "students").snapshot("T", 2)
    cloud.client("s3").put_object(Bucket=cloud.ref("DataBucket"), Key=key, Body=b"copied")
    dies = datetime.now(UTC) + LEASE + timedelta(seconds=5)
    erase(read_erasure({"estab": ESTAB}), deps(cloud, now=lambda: dies))
    assert versions(cloud) == []
    assert left_of_datasets(cloud) == []
    assert [event["type"] for event in cloud.events()] == ["school.erased"]


def deps(cloud: Cloud, now: Callable[[], datetime] = lambda: NOW) -> EraseDependencies:
    sqs = cloud.client("sqs")
    return EraseDependencies(
        schools=school_table(cloud),
        datasets=dataset_table(cloud),
        operations=operations(cloud),
        certificates=certificates(cloud),
        vault=vault(cloud),
        store=store(cloud),
        erasures=Queue(sqs, cloud.ref("ErasureQueue")),
        dead_writebacks=Queue(sqs, cloud.ref("WritebackDeadLetterQueue")),
        bus=EventBus(cloud.client("events"), cloud.ref("EventBus")),
        audit=AuditTrail(cloud.client("dynamodb"), cloud.ref("AuditTable"), timedelta(days=730)),
        now=now,
    )


class CrashError(Exception):
    """The process died here."""


def crashing(cloud: Cloud, message: dict[str, Any], after_calls: int) -> bool:
    """Erase, and die after so many calls of AWS; tell whether it died."""
    calls = itertools.count()

    def strike(**_: Any) -> None:
        if next(calls) == after_calls:
            raise CrashError

    clients = [cloud.client(name) for name in ("s3", "dynamodb", "sqs", "events")]
    for each in clients:
        each.meta.events.register("before-send.*", strike, unique_id="crash")
    try:
        erase(read_erasure(message), deps(cloud))
    except CrashError:
        return True
    finally:
        for each in clients:
            each.meta.events.unregister("before-send.*", unique_id="crash")
    return False


def test_a_crash_at_any_call_is_mended_by_the_message_coming_again(cloud: Cloud) -> None:
    crashes = 0
    for after_calls in itertools.count():
        stored_everything(cloud, datasets=("students",))
        CompanyApi(cloud).delete(SCHOOL)
        cloud.take("ErasureQueue")
        cloud.events()
        died = crashing(cloud, {"estab": ESTAB}, after_calls)
        erase(read_erasure({"estab": ESTAB}), deps(cloud))
        assert versions(cloud) == []
        assert staged(cloud) == []
        assert left_of_datasets(cloud) == []
        assert under(cloud, "OperationsTable") == []
        school = school_table(cloud).get(ESTAB)
        assert school
        assert (school.state, school.credentials) == (SchoolState.ERASED, None)
        assert school.outbox == ()
        assert {event["type"] for event in cloud.events()} == {"school.erased"}
        if not died:
            break
        crashes += 1
    assert crashes > 20


def test_an_erased_school_that_authorises_again_starts_anew(
    connected: Cloud, xporter: Xporter
) -> None:
    secret = xporter.school()
    stored_everything(connected)
    CompanyApi(connected).delete(SCHOOL)
    connected.deliver("ErasureQueue")
    token = connected.client("secretsmanager").get_secret_value(
        SecretId=connected.ref("AuthenticationTokenSecret")
    )["SecretString"]
    url = f"https://callbacks.example.app/callbacks/authentication/{token}"
    form = authentication_form(schoolSecret=secret)
    sent = callback(url, "POST", body=form, content_type=FORM)
    assert connected.invoke("receive_authentication", sent)["statusCode"] == 202
    connected.deliver("AuthenticationQueue")
    school = school_table(connected).get(ESTAB)
    assert school
    assert school.is_pullable
    assert school.has_working_secret
    assert dataset_table(connected).of_school(ESTAB)


# ---------------------------------------------------------------------- a dataset


GONE = {"kind": "dataset", "estab": ESTAB, "dataset": "contacts", "reason": "scope_removed"}


def without_contacts(cloud: Cloud, datasets: tuple[str, ...] = ("students", "contacts")) -> None:
    stored_everything(cloud, datasets=datasets)
    school_table(cloud).change(
        ESTAB, lambda school: replace(school, scopes=("School", "Student", "StudentExtended"))
    )


def test_a_scope_that_went_takes_every_version_and_the_manifest_says_so(cloud: Cloud) -> None:
    without_contacts(cloud)
    students = [key for key in versions(cloud) if "dataset=students" in key]
    assert erase_now(cloud, GONE) == {"batchItemFailures": []}
    place = DatasetLayout(ESTAB, "contacts")
    left = [key for key in versions(cloud) if "dataset=contacts" in key]
    assert sorted(left) == sorted([place.manifest(2), place.latest])
    assert [key for key in staged(cloud) if "contacts" in key] == []
    document = store(cloud).read_manifest(place.latest)
    assert document
    assert document == store(cloud).read_manifest(place.manifest(2))
    assert (document["sequence"], document["tables"]) == (2, {})
    assert document["erased"]["reason"] == "scope_removed"
    item = dataset_table(cloud).get(ESTAB, "contacts")
    assert item
    assert (item.state, item.published.sequence, item.chain.next_changed_rows) == (
        DatasetState.ERASED,
        2,
        "",
    )
    assert item.published.columns == {}
    [event] = cloud.events()
    assert event["type"] == "dataset.changed"
    assert event["data"] == {
        "estab": ESTAB,
        "dataset": "contacts",
        "sequence": 2,
        "manifest_key": place.manifest(2),
    }
    assert [key for key in versions(cloud) if "dataset=students" in key] == students


def test_the_same_erasure_again_does_nothing_more(cloud: Cloud) -> None:
    without_contacts(cloud)
    erase_now(cloud, GONE)
    before = versions(cloud)
    cloud.events()
    erase_now(cloud, GONE)
    assert versions(cloud) == before
    assert cloud.events() == []


def test_a_scope_that_came_back_in_time_keeps_its_data(cloud: Cloud) -> None:
    stored_everything(cloud)
    before = versions(cloud)
    erase_now(cloud, GONE)
    assert versions(cloud) == before


def test_a_dataset_whose_scope_stays_is_emptied_when_somebody_says_why(cloud: Cloud) -> None:
    stored_everything(cloud)
    erase_now(cloud, {"estab": ESTAB, "dataset": "students", "reason": "objection"})
    place = DatasetLayout(ESTAB, "students")
    left = [key for key in versions(cloud) if "dataset=students" in key]
    assert sorted(left) == sorted([place.manifest(2), place.latest])
    shown = CompanyApi(cloud).get(f"{SCHOOL}/datasets/students").document
    assert (shown["tables"], shown["erased"]["reason"]) == ({}, "objection")
    item = dataset_table(cloud).get(ESTAB, "students")
    assert item
    assert item.is_due  # so it is pulled anew


def test_a_dataset_being_pulled_is_overtaken_and_erased_after_its_lease(cloud: Cloud) -> None:
    without_contacts(cloud)
    table = dataset_table(cloud)
    table.add_demand(ESTAB, "contacts", datetime.now(UTC))
    held = lease(table, ESTAB, "contacts", datetime.now(UTC))
    assert held
    sent = messages_with_delay(cloud, lambda: erase_now(cloud, GONE))
    assert [(message, delay > LEASE.total_seconds()) for message, delay in sent] == [(GONE, True)]
    with pytest.raises(ConflictError):
        table.save(held, datetime.now(UTC))
    dies = datetime.now(UTC) + LEASE + timedelta(seconds=5)
    erase(read_erasure(GONE), deps(cloud, now=lambda: dies))
    item = table.get(ESTAB, "contacts")
    assert item
    assert item.state is DatasetState.ERASED


def test_a_crash_while_a_dataset_is_erased_is_mended_likewise(cloud: Cloud) -> None:
    place = DatasetLayout(ESTAB, "contacts")
    for after_calls in itertools.count():
        without_contacts(cloud, datasets=("contacts",))
        cloud.events()
        died = crashing(cloud, GONE, after_calls)
        later = NOW + LEASE + timedelta(seconds=5)
        erase(read_erasure(GONE), deps(cloud, now=lambda at=later: at))
        item = dataset_table(cloud).get(ESTAB, "contacts")
        assert item
        assert (item.state, item.outbox) == (DatasetState.ERASED, ())
        left = [key for key in versions(cloud) if "dataset=contacts" in key]
        assert set(left) == {place.manifest(item.published.sequence), place.latest}
        assert {event["data"]["sequence"] for event in cloud.events()} == {item.published.sequence}
        if not died:
            break
    assert after_calls > 10


def test_an_erasure_once_begun_is_carried_out_although_the_scope_came_back(cloud: Cloud) -> None:
    without_contacts(cloud)
    table = dataset_table(cloud)
    with refusing("s3", "DeleteObjects"):
        assert erase_now(cloud, GONE)["batchItemFailures"]
    school_table(cloud).change(
        ESTAB, lambda school: replace(school, scopes=(*school.scopes, "Contact"))
    )
    later = datetime.now(UTC) + LEASE + timedelta(seconds=5)
    assert lease(table, ESTAB, "contacts", later) is None
    erase(read_erasure(GONE), deps(cloud, now=lambda: later))
    place = DatasetLayout(ESTAB, "contacts")
    left = [key for key in versions(cloud) if "dataset=contacts" in key]
    assert sorted(left) == sorted([place.manifest(2), place.latest])
    item = table.get(ESTAB, "contacts")
    assert item
    # The scope is back, so it is pulled anew.
    assert (item.erasing, item.state, item.is_due) == ("", DatasetState.ERASED, True)


def test_a_watcher_brings_an_erasure_again_whose_message_is_lost(cloud: Cloud) -> None:
    without_contacts(cloud)
    table = dataset_table(cloud)
    with refusing("s3", "DeleteObjects"):
        erase_now(cloud, GONE)
    item = table.get(ESTAB, "contacts")
    assert item
    assert item.lease.expires_at
    table.reschedule_watch(ESTAB, "contacts", iso(item.lease.expires_at), NOW)
    cloud.take("ErasureQueue")
    cloud.invoke("watch_deadlines", {})
    assert cloud.take("ErasureQueue") == [GONE]


def test_a_scope_of_columns_takes_every_version_and_the_rest_is_pulled_anew(cloud: Cloud) -> None:
    stored_everything(cloud)
    table = dataset_table(cloud)
    table.add_demand(ESTAB, "students", NOW)
    held = lease(table, ESTAB, "students", NOW)
    assert held
    pulled = with_facts(held.released(), scopes=("Student", "UPN"), served=2)
    table.save(pulled, NOW)
    school_table(cloud).change(ESTAB, lambda school: replace(school, scopes=("Student", "Contact")))
    contacts = [key for key in versions(cloud) if "dataset=contacts" in key]
    erase_now(cloud, {**GONE, "dataset": "students"})
    place = DatasetLayout(ESTAB, "students")
    left = [key for key in versions(cloud) if "dataset=students" in key]
    assert sorted(left) == sorted([place.manifest(2), place.latest])
    item = table.get(ESTAB, "students")
    assert item
    assert (item.is_due, item.published.scopes) == (True, ())
    assert [key for key in versions(cloud) if "dataset=contacts" in key] == contacts


def test_a_first_pull_of_what_may_not_be_held_is_overtaken_and_nobody_is_told(cloud: Cloud) -> None:
    without_contacts(cloud, datasets=("students",))
    table = dataset_table(cloud)
    table.add_demand(ESTAB, "contacts", datetime.now(UTC))
    held = lease(table, ESTAB, "contacts", datetime.now(UTC))
    assert held
    erase_now(cloud, GONE)
    with pytest.raises(ConflictError):
        table.save(held, datetime.now(UTC))
    dies = datetime.now(UTC) + LEASE + timedelta(seconds=5)
    erase(read_erasure(GONE), deps(cloud, now=lambda: dies))
    assert [key for key in versions(cloud) if "dataset=contacts" in key] == []
    assert cloud.events() == []


# ---------------------------------------------------------------------- a dataset on request

DAY = "attendancefordate-2026-08-24"
OVER = {"kind": "dataset", "estab": ESTAB, "dataset": DAY, "reason": "expired"}
DEFINITION = {"endpoint": "attendancefordate", "options": [], "parameters": {"date": "2026-08-24"}}


def stored_day(cloud: Cloud, expires_at: datetime = NOW) -> DatasetRepository:
    stored_everything(cloud, datasets=("students", DAY))
    table = dataset_table(cloud)
    table.add_demand(ESTAB, DAY, NOW, definition=DEFINITION)
    held = lease(table, ESTAB, DAY, NOW)
    assert held
    served = with_facts(held, served=2, lease_expires_at="", expires_at=iso(expires_at))
    table.save(served, NOW)
    return table


def of_the_day(cloud: Cloud) -> list[str]:
    return sorted(key for key in versions(cloud) if DAY in key)


def test_a_dataset_on_request_that_was_kept_long_enough_says_so_and_then_is_gone(
    cloud: Cloud,
) -> None:
    table, place = stored_day(cloud), DatasetLayout(ESTAB, DAY)
    students = [key for key in versions(cloud) if "dataset=students" in key]
    erase_now(cloud, OVER)
    assert of_the_day(cloud) == sorted([place.manifest(2), place.latest])
    told = store(cloud).read_manifest(place.latest)
    assert told
    assert told["erased"]["reason"] == "expired"
    assert [event["data"]["dataset"] for event in cloud.events()] == [DAY]
    erase_now(cloud, OVER)  # the same message again changes nothing
    assert of_the_day(cloud) == sorted([place.manifest(2), place.latest])
    later = datetime.now(UTC) + timedelta(days=31)
    erase(read_erasure(OVER), deps(cloud, now=lambda: later))
    assert (of_the_day(cloud), table.get(ESTAB, DAY)) == ([], None)
    assert [key for key in versions(cloud) if "dataset=students" in key] == students


def test_a_dataset_on_request_that_is_asked_for_again_lives_on(cloud: Cloud) -> None:
    table = stored_day(cloud)
    table.add_demand(ESTAB, DAY, NOW, definition=DEFINITION)
    before = versions(cloud)
    erase_now(cloud, OVER)
    assert versions(cloud) == before


def test_a_dataset_on_request_goes_when_its_time_has_come_and_not_before(cloud: Cloud) -> None:
    stored_day(cloud, expires_at=datetime.now(UTC) + timedelta(days=1))
    before = versions(cloud)
    erase_now(cloud, OVER)
    assert versions(cloud) == before


@pytest.mark.parametrize("path", sorted((ROOT / "events/erase_data").glob("*.json")), ids=str)
def test_the_example_events_are_carried_out(cloud: Cloud, path: Any) -> None:
    without_contacts(cloud)
    CompanyApi(cloud).delete(SCHOOL)
    event = json.loads(path.read_text(encoding="utf-8"))
    assert cloud.invoke("erase_data", event) == {"batchItemFailures": []}


def test_a_message_that_is_none_is_retried_and_loses_nothing(cloud: Cloud) -> None:
    assert erase_now(cloud, {"school": ESTAB})["batchItemFailures"]
