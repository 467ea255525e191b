"""What comes after an erasure was asked for: nothing of the school is written but its end."""

import hmac
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pytest

from tests.support import template
from tests.support.builders import (
    ESTAB,
    NOW,
    SECRET,
    authorise,
    dataset_table,
    onboard,
    records,
    school_table,
    stored_school,
    stored_secret,
    vault,
)
from tests.support.company_api import CompanyApi
from tests.support.moto_cloud import Cloud
from tests.support.records import lease
from tests.support.xporter import Xporter
from xporter_bridge.availability.messages import (
    AdvanceRequest,
    AvailabilityReceived,
    TimetableOpen,
)
from xporter_bridge.erasure.messages import EndSchool, EraseDataset, ErasePeople, EraseSchool
from xporter_bridge.messages import Message
from xporter_bridge.onboarding.messages import ProbeSchool, ReadmitSchool, SchoolAuthorised
from xporter_bridge.pulls.messages import DatabaseChanged, PullDataset
from xporter_bridge.pulls.model import LEASE
from xporter_bridge.registrations.messages import RegisterWebhooks
from xporter_bridge.schools import vault as vaults
from xporter_bridge.schools.credentials import Credentials
from xporter_bridge.schools.end import EndStep
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.timestamps import parse
from xporter_bridge.writebacks.messages import (
    OutcomeReceived,
    SubmitWriteback,
    WritebackRequested,
)
from xporter_bridge.xporter.client import XporterApi

SCHOOL = f"/v1/schools/{ESTAB}"
ANOTHER = "11111111-1111-4111-8111-111111111111"
FEW = ["School"]


def erase(cloud: Cloud) -> None:
    assert CompanyApi(cloud).delete(SCHOOL).status == 202
    cloud.settle("ErasureQueue")


def state(cloud: Cloud) -> SchoolState:
    school = school_table(cloud).get(ESTAB)
    assert school is not None
    return school.state


def asked_for_tokens(xporter: Xporter) -> int:
    return xporter.paths().count("POST /api/oauth/gettoken")


# -- an old callback that is sent again


def test_an_erased_school_does_not_come_back_by_its_old_callback_sent_again(
    connected: Cloud, xporter: Xporter
) -> None:
    secret = xporter.school(scopes=FEW)
    onboard(connected, secret)
    connected.settle()
    erase(connected)
    before, asked = connected.items("SchoolsTable"), asked_for_tokens(xporter)
    connected.events()
    onboard(connected, secret)
    connected.settle()
    assert connected.items("SchoolsTable") == before
    assert asked_for_tokens(xporter) == asked
    assert dataset_table(connected).of_school(ESTAB) == []
    assert connected.events() == []


def test_a_new_secret_lets_the_school_in_again_and_the_old_one_stays_refused(
    connected: Cloud, xporter: Xporter
) -> None:
    old = xporter.school(scopes=FEW)
    onboard(connected, old)
    erase(connected)
    new = xporter.school(scopes=FEW, seed=2)
    assert new != old
    assert onboard(connected, new).state is SchoolState.INSTALLED
    asked = asked_for_tokens(xporter)
    onboard(connected, old)
    assert asked_for_tokens(xporter) == asked
    assert stored_secret(connected) == new
    erase(connected)
    for secret in (old, new):
        assert onboard(connected, secret).state is SchoolState.ERASED


def test_a_person_may_decide_that_the_erased_secret_lets_the_school_in_again(
    connected: Cloud, xporter: Xporter
) -> None:
    secret = xporter.school(scopes=FEW)
    onboard(connected, secret)
    erase(connected)
    connected.invoke("onboard_school", records({"kind": "readmit", "estab": ESTAB}))
    assert state(connected) is SchoolState.ERASED
    assert onboard(connected, secret).state is SchoolState.INSTALLED


def test_a_secret_that_waits_to_be_proved_at_the_erasure_is_refused_as_well(
    connected: Cloud, xporter: Xporter
) -> None:
    waits = xporter.school(scopes=FEW)
    school = stored_school(connected, secret=ANOTHER)
    key = vault(connected).open(ESTAB, school.credentials)
    held = vaults.with_pending(key, school.credentials, waits)
    school_table(connected).change(ESTAB, lambda school: replace(school, credentials=held))
    erase(connected)
    assert onboard(connected, waits).state is SchoolState.ERASED
    assert asked_for_tokens(xporter) == 0


def test_a_secret_that_was_queued_before_the_erasure_is_refused_when_it_is_sent_again(
    connected: Cloud, xporter: Xporter
) -> None:
    secret = xporter.school(scopes=FEW)
    stored_school(connected, secret=ANOTHER)
    authorise(connected, secret)
    erase(connected)
    connected.settle("AuthenticationQueue")
    assert onboard(connected, secret).state is SchoolState.ERASED
    assert asked_for_tokens(xporter) == 0


def test_a_tombstone_tells_nobody_which_secret_was_erased(cloud: Cloud) -> None:
    stored_school(cloud)
    erase(cloud)
    (item,) = cloud.items("SchoolsTable")
    plain = vaults.secret_digest(ESTAB, SECRET)
    (digest,) = item["erased_secrets"]["L"]
    assert plain not in str(item)
    key = item["erased_key"]["B"]
    assert digest["S"] != hmac.digest(key, plain.encode(), "sha256").hex()
    with pytest.raises(Exception, match="kms:Decrypt"):
        vault(cloud).open(ESTAB, Credentials(key))


# -- what is under way


@pytest.mark.parametrize("is_finished", [True, False])
def test_a_school_whose_secret_is_proved_while_it_is_erased_stays_erased(
    connected: Cloud, xporter: Xporter, *, is_finished: bool
) -> None:
    secret = xporter.school(scopes=FEW)
    stored_school(connected, secret=ANOTHER)
    prove = XporterApi.token_details

    def erased_meanwhile(self: XporterApi, token: str) -> Any:
        assert CompanyApi(connected).delete(SCHOOL).status == 202
        if is_finished:
            connected.invoke("erase_data", records({"estab": ESTAB}))
        return prove(self, token)

    for function in ("serve_api", "erase_data"):
        connected.environment(function)  # made now, as onboard_school may not
    authorise(connected, secret)
    with mock.patch.object(XporterApi, "token_details", erased_meanwhile):
        assert connected.deliver("AuthenticationQueue") == []
    connected.settle()
    assert state(connected) is SchoolState.ERASED
    (tombstone,) = connected.items("SchoolsTable")
    assert not {"secret", "pending_secret", "token", "wrapped_key", "scopes"} & set(tombstone)
    assert [event["type"] for event in connected.events()] == ["school.erased"]


# -- what was queued, or comes late

MARK = {
    "StudentId": "10003", "MarkType": "S", "Date": "2026-11-23", "Session": "AM", "Mark": "/",
}  # fmt: skip
DAY = {"date": "2026-11-23"}
PULL, WRITEBACK = f"pull-{'0' * 32}", f"writeback-{'0' * 32}"
REQUESTED = WritebackRequested(ESTAB, "attendance", "key-1", {"Marks": [MARK]})
MESSAGES: list[tuple[str, Message]] = [
    ("plan_pulls", DatabaseChanged(ESTAB, "XodSchoolData", parse("2126-01-01T00:00:00.000Z"))),
    ("pull_dataset", PullDataset(ESTAB, "students")),
    ("register_webhooks", RegisterWebhooks(ESTAB, look_at_scopes=True)),
    ("register_webhooks", RegisterWebhooks(ESTAB, pulls_since=parse("2026-01-01T00:00:00.000Z"))),
    ("request_availability", AdvanceRequest(ESTAB, PULL)),
    ("request_availability", TimetableOpen(ESTAB)),
    ("settle_availability", AvailabilityReceived(ESTAB, PULL, (("XodSchoolData", "OK"),))),
    ("submit_writeback", SubmitWriteback(ESTAB, WRITEBACK)),
    ("submit_writeback", REQUESTED),
    ("submit_writeback", replace(REQUESTED, kind="no kind")),
    ("settle_writeback", OutcomeReceived(ESTAB, f"{WRITEBACK}.0.1", True, "", "", ())),
    ("onboard_school", ProbeSchool(ESTAB)),
    ("erase_data", EraseDataset(ESTAB, "students", "objection")),
    ("erase_data", ErasePeople(ESTAB)),
    ("erase_data", EraseSchool(ESTAB)),
    *(("erase_data", EndSchool(ESTAB, str(step))) for step in EndStep),
]
# A new authorisation and a person's decision are what may end an erasure: see above.
ENDS_IT = {SchoolAuthorised, ReadmitSchool}


def stores(cloud: Cloud) -> dict[str, Any]:
    """Return what each store holds; the tombstone alone stays in the table of schools."""
    tables = ("SchoolsTable", "DatasetsTable", "OperationsTable")
    buckets = ("DataBucket", "StagingBucket")
    return {
        **{table: cloud.items(table) for table in tables},
        **{bucket: sorted(cloud.objects(bucket)) for bucket in buckets},
        **{
            name: cloud.depth(name)
            for name in template.resources("AWS::SQS::Queue")
            if "Dead" in name
        },
    }


def test_every_kind_of_message_is_among_those_that_come_late() -> None:
    def kinds(of: type[Message]) -> set[type[Message]]:
        return {of, *(kind for each in of.__subclasses__() for kind in kinds(each))}

    assert {type(message) for _, message in MESSAGES} | ENDS_IT == kinds(Message) - {Message}


@pytest.mark.parametrize("is_finished", [True, False])
def test_no_message_that_comes_late_writes_anything_of_the_school(
    connected: Cloud, xporter: Xporter, *, is_finished: bool
) -> None:
    stored_school(connected, secret=xporter.school(scopes=[*FEW, "Student"]))
    assert CompanyApi(connected).delete(SCHOOL).status == 202
    if is_finished:
        connected.settle("ErasureQueue")
    before = stores(connected)
    for function, message in MESSAGES:
        if is_finished or not isinstance(message, EraseSchool):
            assert connected.invoke(function, records(message.body())) == {"batchItemFailures": []}
            assert stores(connected) == before, message
    for schedule in ("schedule_pulls", "schedule_registrations", "watch_deadlines"):
        connected.invoke(schedule, {})
    connected.settle()
    assert xporter.paths() == []
    assert state(connected) is SchoolState.ERASED
    (tombstone,) = stores(connected)["SchoolsTable"]
    assert not {"secret", "wrapped_key", "scopes", "registrations"} & set(tombstone)
    assert [event["type"] for event in connected.events()] == ["school.erased"]


@pytest.mark.parametrize("is_finished", [True, False])
def test_the_api_writes_nothing_of_a_school_whose_erasure_was_accepted(
    cloud: Cloud, *, is_finished: bool
) -> None:
    stored_school(cloud)
    dataset_table(cloud).add_demand(ESTAB, "students", NOW)
    api = CompanyApi(cloud)
    assert api.delete(SCHOOL).status == 202
    if is_finished:
        cloud.settle("ErasureQueue")
    before = stores(cloud)
    asked = [
        api.post(f"{SCHOOL}/pulls", {"dataset": "students"}),
        api.post(f"{SCHOOL}/pulls", {"endpoint": "attendancefordate", "parameters": DAY}),
        api.post(
            f"{SCHOOL}/writebacks",
            {"kind": "attendance", "payload": {"Marks": [MARK]}},
            idempotency_key="key-1",
        ),
        api.post(f"{SCHOOL}/datasets/students/hold", {"decision": "approve"}),
    ]
    assert {answer.status for answer in asked} <= {404, 409}
    assert stores(cloud) == before


def test_a_late_writer_that_holds_a_lease_is_waited_for_also_after_the_end(cloud: Cloud) -> None:
    stored_school(cloud)
    erase(cloud)
    now = datetime.now(UTC)
    dataset_table(cloud).add_demand(ESTAB, "students", now)
    assert lease(dataset_table(cloud), ESTAB, "students", now)
    cloud.delays.clear()
    cloud.invoke("erase_data", records({"estab": ESTAB}))
    assert max(cloud.delays) >= LEASE.total_seconds()
    assert cloud.take("ErasureQueue") == [EraseSchool(ESTAB).body()]
