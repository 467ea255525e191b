"""The API for the company's own software: every call, and every way to be refused."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest

from tests.support.builders import (
    ESTAB,
    NOW,
    OTHER_ESTAB,
    SECRET,
    dataset_table,
    school_table,
    stored_school,
)
from tests.support.company_api import CompanyApi, request
from tests.support.moto_cloud import Cloud
from tests.support.records import lease, with_facts
from tests.support.template import ROOT
from xporter_bridge.availability.model import PullState
from xporter_bridge.errors import TransientError
from xporter_bridge.pulls.attempt import AttemptOutcome
from xporter_bridge.pulls.history import with_attempt
from xporter_bridge.pulls.record import DatasetRecord, DatasetState
from xporter_bridge.schools.model import Registration
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.snapshots.store import SnapshotStore
from xporter_bridge.timestamps import iso

SCHOOL = f"/v1/schools/{ESTAB}"
MARKS = {
    "Marks": [
        {"StudentId": 1017, "MarkType": "S", "Date": "2026-11-20", "Session": "AM", "Mark": "L"}
    ]
}
UNKNOWN = "pull-0123456789abcdef0123456789abcdef"


@pytest.fixture
def api(cloud: Cloud) -> CompanyApi:
    return CompanyApi(cloud)


def manifest(dataset: str = "students", sequence: int = 1, **facts: Any) -> dict[str, Any]:
    return {
        "estab": ESTAB,
        "dataset": dataset,
        "sequence": sequence,
        "pull_id": "p1",
        "as_of": iso(NOW),
        "completed_at": iso(NOW),
        "stale": False,
        "requested_changed_rows": None,
        "next_changed_rows": "hash",
        "tables": {},
        **facts,
    }


def stored_dataset(cloud: Cloud, dataset: str = "students", **facts: Any) -> DatasetRecord:
    """Store a dataset as a pull leaves it."""
    table = dataset_table(cloud)
    table.add_demand(ESTAB, dataset, NOW)
    leased = lease(table, ESTAB, dataset, NOW)
    assert leased
    facts = {"lease_expires_at": "", "served": leased.demand.requested, **facts}
    return table.save(with_facts(leased, **facts), NOW)


def store(cloud: Cloud) -> SnapshotStore:
    return SnapshotStore(cloud.client("s3"), cloud.ref("DataBucket"), cloud.ref("StagingBucket"))


# ---------------------------------------------------------------------- schools


def test_a_school_shows_where_it_stands_and_no_secret(cloud: Cloud, api: CompanyApi) -> None:
    registered = Registration("XodSchoolData", "fingerprint-of-the-url", "key-0001", NOW)
    stored_school(
        cloud,
        scopes=("School", "Student"),
        state_since=NOW,
        cause="first_data_committed",
        last_refusal="token_of_another_school",
        registrations={"XodSchoolData": registered},
    )
    stored_dataset(
        cloud, state=DatasetState.CURRENT, sequence=3, manifest=manifest(sequence=3),
        as_of=iso(NOW), checked_at=iso(NOW),
    )  # fmt: skip
    answer = api.get(SCHOOL)
    assert answer.status == 200
    shown = answer.document
    assert shown["state"] == "live"
    assert shown["state_since"] == iso(NOW)
    assert shown["cause"] == "first_data_committed"
    assert shown["attention"]["severity"] != "none"  # most datasets have never been pulled
    assert shown["next_step"] == shown["attention"]["do"]
    assert shown["last_refusal"] == "token_of_another_school"
    assert shown["scopes"] == ["School", "Student"]
    assert shown["registrations"] == [
        {"database": "XodSchoolData", "registered_at": iso(NOW), "key_id": "key-0001"}
    ]
    datasets = {each["dataset"]: each for each in shown["datasets"]}
    assert datasets["students"]["state"] == "current"
    assert datasets["students"]["sequence"] == 3
    assert datasets["students"]["freshness"]["as_of"] == iso(NOW)
    assert datasets["students"]["freshness"]["age_seconds"] >= 0
    assert datasets["contacts"]["state"] == "not_covered"
    assert "Contact" in datasets["contacts"]["reason"]
    assert [each["database"] for each in shown["freshness"]] == ["XodSchoolData"]
    for hidden in (SECRET, "fingerprint-of-the-url", "wrapped", "http"):
        assert hidden not in answer.text


def test_schools_are_paged_by_an_opaque_cursor_until_it_is_null(
    cloud: Cloud, api: CompanyApi
) -> None:
    estabs = {f"328110{number}" for number in range(5)}
    for estab in estabs:
        stored_school(cloud, estab)
    seen, path = [], "/v1/schools?limit=2"
    while path:
        page = api.get(path).document
        assert len(page["schools"]) <= 2
        seen += [school["estab"] for school in page["schools"]]
        path = f"/v1/schools?limit=2&cursor={page['cursor']}" if page["cursor"] else ""
    assert sorted(seen) == sorted(estabs)
    assert not any(estab in (page["cursor"] or "") for estab in estabs)


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=1,2", "cursor=bm9uZQ"])
def test_a_page_that_cannot_be_is_refused(api: CompanyApi, query: str) -> None:
    assert api.get(f"/v1/schools?{query}").status == 400


@pytest.mark.parametrize("query", ["trobled=true", "limit=5&Limit=6", "page=", "%3Cb%3E=1"])
def test_a_query_parameter_that_the_call_does_not_take_is_refused(
    api: CompanyApi, query: str
) -> None:
    answer = api.get(f"/v1/schools?{query}")
    assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")
    known = "state, troubled, q, fields, limit, cursor"
    assert answer.document["detail"] == f"unknown query parameter; known: {known}"


# ---------------------------------------------------------------------- datasets and holds


def test_a_dataset_answers_the_manifest_that_readers_find(cloud: Cloud, api: CompanyApi) -> None:
    stored_school(cloud)
    store(cloud).put_document(
        f"manifests/estab={ESTAB}/dataset=students/latest.json", manifest(sequence=7)
    )
    answer = api.get(f"{SCHOOL}/datasets/students")
    assert (answer.status, answer.document) == (200, manifest(sequence=7))


def test_a_dataset_without_data_says_why(cloud: Cloud, api: CompanyApi) -> None:
    stored_school(cloud)
    answer = api.get(f"{SCHOOL}/datasets/students")
    assert (answer.status, answer.document["detail"]) == (
        404,
        "the dataset is pending and has no data",
    )
    assert api.get(f"{SCHOOL}/datasets/nothing").document["detail"] == "there is no such dataset"


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"state": SchoolState.ERASED}, "the school was erased: nothing is kept of it"),
        ({"erasure_requested_at": NOW}, "the school is being erased, with all its data"),
    ],
)
def test_a_dataset_of_an_erased_school_says_that_it_was_erased(
    cloud: Cloud, api: CompanyApi, facts: dict[str, Any], says: str
) -> None:
    stored_school(cloud, **facts)
    answer = api.get(f"{SCHOOL}/datasets/students")
    assert (answer.status, answer.document["detail"]) == (404, says)


def held(cloud: Cloud) -> None:
    stored_school(cloud)
    hold = {
        "since": iso(NOW),
        "expires_at": iso(NOW + timedelta(days=7)),
        "reasons": ["Students: 300 of 1000 rows deleted"],
        "fingerprint": "f",
        "manifest": manifest(sequence=2),
        "copies": {},
    }
    stored_dataset(cloud, state=DatasetState.HELD, sequence=1, manifest=manifest(), hold=hold)


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_a_decision_on_a_hold_is_stored_and_handed_to_the_pull_engine(
    cloud: Cloud, api: CompanyApi, decision: str
) -> None:
    held(cloud)
    answer = api.post(f"{SCHOOL}/datasets/students/hold", {"decision": decision})
    assert answer.status == 202
    assert answer.document == {"estab": ESTAB, "dataset": "students", "decision": decision}
    item = dataset_table(cloud).get(ESTAB, "students")
    assert item
    assert item.demand.decision == decision
    assert cloud.take("PullQueue") == [{"estab": ESTAB, "dataset": "students"}]
    shown = {each["dataset"]: each for each in api.get(SCHOOL).document["datasets"]}
    assert shown["students"]["hold"]["reasons"] == ["Students: 300 of 1000 rows deleted"]
    assert shown["students"]["hold"]["decision"] == decision


def test_deciding_when_nothing_is_held_is_a_conflict(cloud: Cloud, api: CompanyApi) -> None:
    stored_school(cloud)
    stored_dataset(cloud, state=DatasetState.CURRENT)
    answer = api.post(f"{SCHOOL}/datasets/students/hold", {"decision": "approve"})
    assert answer.status == 409
    assert api.post(f"{SCHOOL}/datasets/staff/hold", {"decision": "approve"}).status == 404
    assert api.post(f"{SCHOOL}/datasets/students/hold", {"decision": "maybe"}).status == 400
    assert not cloud.depth("PullQueue")


# ---------------------------------------------------------------------- pulls


def test_a_dataset_is_pulled_on_request_and_its_pull_can_be_followed(
    cloud: Cloud, api: CompanyApi
) -> None:
    stored_school(cloud)
    asked = api.post(f"{SCHOOL}/pulls", {"dataset": "students"})
    assert asked.status == 202
    id_ = asked.document["id"]
    assert asked.headers["location"] == f"{SCHOOL}/pulls/{id_}"
    assert cloud.take("PullQueue") == [{"estab": ESTAB, "dataset": "students"}]
    shown = api.get(f"{SCHOOL}/pulls/{id_}").document
    assert (shown["state"], shown["dataset"], shown["manifest"]) == ("pulling", "students", None)
    assert api.post(f"{SCHOOL}/pulls", {"dataset": "students"}).document["id"] == id_


def test_a_completed_pull_shows_the_manifest_only_when_readers_find_it(
    cloud: Cloud, api: CompanyApi
) -> None:
    stored_school(cloud)
    id_ = api.post(f"{SCHOOL}/pulls", {"dataset": "students"}).document["id"]
    table = dataset_table(cloud)
    item = lease(table, ESTAB, "students", NOW)
    assert item
    facts = {"served": 1, "state": DatasetState.CURRENT, "sequence": 1, "manifest": manifest()}
    committed = with_facts(item, **facts, unpublished={"to": "from"})
    committed = table.save(committed, NOW)
    assert api.get(f"{SCHOOL}/pulls/{id_}").document["state"] == "pulling"
    store(cloud).put_document(f"manifests/estab={ESTAB}/dataset=students/latest.json", manifest())
    table.save(with_facts(committed, unpublished=None), NOW)
    shown = api.get(f"{SCHOOL}/pulls/{id_}").document
    assert (shown["state"], shown["manifest"]) == ("completed", manifest())


@pytest.mark.parametrize("result", [AttemptOutcome.COMMITTED, AttemptOutcome.UNCHANGED])
def test_a_completed_pull_says_whether_it_found_anything(
    cloud: Cloud, api: CompanyApi, result: AttemptOutcome
) -> None:
    stored_school(cloud)
    id_ = api.post(f"{SCHOOL}/pulls", {"dataset": "students"}).document["id"]
    assert api.get(f"{SCHOOL}/pulls/{id_}").document["result"] is None
    table = dataset_table(cloud)
    item = lease(table, ESTAB, "students", NOW)
    assert item
    pulled = with_facts(item, served=1, state=DatasetState.CURRENT)
    table.save(with_attempt(pulled, result, datetime.now(UTC)), NOW)
    shown = api.get(f"{SCHOOL}/pulls/{id_}").document
    assert (shown["state"], shown["result"]) == ("completed", result)
    assert shown["outcome"] == "not_needed", "of the wait: there was none"


def test_an_endpoint_with_parameters_goes_through_the_availability_callback(
    cloud: Cloud, api: CompanyApi
) -> None:
    stored_school(cloud)
    asked = {"endpoint": "AttendanceForDate", "parameters": {"date": "2026-11-20"}}
    answer = api.post(f"{SCHOOL}/pulls", asked)
    assert answer.status == 202
    id_ = answer.document["id"]
    assert cloud.take("AvailabilityRequestQueue") == [
        {"kind": "request", "estab": ESTAB, "id": id_}
    ]
    shown = api.get(f"{SCHOOL}/pulls/{id_}").document
    assert shown["state"] == "queued"
    assert shown["dataset"] == "attendancefordate-2026-11-20"
    assert shown["parameters"] == {"date": "2026-11-20"}


def test_an_endpoint_without_parameters_is_the_dataset_configured_for_it(
    cloud: Cloud, api: CompanyApi
) -> None:
    stored_school(cloud)
    by_endpoint = api.post(f"{SCHOOL}/pulls", {"endpoint": "Students"}).document
    assert by_endpoint == api.post(f"{SCHOOL}/pulls", {"dataset": "students"}).document


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({}, 400),
        ({"dataset": "students", "endpoint": "students"}, 400),
        ({"dataset": "students", "parameters": {"id": "1"}}, 400),
        ({"dataset": "nothing"}, 404),
        ({"endpoint": "nothing"}, 404),
        ({"endpoint": "attendancefordate"}, 400),
        ({"endpoint": "attendancefordate", "parameters": {"date": "20.11.2026"}}, 400),
        ({"endpoint": "attendancefordate", "parameters": {"date": 20261120}}, 400),
        ({"dataset": "students", "datasett": "students"}, 400),
        ({"dataset": ["students"]}, 400),
    ],
)
def test_a_pull_that_makes_no_sense_is_refused(
    cloud: Cloud, api: CompanyApi, asked: Any, status: int
) -> None:
    stored_school(cloud)
    answer = api.post(f"{SCHOOL}/pulls", asked)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    assert not cloud.depth("PullQueue")


def test_a_paused_school_is_not_pulled_and_says_what_happens_next(
    cloud: Cloud, api: CompanyApi
) -> None:
    stored_school(cloud, state=SchoolState.PAUSED)
    answer = api.post(f"{SCHOOL}/pulls", {"dataset": "students"})
    assert answer.status == 409
    assert "paused" in answer.document["detail"]


def test_a_pull_that_failed_says_why(cloud: Cloud, api: CompanyApi) -> None:
    stored_school(cloud)
    id_ = api.post(f"{SCHOOL}/pulls", {"dataset": "students"}).document["id"]
    stored_dataset(cloud, state=DatasetState.FAILED, reason="xporter_refused", failures=1)
    shown = api.get(f"{SCHOOL}/pulls/{id_}").document
    assert (shown["state"], shown["reason"]) == (PullState.FAILED, "xporter_refused")


# ---------------------------------------------------------------------- writebacks


def test_the_same_key_and_payload_is_the_same_writeback(cloud: Cloud, api: CompanyApi) -> None:
    stored_school(cloud)
    asked = {"kind": "attendance", "payload": MARKS}
    first = api.post(f"{SCHOOL}/writebacks", asked, idempotency_key="monday-1")
    again = api.post(f"{SCHOOL}/writebacks", asked, idempotency_key="monday-1")
    assert (first.status, again.status) == (202, 202)
    assert first.document == again.document
    id_ = first.document["id"]
    assert {"kind": "submit", "estab": ESTAB, "id": id_} in cloud.take("WritebackQueue")
    shown = api.get(f"{SCHOOL}/writebacks/{id_}").document
    assert (shown["state"], shown["kind"], shown["mode"]) == ("queued", "attendance", "async")
    assert [(part["date"], part["rows"]) for part in shown["parts"]] == [("2026-11-20", 1)]


def test_the_same_key_with_another_payload_is_a_conflict(cloud: Cloud, api: CompanyApi) -> None:
    stored_school(cloud)
    asked = {"kind": "attendance", "payload": MARKS}
    api.post(f"{SCHOOL}/writebacks", asked, idempotency_key="monday-1")
    other = {"Marks": [{**MARKS["Marks"][0], "Mark": "/"}]}
    answer = api.post(
        f"{SCHOOL}/writebacks", {"kind": "attendance", "payload": other}, idempotency_key="monday-1"
    )
    assert answer.status == 409
    assert len(cloud.items("OperationsTable")) == 1


def test_a_writeback_that_breaks_a_rule_says_where_and_never_quotes_it(
    cloud: Cloud, api: CompanyApi
) -> None:
    stored_school(cloud)
    wrong = {"Marks": [{**MARKS["Marks"][0], "Date": "Alice Smith"}]}
    asked = {"kind": "attendance", "payload": wrong}
    answer = api.post(f"{SCHOOL}/writebacks", asked, idempotency_key="k")
    assert answer.status == 400
    assert "Marks[0].Date" in answer.document["detail"]
    assert "Alice" not in answer.text
    missing = api.post(f"{SCHOOL}/writebacks", {"kind": "attendance", "payload": MARKS})
    assert missing.status == 400
    assert missing.document["errors"][0]["at"] == "header.idempotency-key"
    unknown = {"kind": "homework", "payload": {}}
    assert api.post(f"{SCHOOL}/writebacks", unknown, idempotency_key="k").status == 400
    large = {"kind": "attendance", "payload": {"Marks": [{"Notes": "x" * 300_000}]}}
    assert api.post(f"{SCHOOL}/writebacks", large, idempotency_key="k").status == 413


# ---------------------------------------------------------------------- erasure


def test_deleting_a_school_destroys_its_key_at_once_and_queues_the_rest(
    cloud: Cloud, api: CompanyApi
) -> None:
    stored_school(cloud, name="Testing School")
    answer = api.delete(SCHOOL)
    assert answer.status == 202
    assert answer.document["erasure_requested_at"]
    assert cloud.take("ErasureQueue") == [{"kind": "school", "estab": ESTAB}]
    school = school_table(cloud).get(ESTAB)
    assert school
    assert (school.credentials, school.name, school.scopes) == (None, "", ())
    assert not school.is_pullable
    assert api.get(SCHOOL).document["next_step"] == "everything kept of it is being erased"
    asked: dict[str, dict[str, Any]] = {
        "pulls": {"dataset": "students"},
        "writebacks": {"kind": "attendance", "payload": MARKS},
        "datasets/students/hold": {"decision": "approve"},
        "erased-people": {"kind": "pupil", "id": "1017"},
    }
    for path, body in asked.items():
        refused = api.post(f"{SCHOOL}/{path}", body, idempotency_key="k")
        assert refused.status == 409
        assert refused.document["detail"] == (
            "the school is being erased: no request about it is accepted any more"
        )
    assert api.delete(SCHOOL).status == 202


# ---------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    "path",
    [
        SCHOOL,
        f"{SCHOOL}/datasets/students",
        f"{SCHOOL}/pulls/{UNKNOWN}",
        f"{SCHOOL}/writebacks/writeback-1",
        "/",
        "/v1",
        "/v1/schools/",
        "/v2/schools",
    ],
)
def test_what_is_unknown_is_a_problem_with_status_404(api: CompanyApi, path: str) -> None:
    answer = api.get(path)
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == "JKJaXmPLvHcESHA="
    assert answer.document["instance"] == "JKJaXmPLvHcESHA="
    assert set(answer.document) >= {"type", "title", "status", "detail", "instance"}


@pytest.mark.parametrize("estab", ["328110", "32811022", "328110x", "٣٢٨١١٠٢", "%20281102"])
def test_a_malformed_estab_is_a_bad_request(api: CompanyApi, estab: str) -> None:
    answer = api.get(f"/v1/schools/{estab}")
    assert (answer.status, answer.document["errors"][0]["at"]) == (400, "path.estab")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "HEAD", "POST", "OPTIONS"])
def test_a_method_that_a_path_does_not_know_is_405_with_those_it_does(
    api: CompanyApi, method: str
) -> None:
    answer = api.send(request(method, SCHOOL, "neither JSON", {"content-type": "text/plain"}))
    assert (answer.status, answer.headers["allow"]) == (405, "DELETE, GET")


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ('{"dataset": "students"', "application/json", 400),
        ("", "application/json", 400),
        ('["dataset"]', "application/json", 400),
        ('{"dataset": NaN}', "application/json", 400),
        ("[" * 100_000, "application/json", 400),
        ('{"a":' * 400 + "1" + "}" * 400, "application/json", 400),
        ("dataset=students", "application/x-www-form-urlencoded", 415),
        ('{"dataset": "students"}', "text/plain", 415),
        ('{"dataset": "students"}', "application/json; charset=utf-8", 202),
    ],
)
def test_only_one_json_object_is_a_body(
    cloud: Cloud, api: CompanyApi, body: str, content_type: str, status: int
) -> None:
    stored_school(cloud)
    sent = request("POST", f"{SCHOOL}/pulls", body, {"content-type": content_type})
    assert api.send(sent).status == status
    sent |= {"body": base64.b64encode(body.encode()).decode(), "isBase64Encoded": True}
    assert api.send(sent).status == status


def test_bytes_that_are_no_text_are_a_bad_request(cloud: Cloud, api: CompanyApi) -> None:
    stored_school(cloud)
    sent = request("POST", f"{SCHOOL}/pulls", "")
    for body in (base64.b64encode(b'{"dataset": "\xff"}').decode(), "not base64!"):
        assert api.send({**sent, "body": body, "isBase64Encoded": True}).status == 400


def test_a_fault_of_aws_is_503_and_of_ours_500_and_neither_tells_more(
    cloud: Cloud, api: CompanyApi, capsys: pytest.CaptureFixture[str]
) -> None:
    place = "xporter_bridge.schools.repository.SchoolRepository.get"
    with mock.patch(place, side_effect=TransientError("dynamodb:GetItem: Throttling")):
        later = api.get(SCHOOL)
    assert (later.status, later.headers["retry-after"]) == (503, "1")
    assert "RequestFailed" not in capsys.readouterr().out
    with mock.patch(place, side_effect=KeyError("Alice Smith")):
        broken = api.get(SCHOOL)
    assert broken.status == 500
    printed = capsys.readouterr().out
    assert '"RequestFailed":[1.0]' in printed
    assert "Alice" not in broken.text + printed


def test_a_missing_setting_is_our_fault_and_is_named_in_the_log_alone(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    reply = cloud.invoke("serve_api", request("GET", SCHOOL), without=["BUCKET"])
    assert reply["statusCode"] == 500
    assert "BUCKET" not in reply["body"]


def examples() -> Iterator[Any]:
    for path in sorted((ROOT / "events/serve_api").glob("*.json")):
        yield pytest.param(json.loads(path.read_text(encoding="utf-8")), id=path.stem)


@pytest.mark.parametrize("event", list(examples()))
def test_the_example_events_are_answered(cloud: Cloud, api: CompanyApi, event: Any) -> None:
    held(cloud)
    stored_school(cloud, OTHER_ESTAB)
    store(cloud).put_document(f"manifests/estab={ESTAB}/dataset=students/latest.json", manifest())
    assert api.send(event).status in {200, 202}
