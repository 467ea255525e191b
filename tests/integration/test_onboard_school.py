"""From the authentication queue: real handlers on both ends, and Xporter over HTTP."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.builders import (
    ESTAB,
    OTHER_ESTAB,
    SECRET,
    authorise,
    dataset_table,
    onboard,
    records,
    school_table,
    stored_school,
    stored_secret,
    take_requested,
    vault,
)
from tests.support.moto_cloud import Cloud, refusing
from tests.support.xporter import LyingXporter, Xporter
from xporter_bridge.datasets.config import configured
from xporter_bridge.schools import vault as vaults
from xporter_bridge.schools.model import School
from xporter_bridge.schools.states import SchoolState

QUEUE = "AuthenticationQueue"
# Two datasets: enough wherever a test waits until everything is settled.
FEW = ["School"]
TOKEN_PATH, DETAILS_PATH = "/api/oauth/GetToken", "/api/v1/TokenDetails"


def of(cloud: Cloud, estab: str = ESTAB) -> School:
    school = school_table(cloud).get(estab)
    assert school is not None
    return school


def lasting(school: School) -> School:
    """Return what a repeated callback must not change."""
    return replace(school, version=0, registrations_due_at=None, registrations_checked_at=None)


def queued(cloud: Cloud) -> dict[str, list[Any]]:
    return {
        "registrations": cloud.take("RegistrationQueue"),
        "pulls": take_requested(cloud),
        "parked": cloud.take("AuthenticationDeadLetterQueue"),
    }


# -- a secret that works


def test_a_new_school_is_proved_stored_announced_and_set_in_motion(
    connected: Cloud, xporter: Xporter
) -> None:
    secret = xporter.school(scopes=["School", "Student", "Staff", "Contact", "Attendance"])
    school = onboard(connected, secret)
    assert xporter.paths() == ["POST /api/oauth/gettoken", "GET /api/v1/tokendetails"]
    assert (school.state, school.name) == (SchoolState.INSTALLED, "Testing School")
    assert set(school.scopes) == {"School", "Student", "Staff", "Contact", "Attendance"}
    assert stored_secret(connected) == secret
    assert [event["type"] for event in connected.events()] == ["school.authorised"]
    assert queued(connected) == {
        "registrations": [{"estab": ESTAB}],
        "pulls": sorted(configured()),
        "parked": [],
    }


def test_secret_and_token_are_stored_sealed_for_this_school_alone(
    connected: Cloud, xporter: Xporter
) -> None:
    secret = xporter.school()
    school = onboard(connected, secret)
    held = school.credentials
    assert held is not None
    (item,) = connected.items("SchoolsTable")
    assert secret not in str(item)
    assert secret.encode() not in b"".join(v["B"] for v in item.values() if "B" in v)
    token = vaults.token_of(vault(connected).open(ESTAB, held), held, datetime.now(UTC))
    assert token is not None
    assert token not in str(item)
    assert held.token_expires_at > datetime.now(UTC) + timedelta(days=4)
    with pytest.raises(Exception, match="kms:Decrypt"):
        vault(connected).open(OTHER_ESTAB, held)


def test_a_school_that_has_not_installed_yet_waits_and_then_begins(
    connected: Cloud, xporter: Xporter
) -> None:
    secret = xporter.school()
    school = onboard(connected, secret, xodInstalled="false")
    assert school.state is SchoolState.AUTHORISED
    assert queued(connected)["pulls"] == []
    assert [event["type"] for event in connected.events()] == ["school.authorised"]
    school = onboard(connected, secret, xodInstalled="true", installCompleted="true")
    assert school.state is SchoolState.INSTALLED
    assert queued(connected)["pulls"] == sorted(configured())
    assert connected.events() == []


def test_the_two_callbacks_may_come_in_the_other_order(connected: Cloud, xporter: Xporter) -> None:
    secret = xporter.school()
    onboard(connected, secret, xodInstalled="true", installCompleted="true")
    queued(connected)
    after = onboard(connected, secret, xodInstalled="false")
    assert (after.state, after.has_completed_install) == (SchoolState.INSTALLED, True)


def test_the_same_callback_again_changes_nothing_and_pulls_nothing(
    connected: Cloud, xporter: Xporter
) -> None:
    secret = xporter.school(scopes=FEW)
    onboard(connected, secret)
    connected.settle()
    before, made = of(connected), xporter.webhooks()
    connected.events()
    asked = len(xporter.requests())
    for _ in range(3):
        authorise(connected, secret)
    connected.settle()
    assert lasting(of(connected)) == lasting(before)
    assert xporter.webhooks() == made
    assert connected.events() == []
    repeated = set(xporter.paths()[asked:])
    assert repeated == {"POST /api/oauth/gettoken", "GET /api/v1/tokendetails"}


def test_a_batch_of_many_schools_is_taken_in_one_by_one(connected: Cloud, xporter: Xporter) -> None:
    estabs = [str(3_280_000 + number) for number in range(3)]
    secrets = {estab: xporter.school(estab) for estab in estabs}
    for estab in estabs:
        authorise(connected, secrets[estab], estab)
    connected.settle(QUEUE)
    assert {estab: stored_secret(connected, estab) for estab in estabs} == secrets
    assert {of(connected, estab).state for estab in estabs} == {SchoolState.INSTALLED}


def test_a_new_secret_replaces_the_old_one_and_asks_for_new_registrations(
    connected: Cloud, xporter: Xporter
) -> None:
    onboard(connected, xporter.school(scopes=FEW))
    connected.settle()
    before = of(connected)
    assert before.registrations
    # The simulator's own callback goes nowhere; what it would have carried is given below.
    xporter.control("PUT", "application", {"authentication_url": "http://127.0.0.1:9/nobody"})
    new = xporter.control("POST", f"schools/{ESTAB}/authorise", {"new_secret": True})["secret"]
    asked = len(xporter.requests())
    school = onboard(connected, new)
    assert stored_secret(connected) == new
    assert school.registrations == {}
    assert school.state is SchoolState.LIVE
    connected.settle()
    webhooks = [path for path in xporter.paths()[asked:] if path == "POST /api/v1/webhook"]
    assert len(webhooks) == len(before.registrations)
    assert of(connected).registrations.keys() == before.registrations.keys()


def test_scopes_that_came_are_pulled_and_scopes_that_went_are_missing_at_first(
    connected: Cloud, xporter: Xporter
) -> None:
    secret = xporter.school(scopes=["School", "Student"])
    onboard(connected, secret)
    connected.settle("RegistrationQueue", "PullQueue")
    xporter.set_school(scopes=["School", "Staff"])
    after = onboard(connected, secret)
    assert set(after.scopes) == {"School", "Staff"}
    pulls = queued(connected)["pulls"]
    assert "staff" in pulls
    assert "schoolinfo" not in pulls
    assert set(after.missing_scopes) == {"Student"}
    assert connected.take("ErasureQueue") == []
    gone = {"Student": datetime.now(UTC)}
    school_table(connected).change(ESTAB, lambda now: replace(now, missing_scopes=gone))
    assert not onboard(connected, secret).missing_scopes
    erasures = {message["dataset"] for message in connected.take("ErasureQueue")}
    assert erasures == {"students"}


# -- a secret that does not


def test_a_refused_secret_of_an_unknown_school_leaves_it_invited_with_the_reason(
    connected: Cloud, xporter: Xporter
) -> None:
    xporter.school()
    school = onboard(connected, "11111111-1111-4111-8111-111111111111")
    assert (school.state, school.cause) == (SchoolState.INVITED, "secret_refused")
    assert stored_secret(connected) is None
    assert queued(connected) == {"registrations": [], "pulls": [], "parked": []}
    assert connected.events() == []


@pytest.mark.parametrize("estab", [ESTAB, OTHER_ESTAB])
def test_an_estab_that_xporter_does_not_know_is_refused_likewise(
    connected: Cloud, xporter: Xporter, estab: str
) -> None:
    school = onboard(connected, SECRET, estab)
    assert (school.state, school.cause) == (SchoolState.INVITED, "secret_refused")


def test_a_forged_callback_leaves_the_working_secret_in_place(
    connected: Cloud, xporter: Xporter
) -> None:
    secret = xporter.school(scopes=FEW)
    onboard(connected, secret)
    connected.settle()
    before = of(connected)
    for _ in range(5):
        authorise(connected, "11111111-1111-4111-8111-111111111111")
    connected.settle(QUEUE)
    after = of(connected)
    assert after.last_refusal == "secret_refused"
    assert lasting(replace(after, last_refusal="")) == lasting(before)
    assert stored_secret(connected) == secret
    assert queued(connected) == {"registrations": [], "pulls": [], "parked": []}
    # And it goes on working.
    onboard(connected, secret)
    assert of(connected).state is SchoolState.LIVE


def test_another_partners_callback_is_not_even_shown_to_xporter(
    connected: Cloud, xporter: Xporter
) -> None:
    secret = xporter.school()
    school = onboard(connected, secret, partnerId="stranger.example.app")
    assert (school.state, school.cause) == (SchoolState.INVITED, "unknown_partner")
    assert xporter.requests() == []
    onboard(connected, secret)
    after = onboard(connected, secret, partnerId="stranger.example.app")
    assert (after.state, after.last_refusal) == (SchoolState.INSTALLED, "unknown_partner")
    assert stored_secret(connected) == secret


def test_the_partner_is_compared_without_regard_to_case(connected: Cloud, xporter: Xporter) -> None:
    school = onboard(connected, xporter.school(), partnerId="LIVE.example.APP")
    assert school.state is SchoolState.INSTALLED


GOOD_TOKEN = (200, {"token": "dG9rZW4=", "expires": "2126-01-01T00:00:00.1234567Z"})


@pytest.mark.parametrize(
    ("details", "reason"),
    [
        (
            {"Estab": OTHER_ESTAB, "RelyingParty": "live.example.app"},
            f"token_of_another_school: {OTHER_ESTAB}",
        ),
        ({"Estab": ESTAB, "RelyingParty": "stranger.app"}, "token_of_another_partner"),
    ],
)
def test_a_token_that_is_somebody_elses_replaces_nothing(
    deploy: Callable[..., Cloud], details: dict[str, str], reason: str
) -> None:
    answers = {TOKEN_PATH: GOOD_TOKEN, DETAILS_PATH: (200, {**details, "Scopes": ["School"]})}
    with LyingXporter(answers) as lying:
        cloud = deploy(XporterUrl=lying.url)
        stored_school(cloud, secret=SECRET, state=SchoolState.LIVE)
        after = onboard(cloud, "22222222-2222-4222-8222-222222222222")
    assert (after.state, after.last_refusal) == (SchoolState.LIVE, reason)
    assert stored_secret(cloud) == SECRET
    assert queued(cloud) == {"registrations": [], "pulls": [], "parked": []}


@pytest.mark.parametrize(
    "answer",
    [
        {"token": None, "expires": "0001-01-01T00:00:00"},
        {"token": None, "Message": None, "ExceptionMessage": None},
        {"Token": None, "ExceptionMessage": "Relying Party not found for estab"},
    ],
)
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404])
def test_a_token_reply_without_a_token_is_a_refusal_whatever_its_status(
    deploy: Callable[..., Cloud], status: int, answer: dict[str, Any]
) -> None:
    with LyingXporter({TOKEN_PATH: (status, answer)}) as lying:
        school = onboard(deploy(XporterUrl=lying.url), SECRET)
    assert (school.state, school.cause) == (SchoolState.INVITED, "secret_refused")


# -- a school that is still choosing


def test_a_paused_school_keeps_its_secret_and_is_asked_again(
    connected: Cloud, xporter: Xporter
) -> None:
    secret = xporter.school(paused=True)
    school = onboard(connected, secret)
    assert (school.state, school.cause) == (SchoolState.PAUSED, "authorisation_paused")
    assert school.probe_at > datetime.now(UTC) + timedelta(minutes=10)
    assert stored_secret(connected) is None
    assert [event["type"] for event in connected.events()] == ["school.paused"]
    assert queued(connected) == {"registrations": [], "pulls": [], "parked": []}
    xporter.set_school(paused=False)
    connected.invoke("onboard_school", records({"estab": ESTAB}))
    assert of(connected).state is SchoolState.INSTALLED
    assert stored_secret(connected) == secret
    assert [event["type"] for event in connected.events()] == ["school.authorised"]
    assert queued(connected)["pulls"] == sorted(configured())


def test_a_live_school_that_pauses_loses_nothing(connected: Cloud, xporter: Xporter) -> None:
    secret = xporter.school(scopes=FEW)
    onboard(connected, secret)
    connected.settle()
    objects = connected.objects("DataBucket").keys()
    xporter.set_school(paused=True)
    assert onboard(connected, secret).state is SchoolState.PAUSED
    assert stored_secret(connected) == secret
    assert connected.objects("DataBucket").keys() == objects
    connected.settle()
    xporter.set_school(paused=False)
    onboard(connected, secret)
    connected.settle()
    assert of(connected).state is SchoolState.LIVE


def test_a_new_secret_of_a_paused_school_waits_beside_the_one_that_works(
    deploy: Callable[..., Cloud],
) -> None:
    new = "22222222-2222-4222-8222-222222222222"
    answers: dict[str, Any] = {TOKEN_PATH: (200, {"token": None, "AuthorisationPaused": True})}
    with LyingXporter(answers) as lying:
        cloud = deploy(XporterUrl=lying.url)
        stored_school(cloud, secret=SECRET)
        assert onboard(cloud, new).state is SchoolState.PAUSED
        assert stored_secret(cloud) == SECRET
        answers[TOKEN_PATH] = GOOD_TOKEN
        details = {"Estab": ESTAB, "RelyingParty": "live.example.app", "Scopes": ["School"]}
        answers[DETAILS_PATH] = (200, details)
        cloud.invoke("onboard_school", records({"estab": ESTAB}))
    assert stored_secret(cloud) == new


def test_a_waiting_secret_that_is_refused_in_the_end_gives_way_to_the_one_that_works(
    connected: Cloud, xporter: Xporter
) -> None:
    secret = xporter.school()
    onboard(connected, secret)
    school = of(connected)
    held = vaults.with_pending(
        vault(connected).open(ESTAB, school.credentials), school.credentials, "not-the-secret"
    )
    school_table(connected).change(
        ESTAB, lambda now: replace(now, credentials=held, state=SchoolState.PAUSED)
    )
    connected.invoke("onboard_school", records({"estab": ESTAB}))
    after = of(connected)
    assert after.state is SchoolState.INSTALLED
    assert stored_secret(connected) == secret
    assert after.credentials is not None
    assert after.credentials.pending_secret is None


# -- Xporter or AWS is unwell


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "server_error"},
        {"kind": "cut_json"},
        {"kind": "cut_connection"},
        {"kind": "rate_limited", "retry_after": 60},
    ],
)
@pytest.mark.parametrize("path", ["gettoken", "tokendetails"])
def test_what_xporter_could_not_answer_comes_again_and_shows_the_school_meanwhile(
    connected: Cloud, xporter: Xporter, fault: dict[str, Any], path: str
) -> None:
    secret = xporter.school()
    authorise(connected, secret)
    xporter.set_faults({**fault, "path": path})
    assert postponed(connected) == [1]
    assert max(connected.delays) >= 60
    waiting = of(connected)
    assert (waiting.state, waiting.last_refusal) == (SchoolState.INVITED, "")
    assert waiting.cause.startswith("unanswered: xporter_")
    assert waiting.credentials is None
    assert waiting.expires_at > datetime.now(UTC).timestamp()
    xporter.set_faults()
    connected.settle(QUEUE)
    assert of(connected).state is SchoolState.INSTALLED


def postponed(cloud: Cloud) -> list[int]:
    """Handle what is in the queue; return how often each message that comes back was tried."""
    messages = cloud.take(QUEUE)
    assert cloud.invoke("onboard_school", records(*messages)) == {"batchItemFailures": []}
    again = cloud.take(QUEUE)
    for message in again:
        body = json.dumps(message)
        cloud.client("sqs").send_message(QueueUrl=cloud.ref(QUEUE), MessageBody=body)
    return [message["tries"] for message in again]


def test_an_xporter_that_is_not_there_is_waited_for_longer_and_longer(cloud: Cloud) -> None:
    authorise(cloud, SECRET)
    before = len(cloud.delays)
    assert [postponed(cloud) for _ in range(6)] == [[1], [2], [3], [4], [5], [6]]
    asked = [delay for delay in cloud.delays[before:] if delay]
    assert asked == [60, 120, 240, 480, 900, 900]
    assert len(of(cloud).history) == 1


def test_an_xporter_that_fails_takes_nothing_from_a_school_that_is_known(
    connected: Cloud, xporter: Xporter
) -> None:
    secret = xporter.school()
    before = lasting(onboard(connected, secret))
    authorise(connected, "another-secret")
    xporter.set_faults({"kind": "server_error", "path": "gettoken"})
    connected.take("RegistrationQueue")
    assert postponed(connected) == [1]
    assert lasting(of(connected)) == before


def test_an_xporter_that_was_not_there_for_days_is_a_persons_matter(cloud: Cloud) -> None:
    authorise(cloud, SECRET)
    (message,) = cloud.take(QUEUE)
    reply = cloud.invoke("onboard_school", records({**message, "tries": 290}))
    assert len(reply["batchItemFailures"]) == 1
    assert cloud.take(QUEUE) == []


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("dynamodb", "GetItem"),
        ("dynamodb", "UpdateItem"),
        ("dynamodb", "Query"),
        ("kms", "Decrypt"),
        ("kms", "GenerateDataKey"),
        ("sqs", "SendMessage"),
        ("sqs", "SendMessageBatch"),
        ("events", "PutEvents"),
    ],
)
def test_whatever_aws_refuses_once_the_message_comes_again_and_ends_well(
    connected: Cloud, xporter: Xporter, service: str, operation: str
) -> None:
    secret = xporter.school(scopes=FEW)
    authorise(connected, secret)
    with refusing(service, operation):
        assert len(connected.deliver(QUEUE)) == 1
    connected.settle()
    assert of(connected).state is SchoolState.LIVE
    assert stored_secret(connected) == secret
    types = [event["type"] for event in connected.events()]
    assert types.count("school.authorised") == types.count("school.live") == 1
    assert set(xporter.webhooks()) == {"XodSchoolData"}
    states = {item.dataset: str(item.state) for item in dataset_table(connected).of_school(ESTAB)}
    covered = {name for name, each in configured().items() if each.covered_by(FEW)}
    assert states == {
        name: "current" if name in covered else "not_covered" for name in configured()
    }


def test_a_permission_that_is_missing_fails_the_whole_batch_loudly(
    connected: Cloud, xporter: Xporter
) -> None:
    authorise(connected, xporter.school())
    with (
        refusing("kms", "Decrypt", "AccessDeniedException"),
        pytest.raises(Exception, match="kms:Decrypt: AccessDeniedException"),
    ):
        connected.deliver(QUEUE)


@pytest.mark.parametrize("name", ["XPORTER_URL", "SCHOOL_KEY_ID", "PULL_QUEUE_URL"])
def test_a_missing_setting_is_named(connected: Cloud, name: str) -> None:
    with pytest.raises(Exception, match=f"{name} is missing"):
        connected.invoke("onboard_school", records({"estab": ESTAB}), without=[name])


def test_a_look_at_a_school_that_nobody_knows_does_nothing(
    connected: Cloud, xporter: Xporter
) -> None:
    assert connected.invoke("onboard_school", records({"estab": ESTAB})) == {
        "batchItemFailures": []
    }
    assert xporter.requests() == []
