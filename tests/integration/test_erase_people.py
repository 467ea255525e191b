"""One person is erased: from every store, from every pull to come, and until somebody lifts it."""

from __future__ import annotations

import gzip
import hashlib
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.test_erase_data import certificates, operations, store
from tests.support import template
from tests.support.builders import (
    ESTAB,
    dataset_table,
    onboard,
    records,
    school_table,
    stored_school,
    vault,
)
from tests.support.company_api import CompanyApi
from tests.support.moto_cloud import Cloud
from tests.support.parquet import cells
from tests.support.pull_world import configure
from tests.support.records import lease
from tests.support.xporter import Xporter
from xporter_bridge.audit.trail import AuditTrail
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.erasure.certificate import Certificate
from xporter_bridge.erasure.dependencies import EraseDependencies
from xporter_bridge.erasure.erase import erase
from xporter_bridge.erasure.messages import LATE_LOOKS, ErasePeople
from xporter_bridge.errors import ConflictError
from xporter_bridge.events.bus import EventBus
from xporter_bridge.pulls.record import DatasetState, Hold
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.snapshots.layout import DatasetLayout
from xporter_bridge.timestamps import iso, parse

PEOPLE = f"/v1/schools/{ESTAB}/erased-people"
DATASETS = ("students", "groups", "studentcontacts", "contacts", "staff", "attendancesummary")


def deps(cloud: Cloud, now: datetime) -> EraseDependencies:
    return EraseDependencies(
        schools=school_table(cloud),
        datasets=dataset_table(cloud),
        operations=operations(cloud),
        certificates=certificates(cloud),
        vault=vault(cloud),
        store=store(cloud),
        erasures=Queue(cloud.client("sqs"), cloud.ref("ErasureQueue")),
        dead_writebacks=Queue(cloud.client("sqs"), cloud.ref("WritebackDeadLetterQueue")),
        bus=EventBus(cloud.client("events"), cloud.ref("EventBus")),
        audit=AuditTrail(cloud.client("dynamodb"), cloud.ref("AuditTable"), timedelta(days=730)),
        now=lambda: now,
    )


@pytest.fixture
def school(connected: Cloud, xporter: Xporter) -> Cloud:
    """A school that is live, with everything pulled."""
    secret = xporter.school(students=12)
    onboard(connected, secret)
    connected.settle()
    assert school_table(connected).get(ESTAB).state is SchoolState.LIVE  # type: ignore[union-attr]
    return connected


def bodies(cloud: Cloud, bucket: str) -> Iterator[tuple[str, bytes]]:
    """Yield every version of every object of a bucket, uncompressed."""
    s3, name = cloud.client("s3"), cloud.ref(bucket)
    for each in s3.list_object_versions(Bucket=name).get("Versions", []):
        body = s3.get_object(Bucket=name, Key=each["Key"], VersionId=each["VersionId"])["Body"]
        yield each["Key"], uncompressed(each["Key"], body.read())


def uncompressed(key: str, data: bytes) -> bytes:
    """Return what an object holds, as text."""
    if key.endswith(".parquet"):
        return json.dumps(cells(data, {}), ensure_ascii=False).encode()
    return gzip.decompress(data) if key.endswith(".gz") else data


def every_store(cloud: Cloud) -> Iterator[tuple[str, str]]:
    """Yield everything that is kept anywhere, as text."""
    for bucket in ("DataBucket", "StagingBucket"):
        for key, body in bodies(cloud, bucket):
            yield f"{bucket}/{key}", key + body.decode("utf-8", "replace")
    for table in ("SchoolsTable", "DatasetsTable", "OperationsTable", "AuditTable"):
        for item in cloud.items(table):
            yield table, str(item)
    resources = template.load()["Resources"]
    for queue in [name for name, each in resources.items() if each["Type"] == "AWS::SQS::Queue"]:
        for message in cloud.take(queue):
            yield queue, str(message)
    for event in cloud.events():
        yield "EventBus", str(event)


def canaries(row: dict[str, Any]) -> list[str]:
    """Return what would give a person away: the Id as a value, and what nobody else has."""
    own = [row[name] for name in ("ExternalId", "UPN", "IdaasId", "XID") if row.get(name)]
    identity = re.escape(str(row["Id"]))
    return [*map(re.escape, own), rf'"{identity}"', rf"[,\"]{identity}[,\"]", rf"\.PL-{identity}\b"]


def found(cloud: Cloud, row: dict[str, Any]) -> set[tuple[str, str]]:
    return {
        (place, canary)
        for place, text in every_store(cloud)
        for canary in canaries(row)
        if re.search(canary, text)
    }


def pupil(xporter: Xporter) -> dict[str, Any]:
    """Return a pupil with a sibling or a contact, so that other rows name the pupil too."""
    return xporter.truth("Students")[3]


def erase_person(cloud: Cloud, row: dict[str, Any], kind: str = "pupil") -> str:
    answer = CompanyApi(cloud).post(PEOPLE, {"kind": kind, "id": str(row["Id"])})
    assert answer.status == 202, answer.text
    return str(answer.document["id"])


def settle(cloud: Cloud) -> None:
    cloud.settle("ErasureQueue")


def pulled(cloud: Cloud, *names: str) -> None:
    """Have datasets pulled, as after a callback."""
    table = dataset_table(cloud)
    for name in names or DATASETS:
        table.add_demand(ESTAB, name, datetime.now(UTC))
        cloud.invoke("pull_dataset", records({"estab": ESTAB, "dataset": name}))
    cloud.settle()


def test_nothing_of_an_erased_pupil_is_found_in_any_store(school: Cloud, xporter: Xporter) -> None:
    row = pupil(xporter)
    assert len(found(school, row)) > 5
    xporter.control(
        "POST", f"schools/{ESTAB}/databases/XodSchoolData/change", {"rows": 5, "notify": False}
    )
    pulled(school)  # so that sequences are superseded
    erase_person(school, row)
    settle(school)
    assert found(school, row) == set()


def test_who_was_erased_stays_away_from_change_sets_and_from_the_weekly_comparison(
    school: Cloud, xporter: Xporter
) -> None:
    row = pupil(xporter)
    erase_person(school, row)
    settle(school)
    xporter.control(
        "POST", f"schools/{ESTAB}/databases/XodSchoolData/change", {"rows": 12, "notify": False}
    )
    pulled(school)
    assert found(school, row) == set()
    table = dataset_table(school)
    for name in DATASETS:  # as if a week had passed
        item = table.get(ESTAB, name)
        assert item
        held = table.lease(table.add_demand(ESTAB, name, datetime.now(UTC)), datetime.now(UTC))
        assert held
        chain = replace(held.chain, baseline_at=datetime.now(UTC) - timedelta(minutes=1))
        table.save(replace(held.released(), chain=chain), datetime.now(UTC))
    pulled(school)
    assert found(school, row) == set()
    for name in DATASETS:
        after = table.get(ESTAB, name)
        assert after
        assert (after.state, after.is_due, after.hold) == (DatasetState.CURRENT, False, None)
        assert after.chain.baseline_at
        assert after.chain.baseline_at > datetime.now(UTC)


def test_every_row_of_everybody_else_is_as_the_school_has_it(
    school: Cloud, xporter: Xporter
) -> None:
    row = pupil(xporter)
    erase_person(school, row)
    settle(school)
    for name, table in (("students", "Students"), ("contacts", "Contacts"), ("groups", "Group")):
        truth = {each["Id"]: each for each in xporter.truth(table)}
        kept = {each["Id"]: each for each in rows(school, name, table)}
        expected = truth.keys() - ({row["Id"]} if table == "Students" else set())
        assert kept.keys() == expected
    group = next(each for each in rows(school, "groups", "Group") if each.get("Name"))
    assert group.items() <= xporter_rows(xporter, "Group")[group["Id"]].items() | group.items()


def xporter_rows(xporter: Xporter, table: str) -> dict[str, dict[str, Any]]:
    return {str(each["Id"]): each for each in xporter.truth(table)}


def rows(cloud: Cloud, dataset: str, table: str) -> list[dict[str, Any]]:
    """Return what a reader finds, held against the digest of the manifest."""
    objects = cloud.objects("DataBucket")
    latest = json.loads(objects[DatasetLayout(ESTAB, dataset).latest])
    entry = latest["tables"][table]
    body = gzip.decompress(objects[entry["snapshot_key"]])
    assert hashlib.sha256(body).hexdigest() == entry["sha256"]
    for kind in ("upserts", "deletes"):
        assert len(gzip.decompress(objects[entry[f"{kind}_key"]]).splitlines()) == entry[kind]
    found = [json.loads(line) for line in body.splitlines()]
    assert len(found) == entry["rows"]
    return found


def test_a_pull_that_began_before_and_ends_late_brings_nobody_back(
    school: Cloud, xporter: Xporter
) -> None:
    row, table = pupil(xporter), dataset_table(school)
    now = datetime.now(UTC)
    table.add_demand(ESTAB, "students", now)
    late = lease(table, ESTAB, "students", now)
    assert late
    pages = f"staging/estab={ESTAB}/dataset=students/late/page-000001-0000000001"
    store(school).stage(pages, json.dumps(row).encode())
    erase_person(school, row)
    school.take("ErasureQueue")
    assert school.invoke("erase_data", records(ErasePeople(ESTAB).body()))
    people = school_table(school).get(ESTAB).erased_people  # type: ignore[union-attr]
    assert people
    assert people.pending  # the pull may still be copying what it committed before
    assert school.delays[-1] == 95
    with pytest.raises(ConflictError):
        table.save(late.released(), now)
    later = now + timedelta(seconds=95)
    erase(ErasePeople(ESTAB), deps(school, later))
    assert found(school, row) == set()
    # What an overtaken pull copies after that is found by the last look.
    old = DatasetLayout(ESTAB, "students").snapshot("Students", 1)
    body = gzip.compress(json.dumps(row).encode() + b"\n")
    school.client("s3").put_object(Bucket=school.ref("DataBucket"), Key=old, Body=body)
    assert found(school, row) != set()
    erase(ErasePeople(ESTAB), deps(school, later + timedelta(minutes=15)))
    assert found(school, row) == set()


def test_a_held_change_set_with_the_person_is_dropped_and_pulled_anew(
    school: Cloud, xporter: Xporter
) -> None:
    row, table = pupil(xporter), dataset_table(school)
    made = f"staging/estab={ESTAB}/dataset=students/held/out-1/Students.snapshot"
    store(school).stage(made, json.dumps(row).encode())
    item = table.get(ESTAB, "students")
    assert item
    assert item.published.manifest
    now = datetime.now(UTC)
    taken = table.lease_to_erase(item, now)
    assert taken
    hold = Hold(
        now, now + timedelta(days=7), ("many",), "f", item.published.manifest, {"key": made}
    )
    table.save(taken.held(hold, served=item.demand.requested).released(), now)
    erase_person(school, row)
    settle(school)
    after = table.get(ESTAB, "students")
    assert after
    assert (after.hold, after.is_due, after.state) == (None, True, DatasetState.CURRENT)
    assert found(school, row) == set()


def test_the_first_callback_sent_again_brings_nobody_back(
    connected: Cloud, xporter: Xporter
) -> None:
    secret = xporter.school(students=12)
    onboard(connected, secret)
    connected.settle()
    row = pupil(xporter)
    erase_person(connected, row)
    settle(connected)
    onboard(connected, secret)
    connected.settle()
    assert found(connected, row) == set()


def test_a_lifted_tombstone_lets_the_person_back_in(school: Cloud, xporter: Xporter) -> None:
    row = pupil(xporter)
    id_ = erase_person(school, row)
    settle(school)
    assert CompanyApi(school).delete(f"{PEOPLE}/{id_}").status == 202
    settle(school)
    assert CompanyApi(school).get(PEOPLE).document["count"] == 0
    assert certificates(school).of_school(ESTAB) == {}
    stored = school_table(school).get(ESTAB)
    assert stored
    assert stored.erased_people is None
    table = dataset_table(school)
    waiting = [item.dataset for item in table.of_school(ESTAB) if item.is_due]
    assert set(DATASETS) <= set(waiting)
    for name in waiting:
        school.invoke("pull_dataset", records({"estab": ESTAB, "dataset": name}))
    school.settle()
    assert row["Id"] in {each["Id"] for each in rows(school, "students", "Students")}
    assert CompanyApi(school).delete(f"{PEOPLE}/{id_}").status == 404


def test_the_certificate_says_what_was_deleted_and_names_nobody(
    school: Cloud, xporter: Xporter
) -> None:
    row = pupil(xporter)
    school.events()
    id_ = erase_person(school, row)
    [shown] = CompanyApi(school).get(PEOPLE).document["people"]
    assert (shown["id"], shown["erased_at"], shown["certificate"]) == (id_, None, None)
    settle(school)
    events = school.events()
    [told] = [event for event in events if event["type"] == "person.erased"]
    about = {name: told["data"][name] for name in ("estab", "kind", "erasure_id")}
    assert about == {"estab": ESTAB, "kind": "pupil", "erasure_id": id_}
    changed = {e["data"]["dataset"] for e in events if e["type"] == "dataset.changed"}
    [person] = CompanyApi(school).get(PEOPLE).document["people"]
    certificate = person["certificate"]
    assert set(certificate["datasets"]) == changed
    [(_, of_students)] = certificate["datasets"]["students"].items()
    assert of_students["rows"]["Students"] == 1
    [(_, of_groups)] = certificate["datasets"]["groups"].items()
    assert of_groups["rows"]["StudentMembers"] > 0
    made = json.loads(school.objects("DataBucket")[DatasetLayout(ESTAB, "students").latest])
    assert of_students["sha256"]["Students"] == made["tables"]["Students"]["sha256"]
    assert certificate["objects"] > 0
    assert (certificate["erased_at"], certificate["verified_at"]) == (person["erased_at"], None)
    erased_at = parse(person["erased_at"])
    assert certificate["backups_until"] == iso(erased_at + timedelta(days=35))
    erase(ErasePeople(ESTAB), deps(school, erased_at + timedelta(minutes=15)))
    [person] = CompanyApi(school).get(PEOPLE).document["people"]
    assert person["verified_at"] == person["certificate"]["verified_at"] != None  # noqa: E711
    assert person["certificate"]["datasets"] == certificate["datasets"]
    assert certificates(school).get(ESTAB, id_)  # which proves its seal
    assert str(row["Id"]) not in json.dumps(person)
    assert [e for e in school.events() if e["type"] == "person.erased"] == []


def test_a_certificate_that_somebody_changed_is_noticed(school: Cloud, xporter: Xporter) -> None:
    id_ = erase_person(school, pupil(xporter))
    settle(school)
    document = certificates(school).of_school(ESTAB)[id_]
    with pytest.raises(ValueError, match="changed"):
        Certificate.read({**document, "objects": 0})


@pytest.mark.parametrize(("kind", "table"), [("contact", "Contacts"), ("staff", "Staff")])
def test_a_contact_and_a_member_of_staff_go_the_same_way(
    school: Cloud, xporter: Xporter, kind: str, table: str
) -> None:
    row = xporter.truth(table)[0]
    letters = {"contact": "PC", "staff": "PWT"}[kind]
    canary = re.compile(rf"\b{letters}-{row['Id']}\b|{row['IdaasId']}\b")
    before = [place for place, text in every_store(school) if canary.search(text)]
    assert before
    erase_person(school, row, kind)
    settle(school)
    assert [place for place, text in every_store(school) if canary.search(text)] == []
    pulled(school)
    assert [place for place, text in every_store(school) if canary.search(text)] == []


def test_a_writeback_about_an_erased_person_is_deleted_and_none_is_taken(
    school: Cloud, xporter: Xporter
) -> None:
    row, other, api = pupil(xporter), xporter.truth("Students")[0], CompanyApi(school)

    def write(who: dict[str, Any], key: str) -> int:
        mark = {"StudentId": who["Id"], "MarkType": "S", "Date": "2026-11-20", "Session": "AM"}
        asked = {"kind": "attendance", "payload": {"Marks": [{**mark, "Mark": "L"}]}}
        return api.post(f"/v1/schools/{ESTAB}/writebacks", asked, Idempotency_Key=key).status

    assert (write(row, "one"), write(other, "two")) == (202, 202)
    before = len(operations(school).of_school(ESTAB))
    erase_person(school, row)
    settle(school)
    assert len(operations(school).of_school(ESTAB)) == before - 1
    assert (write(row, "one"), write(row, "three"), write(other, "two")) == (409, 409, 202)
    school.settle("WritebackQueue")  # the message of the deleted writeback finds nothing


def test_a_dead_letter_that_names_the_person_goes_and_every_other_stays(
    school: Cloud, xporter: Xporter
) -> None:
    row, other = pupil(xporter), xporter.truth("Students")[0]
    sqs, url = school.client("sqs"), school.ref("WritebackDeadLetterQueue")

    def letter(estab: str, who: dict[str, Any], key: str) -> str:
        payload = {"Marks": [{"StudentId": who["Id"], "MarkType": "S", "Mark": "L"}]}
        asked = {"estab": estab, "kind": "attendance", "idempotency_key": key, "payload": payload}
        return json.dumps(asked)

    kept = [letter(ESTAB, other, f"other-{number}") for number in range(23)]
    kept += [letter("3286198", row, "the same Id is somebody else elsewhere"), "not JSON"]
    gone = [letter(ESTAB, row, "one"), letter(ESTAB, row, "two")]
    for body in [*kept[:12], *gone, *kept[12:]]:
        sqs.send_message(QueueUrl=url, MessageBody=body)
    id_ = erase_person(school, row)
    settle(school)
    assert school.depth("WritebackDeadLetterQueue") == len(kept)  # visible again
    certificate = certificates(school).get(ESTAB, id_)
    assert certificate
    assert certificate.facts["dead_letters"] == 2
    late = letter(ESTAB, row, "it failed for the fifth time only now")
    sqs.send_message(QueueUrl=url, MessageBody=late)
    [shown] = CompanyApi(school).get(PEOPLE).document["people"]
    assert shown["certificate"]["dead_letters"] == 2
    later = parse(shown["erased_at"]) + timedelta(minutes=15)
    erase(ErasePeople(ESTAB), deps(school, later))
    left = [message["Body"] for message in school.take_raw("WritebackDeadLetterQueue")]
    assert sorted(left) == sorted(kept)
    certificate = certificates(school).get(ESTAB, id_)
    assert certificate
    assert certificate.facts["dead_letters"] == 3


def test_a_writeback_that_becomes_a_dead_letter_hours_later_is_deleted_too(
    school: Cloud, xporter: Xporter
) -> None:
    row, now = pupil(xporter), datetime.now(UTC)
    payload = {"Marks": [{"StudentId": row["Id"], "MarkType": "S", "Mark": "L"}]}
    asked = {"estab": ESTAB, "kind": "attendance", "idempotency_key": "one", "payload": payload}
    id_ = erase_person(school, row)
    messages = 0
    while taken := school.take("ErasureQueue"):
        [message] = taken
        erase(ErasePeople.read(message), deps(school, now))
        messages += 1
        now += timedelta(minutes=15)
        if messages == LATE_LOOKS:
            school.client("sqs").send_message(
                QueueUrl=school.ref("WritebackDeadLetterQueue"), MessageBody=json.dumps(asked)
            )
    assert messages == 1 + LATE_LOOKS
    assert school.depth("WritebackDeadLetterQueue") == 0
    certificate = certificates(school).get(ESTAB, id_)
    assert certificate
    assert certificate.facts["dead_letters"] == 1


def test_a_certificate_of_earlier_code_is_shown_as_it_was_written(
    school: Cloud, xporter: Xporter
) -> None:
    id_ = erase_person(school, pupil(xporter))
    settle(school)
    made = certificates(school).get(ESTAB, id_)
    assert made
    facts = {name: value for name, value in made.facts.items() if name != "dead_letters"}
    certificates(school).put(Certificate(facts))
    [shown] = CompanyApi(school).get(PEOPLE).document["people"]
    assert Certificate.read(shown["certificate"]).facts == facts


def test_what_was_requested_for_an_erased_person_goes_with_its_parameters(
    school: Cloud, xporter: Xporter
) -> None:
    row, api, table = pupil(xporter), CompanyApi(school), dataset_table(school)
    now = datetime.now(UTC)
    definition = {
        "endpoint": "timetableforstudent", "options": [], "parameters": {"id": str(row["Id"])},
    }  # fmt: skip
    table.add_demand(ESTAB, "timetableforstudent-1", now, definition=definition)
    asked = {"endpoint": "studentmedical", "parameters": {"StudentId": str(row["Id"])}}
    assert api.post(f"/v1/schools/{ESTAB}/pulls", asked).status == 202
    names = {item.dataset for item in table.of_school(ESTAB)}
    erase_person(school, row)
    settle(school)
    gone = names - {item.dataset for item in table.of_school(ESTAB)}
    assert gone >= {"timetableforstudent-1"}
    assert found(school, row) == set()
    assert api.post(f"/v1/schools/{ESTAB}/pulls", asked).status == 409
    # A request that was under way all the same asks Xporter for nothing.
    table.add_demand(ESTAB, "timetableforstudent-1", now, definition=definition)
    asked_before = len(xporter.requests())
    school.invoke("pull_dataset", records({"estab": ESTAB, "dataset": "timetableforstudent-1"}))
    paths = [each["path"].lower() for each in xporter.requests()[asked_before:]]
    assert not [path for path in paths if "timetable" in path]


def test_the_same_request_again_is_the_same_erasure(school: Cloud, xporter: Xporter) -> None:
    row = pupil(xporter)
    first = erase_person(school, row)
    assert erase_person(school, {"Id": f" PL-{row['Id']}"}) == first
    settle(school)
    again = erase_person(school, row)
    assert again == first
    settle(school)
    assert CompanyApi(school).get(PEOPLE).document["count"] == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"kind": "pupil"}, 400),
        ({"kind": "cat", "id": "1"}, 400),
        ({"kind": "pupil", "id": " "}, 400),
    ],
)
def test_a_malformed_request_erases_nobody(cloud: Cloud, body: Any, status: int) -> None:
    stored_school(cloud)
    assert CompanyApi(cloud).post(PEOPLE, body).status == status


def test_nobody_is_erased_from_a_school_that_is_unknown_or_erased(cloud: Cloud) -> None:
    api = CompanyApi(cloud)
    asked = {"kind": "pupil", "id": "1"}
    assert api.post(PEOPLE, asked).status == 404
    stored_school(cloud)
    assert api.delete(f"{PEOPLE}/{'0' * 32}").status == 404
    api.delete(f"/v1/schools/{ESTAB}")
    assert api.post(PEOPLE, asked).status == 409


def test_a_school_that_comes_back_after_its_erasure_does_not_bring_the_person(
    connected: Cloud, xporter: Xporter
) -> None:
    secret = xporter.school(students=12)
    onboard(connected, secret)
    connected.settle()
    row = pupil(xporter)
    erase_person(connected, row)
    settle(connected)
    CompanyApi(connected).delete(f"/v1/schools/{ESTAB}")
    settle(connected)
    connected.invoke("onboard_school", records({"kind": "readmit", "estab": ESTAB}))
    onboard(connected, secret)
    connected.settle()
    assert rows(connected, "students", "Students")
    assert found(connected, row) == set()


def test_the_watchdog_finds_a_request_whose_message_was_lost(
    school: Cloud, xporter: Xporter
) -> None:
    erase_person(school, pupil(xporter))
    school.take("ErasureQueue")
    schools = school_table(school)
    stored = schools.get(ESTAB)
    assert stored
    assert stored.erased_people
    [person] = stored.erased_people.pending
    long_ago = replace(person, requested_at=person.requested_at - timedelta(minutes=6))
    schools.change(
        ESTAB,
        lambda it: replace(it, erased_people=replace(it.erased_people, tombstones=(long_ago,))),  # type: ignore[type-var]
    )
    school.invoke("watch_deadlines", {})
    assert school.take("ErasureQueue") == [ErasePeople(ESTAB).body()]
    school.invoke("watch_deadlines", {})
    assert school.take("ErasureQueue") == []  # not every minute


def test_a_first_sequence_that_was_not_published_yet_is_published_without_the_person(
    school: Cloud, xporter: Xporter
) -> None:
    row, table, s3 = pupil(xporter), dataset_table(school), store(school)
    place = DatasetLayout(ESTAB, "students")
    objects = school.objects("DataBucket")
    item = table.get(ESTAB, "students")
    assert item
    assert item.published.manifest
    copies = {}
    for entry in item.published.manifest.tables.values():
        for key in entry.keys:
            copies[key] = f"staging/estab={ESTAB}/dataset=students/first/{len(copies)}"
            s3.stage(copies[key], objects[key])
    for prefix in place.prefixes:
        s3.erase(prefix)
    taken = table.lease_to_erase(item, datetime.now(UTC))
    assert taken
    unpublished = replace(taken.published, unpublished=copies)
    table.save(replace(taken.released(), published=unpublished), datetime.now(UTC))
    erase_person(school, row)
    settle(school)
    assert found(school, row) == set()
    kept = {each["Id"] for each in rows(school, "students", "Students")}
    assert kept == {each["Id"] for each in xporter.truth("Students")} - {row["Id"]}
    assert list(school.objects("StagingBucket")) == []


def test_a_dataset_that_leaves_out_who_its_rows_are_about_is_pulled_whole(
    school: Cloud, xporter: Xporter
) -> None:
    erase_person(school, pupil(xporter))
    school.take("ErasureQueue")
    now = datetime.now(UTC)
    work = deps(school, now)
    hidden = {"studentcontact": frozenset({"studentid"})}
    contacts = replace(work.datasets.config["studentcontacts"], leave_out=hidden)
    configure(work.datasets, contacts)
    erase(ErasePeople(ESTAB), work)
    for name, is_whole in (("studentcontacts", True), ("contacts", False)):
        item = work.datasets.get(ESTAB, name)
        assert item
        assert (item.is_due, item.chain.next_changed_rows == "") == (is_whole, is_whole)


# ---------------------------------------------------------------------- crashes


class CrashError(Exception):
    """The process died here."""


class Photograph:
    """One dataset of the school as it was stored, to begin again from."""

    def __init__(self, cloud: Cloud, dataset: str) -> None:
        self._cloud, self._dataset = cloud, dataset
        self._items = {
            name: [item for item in cloud.items(name) if self._is_kept(item)]
            for name in ("SchoolsTable", "DatasetsTable")
        }
        place = DatasetLayout(ESTAB, dataset)
        self._objects = {
            key: body
            for key, body in cloud.objects("DataBucket").items()
            if key.startswith(place.prefixes)
        }

    def restore(self) -> None:
        """Put everything back as it was, and nothing else."""
        cloud, dynamodb = self._cloud, self._cloud.client("dynamodb")
        for name, sort in (("SchoolsTable", None), ("DatasetsTable", "dataset")):
            for item in cloud.items(name):
                key = {each: item[each] for each in ("estab", sort) if each}
                dynamodb.delete_item(TableName=cloud.ref(name), Key=key)
            for item in self._items[name]:
                dynamodb.put_item(TableName=cloud.ref(name), Item=item)
        for prefix in ("snapshots/", "changes/", "manifests/"):
            store(cloud).erase(prefix)
        store(cloud).delete_staged("staging/")
        for key, body in self._objects.items():
            cloud.client("s3").put_object(Bucket=cloud.ref("DataBucket"), Key=key, Body=body)
        cloud.take("ErasureQueue")
        cloud.events()

    def _is_kept(self, item: dict[str, Any]) -> bool:
        return item.get("dataset", {"S": self._dataset})["S"] == self._dataset


def crashing(cloud: Cloud, now: datetime, after_calls: int) -> bool:
    """Erase, and die after so many calls of AWS; tell whether it died."""
    calls = itertools.count()

    def strike(**_: Any) -> None:
        if next(calls) == after_calls:
            raise CrashError

    clients = [cloud.client(name) for name in ("s3", "dynamodb", "sqs", "events", "kms")]
    for each in clients:
        each.meta.events.register("before-send.*", strike, unique_id="crash-people")
    try:
        erase(ErasePeople(ESTAB), deps(cloud, now))
    except CrashError:
        return True
    finally:
        for each in clients:
            each.meta.events.unregister("before-send.*", unique_id="crash-people")
    return False


def test_a_crash_at_any_call_is_mended_by_the_message_coming_again(
    school: Cloud, xporter: Xporter
) -> None:
    row, now = pupil(xporter), datetime.now(UTC)
    others = {each["Id"] for each in xporter.truth("Students")} - {row["Id"]}
    before = Photograph(school, "students")
    crashes, had_event = 0, set()
    for after_calls in itertools.count():
        before.restore()
        id_ = erase_person(school, row)
        school.take("ErasureQueue")
        died = crashing(school, now, after_calls)
        later = now + timedelta(minutes=10)
        erase(ErasePeople(ESTAB), deps(school, later))
        told = [event["type"] for event in school.events()]
        erase(ErasePeople(ESTAB), deps(school, later + timedelta(minutes=15)))
        assert found(school, row) == set(), after_calls
        assert {each["Id"] for each in rows(school, "students", "Students")} == others
        certificate = certificates(school).get(ESTAB, id_)
        assert certificate
        [(sequence, made)] = certificate.facts["datasets"]["students"].items()
        assert (sequence, made["rows"]["Students"]) == ("2", 1)
        assert certificate.facts["verified_at"]
        stored = school_table(school).get(ESTAB)
        assert stored
        assert (stored.outbox, stored.erased_people and stored.erased_people.has_work) == (
            (),
            False,
        )
        item = dataset_table(school).get(ESTAB, "students")
        assert item
        assert (item.published.sequence, item.outbox) == (2, ())
        assert {"person.erased", "dataset.changed"} <= {*told, *had_event}
        if not died:
            break
        crashes += 1
    assert crashes > 30
