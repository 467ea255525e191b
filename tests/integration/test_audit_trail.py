"""Who asked for what, with what outcome: noted before anything is done, and never changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.test_serve_api import held
from tests.support import template
from tests.support.builders import ESTAB, OTHER_ESTAB, stored_school
from tests.support.company_api import Answer, CompanyApi, request
from tests.support.moto_cloud import Cloud, refusing
from xporter_bridge.audit.model import AuditEntry
from xporter_bridge.audit.trail import AuditTrail
from xporter_bridge.aws.clients import client

CALLER = "arn:aws:iam::123456789012:role/company"
HOLD = f"/v1/schools/{ESTAB}/datasets/students/hold"
WRITEBACKS = f"/v1/schools/{ESTAB}/writebacks"
MARKS = {
    "kind": "attendance",
    "payload": {
        "Marks": [
            {
                "StudentId": "77700123",
                "MarkType": "S",
                "Date": "2026-11-20",
                "Session": "AM",
                "Mark": "L",
            }
        ]
    },
}


@pytest.fixture
def api(cloud: Cloud) -> CompanyApi:
    return CompanyApi(cloud)


def trail(cloud: Cloud, subject: str | None = ESTAB) -> list[dict[str, Any]]:
    """Return the entries as the API shows them; those of a subject in their order."""
    found: list[dict[str, Any]] = []
    path = f"/v1/audit?subject={subject}" if subject else "/v1/audit"
    cursor = ""
    while True:
        between = "&" if "?" in path else "?"
        more = f"{between}cursor={cursor}" if cursor else ""
        page = CompanyApi(cloud).get(f"{path}{more}").document
        found += page["entries"]
        if not page["cursor"]:
            return found[::-1] if subject else found
        cursor = page["cursor"]


def told(entries: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(each["action"], each["outcome"]) for each in entries]


def act(api: CompanyApi, method: str, path: str, body: Any, **headers: str) -> Answer:
    return api.send(request(method, path, json.dumps(body), headers))


# -- what people ask for


EXPORTS = f"/v1/schools/{ESTAB}/exports"


def test_an_export_is_stated_before_and_after_by_whom_and_names_nobody(
    cloud: Cloud, api: CompanyApi
) -> None:
    stored_school(cloud)
    begun = api.post(EXPORTS, {"kind": "person"})
    assert begun.status == 202
    id_ = begun.document["id"]
    said = {"outcome": "completed", "files": 3, "rows": 41}
    assert api.post(f"{EXPORTS}/{id_}/outcome", said).status == 202
    asked, accepted, told_end, ended = trail(cloud)
    assert {each["by"] for each in (asked, accepted, told_end, ended)} == {CALLER}
    assert (asked["action"], asked["about"]) == ("beginExport", {"kind": "person"})
    assert accepted["about"] == {"kind": "person", "status": "202", "export_id": id_}
    assert (ended["action"], ended["about"]) == (
        "endExport",
        {"export_id": id_, "outcome": "completed", "files": "3", "rows": "41", "status": "202"},
    )


@pytest.mark.parametrize(
    "body", [{"kind": "pupil"}, {"kind": "person", "id": "9919"}, {}, {"kind": ["9919"]}]
)
def test_an_export_that_would_name_somebody_is_refused_and_nobody_is_noted(
    cloud: Cloud, api: CompanyApi, body: Any
) -> None:
    stored_school(cloud)
    assert api.post(EXPORTS, body).status == 400
    assert "9919" not in json.dumps(trail(cloud))


def test_an_export_is_refused_while_it_cannot_be_noted(cloud: Cloud, api: CompanyApi) -> None:
    stored_school(cloud)
    with refusing("dynamodb", "PutItem"):
        assert api.post(EXPORTS, {"kind": "school"}).status == 503
    assert trail(cloud) == []


def test_nothing_of_an_unknown_or_an_erased_school_is_exported(
    cloud: Cloud, api: CompanyApi
) -> None:
    assert api.post(EXPORTS, {"kind": "school"}).status == 404
    stored_school(cloud)
    api.delete(f"/v1/schools/{ESTAB}")
    assert api.post(EXPORTS, {"kind": "school"}).status == 409


def test_a_decision_on_a_hold_has_who_when_and_what(cloud: Cloud, api: CompanyApi) -> None:
    held(cloud)
    before = datetime.now(UTC)
    assert api.post(HOLD, {"decision": "approve"}).status == 202
    asked, accepted = trail(cloud)
    assert told([asked, accepted]) == [("decideHold", "asked"), ("decideHold", "accepted")]
    assert asked["by"] == accepted["by"] == CALLER
    assert asked["id"] == accepted["id"]
    assert asked["estab"] == ESTAB
    assert asked["about"] == {"dataset": "students", "decision": "approve"}
    assert accepted["about"] == {**asked["about"], "status": "202"}
    assert before - timedelta(seconds=1) <= datetime.fromisoformat(asked["at"])


def test_a_refused_request_is_noted_with_its_status(cloud: Cloud, api: CompanyApi) -> None:
    stored_school(cloud)
    assert api.post(HOLD, {"decision": "reject"}).status == 404
    assert api.post(HOLD, {"decision": "zebra"}).status == 400
    assert api.delete(f"/v1/schools/{OTHER_ESTAB}").status == 404
    first, second = trail(cloud)[1], trail(cloud)[3]
    assert (first["outcome"], first["about"]["status"]) == ("refused", "404")
    assert (second["about"]) == {"dataset": "students", "status": "400"}
    assert told(trail(cloud, OTHER_ESTAB)) == [("eraseSchool", "asked"), ("eraseSchool", "refused")]


def test_a_writeback_is_followed_from_its_caller_to_its_end_without_its_content(
    cloud: Cloud, api: CompanyApi
) -> None:
    stored_school(cloud, scopes=("School",))
    refused = act(api, "POST", WRITEBACKS, MARKS, **{"idempotency-key": "zebra-key"})
    assert refused.status == 409
    message = {"estab": ESTAB, "idempotency_key": "zebra-2", **MARKS}
    cloud.invoke("submit_writeback", records(message))
    cloud.invoke("submit_writeback", records(message))
    entries = trail(cloud)
    assert told(entries) == [
        ("requestWriteback", "asked"),
        ("requestWriteback", "refused"),
        ("requestWriteback", "accepted"),
        ("requestWriteback", "failed"),
    ]
    queued, ended = entries[2:]
    assert queued["by"] == "a sender to WritebackQueue"
    assert ended["by"] == "xporter-bridge"
    assert queued["about"] == ended["about"]
    assert set(ended["about"]) == {"writeback", "kind"}
    kept = json.dumps(cloud.items("AuditTable"))
    assert not [each for each in ("zebra", "77700123", "2026-11-20") if each in kept]


def records(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"Records": [{"messageId": "1", "body": json.dumps(body), "eventSource": "aws:sqs"}]}


def test_an_accepted_pull_has_its_id_and_its_repetition_another_entry(
    cloud: Cloud, api: CompanyApi
) -> None:
    stored_school(cloud)
    pull = api.post(f"/v1/schools/{ESTAB}/pulls", {"dataset": "students"})
    assert pull.status == 202
    assert trail(cloud)[-1]["about"] == {"pull": pull.document["id"], "status": "202"}


def test_an_erasure_leaves_the_entries_of_its_request_and_its_end(
    cloud: Cloud, api: CompanyApi
) -> None:
    stored_school(cloud)
    api.delete(f"/v1/schools/{ESTAB}")
    cloud.settle("ErasureQueue")
    entries = trail(cloud)
    assert told(entries) == [
        ("eraseSchool", "asked"),
        ("eraseSchool", "accepted"),
        ("eraseSchool", "erased"),
    ]
    assert entries[-1]["by"] == "xporter-bridge"


def test_the_erasure_of_a_person_names_the_erasure_and_not_the_person(
    cloud: Cloud, api: CompanyApi
) -> None:
    stored_school(cloud)
    people = f"/v1/schools/{ESTAB}/erased-people"
    erasure = api.post(people, {"kind": "pupil", "id": "77700123"}).document["id"]
    cloud.settle("ErasureQueue")
    assert api.delete(f"{people}/{erasure}").status == 202
    assert api.delete(f"{people}/77700123").status in {400, 404}
    entries = trail(cloud)
    assert told(entries) == [
        ("erasePerson", "asked"),
        ("erasePerson", "accepted"),
        ("erasePerson", "erased"),
        ("liftErasure", "asked"),
        ("liftErasure", "accepted"),
    ]
    assert entries[1]["about"] == {"erasure": erasure, "status": "202"}
    assert entries[2]["about"]["erasure"] == erasure
    assert entries[3]["about"] == {"erasure_id": erasure}
    assert "77700123" not in json.dumps(cloud.items("AuditTable"))


@pytest.mark.parametrize("secret", ["key", "token"])
def test_a_rotation_names_versions_and_who_says_that_they_asked(cloud: Cloud, secret: str) -> None:
    cloud.invoke("rotate_secrets", {"secret": secret, "rotate": True, "by": CALLER})
    cloud.invoke("rotate_secrets", {"secret": secret, "drop": True, "by": "somebody"})
    entries, kind = trail(cloud, "stack"), secret.title()
    assert told(entries) == [
        (f"rotate{kind}", "asked"),
        (f"rotate{kind}", "done"),
        (f"dropOld{kind}", "asked"),
        (f"dropOld{kind}", "done"),
    ]
    assert [each["by"] for each in entries[::2]] == [CALLER, "a caller whom IAM has not named"]
    assert {each["estab"] for each in entries} == {None}


def test_reading_and_what_the_api_does_not_know_leave_no_entry(
    cloud: Cloud, api: CompanyApi
) -> None:
    stored_school(cloud)
    api.get(f"/v1/schools/{ESTAB}")
    api.get("/v1/audit")
    api.post("/v1/schools/none/pulls", {"dataset": "students"})
    api.post(f"/v1/schools/{ESTAB}/datasets/%7Ezebra/hold", {"decision": "approve"})
    api.send(request("POST", HOLD, "no JSON"))
    api.send(request("PATCH", f"/v1/schools/{ESTAB}"))
    assert trail(cloud, None) == []


def test_a_caller_whom_iam_does_not_name_is_said_to_be_unnamed(
    cloud: Cloud, api: CompanyApi
) -> None:
    stored_school(cloud)
    event = request("DELETE", f"/v1/schools/{ESTAB}")
    del event["requestContext"]["authorizer"]
    assert api.send(event).status == 202
    assert trail(cloud)[0]["by"] == "a caller whom IAM has not named"


# -- what may go wrong


def test_without_an_entry_nothing_is_done(cloud: Cloud, api: CompanyApi) -> None:
    held(cloud)
    with refusing("dynamodb", "PutItem"):
        assert api.post(HOLD, {"decision": "approve"}).status == 503
        assert api.delete(f"/v1/schools/{ESTAB}").status == 503
    assert trail(cloud) == []
    assert api.get(f"/v1/schools/{ESTAB}").document["erasure_requested_at"] is None
    assert api.post(HOLD, {"decision": "approve"}).status == 202
    assert cloud.depth("ErasureQueue") == 0


def test_an_answer_that_cannot_be_noted_is_given_all_the_same(
    cloud: Cloud, api: CompanyApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored_school(cloud)
    add, added = AuditTrail.add, []

    def only_the_first(self: AuditTrail, entry: AuditEntry) -> None:
        added.append(entry)
        if len(added) > 1:
            with refusing("dynamodb", "PutItem"):
                add(self, entry)
        add(self, entry)

    monkeypatch.setattr(AuditTrail, "add", only_the_first)
    assert api.delete(f"/v1/schools/{ESTAB}").status == 202
    assert told(trail(cloud)) == [("eraseSchool", "asked")]


@pytest.mark.parametrize("cursor", ["zebra", "4pyT", "fn4", "MzI4MTEwMn5h"])
def test_a_cursor_that_is_none_is_refused(cloud: Cloud, api: CompanyApi, cursor: str) -> None:
    answer = api.get(f"/v1/audit?subject={OTHER_ESTAB}&cursor={cursor}")
    assert answer.status == 400


# -- how it is stored


def entry(number: int, **facts: Any) -> AuditEntry:
    at = datetime(2026, 11, 27, tzinfo=UTC) + timedelta(seconds=number)
    return AuditEntry(ESTAB, at, f"id-{number}", "decideHold", "asked", CALLER, **facts)


def stored(cloud: Cloud) -> AuditTrail:
    return AuditTrail(client("dynamodb"), cloud.ref("AuditTable"), timedelta(days=730))


def test_an_entry_that_is_there_stays_as_it_is(cloud: Cloud) -> None:
    stored(cloud).add(entry(1, about={"dataset": "students"}))
    stored(cloud).add(entry(1, about={"dataset": "staff"}))
    (kept,) = trail(cloud)
    assert kept["about"] == {"dataset": "students"}


def test_every_entry_is_found_page_by_page(cloud: Cloud) -> None:
    for number in range(250):
        stored(cloud).add(entry(number))
    assert [each["id"] for each in trail(cloud)] == [f"id-{number}" for number in range(250)]
    assert {each["id"] for each in trail(cloud, None)} == {f"id-{number}" for number in range(250)}


def test_an_entry_ends_when_its_days_are_over(cloud: Cloud) -> None:
    stored(cloud).add(entry(0))
    (item,) = cloud.items("AuditTable")
    expires = datetime.fromtimestamp(int(item["expires_at"]["N"]), UTC)
    assert expires == datetime(2026, 11, 27, tzinfo=UTC) + timedelta(days=730)


def test_no_role_may_change_or_delete_an_entry() -> None:
    writers = set()
    for function in template.functions():
        for statement in template.statements(function):
            if "AuditTable" in json.dumps(statement["Resource"]):
                writers.add(function)
                assert set(statement["Action"]) <= {
                    "dynamodb:PutItem",
                    "dynamodb:Query",
                    "dynamodb:Scan",
                }
    assert writers == {
        "serve_api",
        "submit_writeback",
        "settle_writeback",
        "erase_data",
        "rotate_secrets",
        "check_version",
    }
