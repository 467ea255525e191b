"""From the registration queue: the webhooks that Xporter holds are those that it should hold."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.support.builders import (
    ESTAB,
    callback,
    dataset_table,
    records,
    school_table,
    stored_school,
    take_requested,
    vault,
)
from tests.support.moto_cloud import Cloud, refusing
from tests.support.xporter import Xporter
from xporter_bridge.datasets.config import configured
from xporter_bridge.schools import vault as vaults
from xporter_bridge.schools.model import School
from xporter_bridge.schools.states import PULLABLE, SchoolState
from xporter_bridge.timestamps import iso

FUNCTION, QUEUE = "register_webhooks", "RegistrationQueue"
BOTH = ("School", "Student", "Attendance")
DATABASES = {"XodSchoolData", "XodAttendanceSummary"}
POST_WEBHOOK = "POST /api/v1/webhook"


def living(cloud: Cloud, xporter: Xporter, **facts: Any) -> School:
    """Return a live school whose secret is stored and whose token is still to be fetched."""
    scopes = facts.pop("scopes", BOTH)
    secret = xporter.school(scopes=list(scopes))
    return stored_school(cloud, secret=secret, scopes=tuple(scopes), **facts)


def register(cloud: Cloud, **message: Any) -> None:
    reply = cloud.invoke(FUNCTION, records({"estab": ESTAB, **message}))
    assert reply == {"batchItemFailures": []}


def scan(cloud: Cloud) -> list[dict[str, Any]]:
    answer = cloud.client("dynamodb").scan(TableName=cloud.ref("DatasetsTable"))
    return list(answer["Items"])


def is_current(item: dict[str, Any]) -> bool:
    return bool(item.get("state") == {"S": "current"})


def of(cloud: Cloud) -> School:
    school = school_table(cloud).get(ESTAB)
    assert school is not None
    return school


def posts(xporter: Xporter) -> int:
    return xporter.paths().count(POST_WEBHOOK)


def age(cloud: Cloud, by: timedelta) -> None:
    """Let time pass for what is recorded of the school."""

    def aged(school: School) -> School:
        registrations = {
            name: replace(entry, registered_at=entry.registered_at - by)
            for name, entry in school.registrations.items()
        }
        return replace(school, registrations=registrations)

    school_table(cloud).change(ESTAB, aged)


def test_each_database_of_the_covered_datasets_is_registered_and_recorded(
    connected: Cloud, xporter: Xporter
) -> None:
    living(connected, xporter)
    register(connected)
    urls = xporter.webhooks()
    assert set(urls) == DATABASES
    for database, url in urls.items():
        parts = urlsplit(url)
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == (
            "https://callbacks.example.app/callbacks/database"
        )
        query = dict(parse_qsl(parts.query))
        assert (query["estab"], query["database"]) == (ESTAB, database)
        recorded = of(connected).registrations[database]
        assert recorded.key_id == query["key"]
        assert recorded.url_fingerprint not in url
        assert datetime.now(UTC) - recorded.registered_at < timedelta(minutes=1)


def test_the_body_is_exactly_url_and_database_name(connected: Cloud, xporter: Xporter) -> None:
    living(connected, xporter)
    register(connected)
    bodies = [r["body_keys"] for r in xporter.requests() if r["path"].lower().endswith("webhook")]
    assert [sorted(keys) for keys in bodies] == [["DatabaseName", "url"]] * 2


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_url_that_xporter_holds_is_accepted_by_get_and_by_post(
    connected: Cloud, xporter: Xporter, method: str
) -> None:
    living(connected, xporter)
    register(connected)
    for url in xporter.webhooks().values():
        assert connected.invoke("receive_database", callback(url, method))["statusCode"] == 202
    stored = {message["database"] for message in connected.take("DatabaseQueue")}
    assert stored == DATABASES


def test_what_is_registered_is_left_alone(connected: Cloud, xporter: Xporter) -> None:
    living(connected, xporter)
    register(connected)
    before = of(connected).registrations
    for _ in range(3):
        register(connected)
    assert posts(xporter) == len(DATABASES)
    assert of(connected).registrations == before


def test_a_message_that_comes_twice_asks_xporter_once(connected: Cloud, xporter: Xporter) -> None:
    living(connected, xporter)
    sent_at = iso(datetime.now(UTC))
    register(connected, look_at_scopes=True, sent_at=sent_at)
    asked = xporter.paths()
    assert "GET /api/v1/tokendetails" in asked
    register(connected, look_at_scopes=True, sent_at=sent_at)
    assert xporter.paths() == asked
    register(connected, look_at_scopes=True, sent_at=iso(datetime.now(UTC)))
    assert len(xporter.paths()) > len(asked), "a later message asks again"


def test_a_message_of_which_only_a_part_was_done_is_done_when_it_comes_again(
    connected: Cloud, xporter: Xporter
) -> None:
    living(connected, xporter)
    sent_at = iso(datetime.now(UTC))
    xporter.set_faults({"kind": "server_error", "path": "webhook", "skip": 1})
    register(connected, look_at_scopes=True, sent_at=sent_at)
    assert len(of(connected).registrations) == 1
    xporter.set_faults()
    register(connected, look_at_scopes=True, sent_at=sent_at)
    assert set(of(connected).registrations) == DATABASES


def test_the_token_is_fetched_once_and_then_taken_from_the_store(
    connected: Cloud, xporter: Xporter
) -> None:
    living(connected, xporter)
    register(connected)
    age(connected, timedelta(days=8))
    register(connected)
    assert xporter.paths().count("POST /api/oauth/gettoken") == 1


def test_what_is_a_week_old_is_renewed(connected: Cloud, xporter: Xporter) -> None:
    living(connected, xporter)
    register(connected)
    age(connected, timedelta(days=6))
    register(connected)
    assert posts(xporter) == len(DATABASES)
    age(connected, timedelta(days=1))
    register(connected)
    assert posts(xporter) == 2 * len(DATABASES)


def test_a_rotated_key_is_registered_anew_and_the_old_urls_work_until_then(
    connected: Cloud, xporter: Xporter
) -> None:
    living(connected, xporter)
    register(connected)
    old = xporter.webhooks()
    connected.client("secretsmanager").put_secret_value(
        SecretId=connected.ref("CallbackKeySecret"), SecretString="the second key"
    )
    connected.cool_down()
    for url in old.values():
        assert connected.invoke("receive_database", callback(url))["statusCode"] == 202
    register(connected)
    new = xporter.webhooks()
    assert set(new) == set(old)
    assert not set(new.values()) & set(old.values())
    for url in new.values():
        assert connected.invoke("receive_database", callback(url))["statusCode"] == 202


def test_a_moved_domain_is_registered_anew(
    deploy: Callable[..., Cloud], connected: Cloud, xporter: Xporter
) -> None:
    living(connected, xporter)
    register(connected)
    # The same deployment after an update of its parameters.
    connected._parameters["CallbackBaseUrl"] = "https://moved.example.app/xporter"
    register(connected)
    assert all(
        url.startswith("https://moved.example.app/xporter/callbacks/database?")
        for url in xporter.webhooks().values()
    )


def test_without_a_domain_of_its_own_the_apis_own_url_is_registered(
    connected: Cloud, xporter: Xporter
) -> None:
    connected._parameters["CallbackBaseUrl"] = ""
    living(connected, xporter)
    register(connected)
    for url in xporter.webhooks().values():
        assert url.startswith("https://CallbacksApi.execute-api.eu-west-2.amazonaws.com/callbacks/")


def test_a_database_that_no_scope_covers_any_more_is_forgotten(
    connected: Cloud, xporter: Xporter
) -> None:
    living(connected, xporter)
    register(connected)
    xporter.set_school(scopes=["School"])
    register(connected, look_at_scopes=True)
    assert set(of(connected).registrations) == DATABASES, "one look proves nothing"
    gone = dict.fromkeys(of(connected).missing_scopes, datetime.now(UTC))
    school_table(connected).change(ESTAB, lambda now: replace(now, missing_scopes=gone))
    register(connected, look_at_scopes=True)
    assert set(of(connected).registrations) == {"XodSchoolData"}


# -- what the school allows


def test_a_scope_that_came_is_registered_and_pulled(connected: Cloud, xporter: Xporter) -> None:
    living(connected, xporter, scopes=("School",))
    register(connected)
    connected.take("PullQueue")
    xporter.set_school(scopes=["School", "Attendance"])
    register(connected)
    assert set(xporter.webhooks()) == {"XodSchoolData"}, "only a look at the scopes sees it"
    register(connected, look_at_scopes=True)
    assert set(xporter.webhooks()) == DATABASES
    assert set(of(connected).scopes) == {"School", "Attendance"}
    assert {"attendancesummary", "attendancecodes"} <= set(take_requested(connected))


def test_a_scope_that_went_is_noticed_although_the_old_token_still_has_it(
    connected: Cloud, xporter: Xporter
) -> None:
    living(connected, xporter)
    register(connected)
    connected.settle("PullQueue")
    xporter.set_school(scopes=["School"])
    register(connected, look_at_scopes=True)
    assert of(connected).scopes == ("School",)
    assert {"students", "attendancesummary"} <= set(take_requested(connected))


def test_unchanged_scopes_ask_for_nothing_that_is_current(
    connected: Cloud, xporter: Xporter
) -> None:
    living(connected, xporter, scopes=("School",))
    register(connected, look_at_scopes=True)
    connected.settle("PullQueue")
    register(connected, look_at_scopes=True)
    assert connected.take("PullQueue") == []
    assert connected.take("ErasureQueue") == []


def test_after_callbacks_were_lost_every_dataset_is_pulled_however_often_the_message_comes(
    connected: Cloud, xporter: Xporter
) -> None:
    living(connected, xporter, scopes=("School",))
    register(connected, look_at_scopes=True)
    connected.settle("PullQueue")
    names = {each["dataset"]["S"] for each in scan(connected) if is_current(each)}
    asked_at = iso(datetime.now(UTC) + timedelta(minutes=1))
    for _ in range(2):
        register(connected, look_at_scopes=True, pulls_since=asked_at)
    messages = connected.take("PullQueue")
    assert len(messages) == 2, "each time one for the school"
    assert {message["dataset"] for message in messages} <= names
    before = len(xporter.requests())
    for message in messages:
        connected.invoke("pull_dataset", records(message))
    paths = " ".join(xporter.paths()[before:])
    assert all(name in paths for name in names)
    before = len(xporter.requests())
    register(connected, pulls_since=iso(datetime.now(UTC) - timedelta(hours=1)))
    assert connected.take("PullQueue") == [], "pulls began after that time"
    assert len(xporter.requests()) == before


# -- schools that are not to be called for


@pytest.mark.parametrize("state", sorted(set(SchoolState) - PULLABLE))
def test_a_school_that_is_not_pulled_is_not_registered(
    connected: Cloud, xporter: Xporter, state: SchoolState
) -> None:
    living(connected, xporter, state=state)
    register(connected)
    assert xporter.requests() == []


def test_an_unknown_school_is_nothing_to_do(connected: Cloud, xporter: Xporter) -> None:
    register(connected)
    assert xporter.requests() == []


# -- what goes wrong


def test_a_refused_registration_is_judged_by_the_body_and_tried_again_within_the_hour(
    connected: Cloud, xporter: Xporter
) -> None:
    living(connected, xporter)
    xporter.set_faults({"kind": "failed_webhook_registration"})
    register(connected)
    school = of(connected)
    assert school.registrations == {}
    assert school.registrations_due_at < datetime.now(UTC) + timedelta(hours=1, minutes=1)
    xporter.set_faults()
    register(connected)
    assert set(of(connected).registrations) == DATABASES
    assert of(connected).registrations_due_at > datetime.now(UTC) + timedelta(hours=19)


def test_one_refusal_does_not_keep_the_others_from_being_registered(
    connected: Cloud, xporter: Xporter
) -> None:
    living(connected, xporter)
    xporter.set_faults({"kind": "failed_webhook_registration", "count": 1})
    register(connected)
    assert len(of(connected).registrations) == len(DATABASES) - 1


def test_what_was_registered_before_a_failure_is_recorded_and_not_made_again(
    connected: Cloud, xporter: Xporter
) -> None:
    living(connected, xporter)
    xporter.set_faults({"kind": "server_error", "path": "webhook", "skip": 1})
    reply = connected.invoke("register_webhooks", records({"estab": ESTAB}))
    assert reply == {"batchItemFailures": []}
    assert len(of(connected).registrations) == 1
    xporter.set_faults()
    connected.settle(QUEUE)
    assert set(of(connected).registrations) == DATABASES
    statuses = [r["status"] for r in xporter.requests() if r["path"].lower().endswith("webhook")]
    assert statuses.count(200) == len(DATABASES)


def test_a_token_that_is_refused_is_renewed_once_and_the_call_repeated(
    connected: Cloud, xporter: Xporter
) -> None:
    living(connected, xporter)
    register(connected)
    age(connected, timedelta(days=8))
    xporter.set_faults({"kind": "expired_token", "path": "webhook", "count": 1})
    register(connected)
    ages = [each.registered_at for each in of(connected).registrations.values()]
    assert min(ages) > datetime.now(UTC) - timedelta(minutes=1)
    assert xporter.paths().count("POST /api/oauth/gettoken") == 2
    assert posts(xporter) == 2 * len(DATABASES) + 1


def test_a_stored_token_that_is_about_to_expire_is_renewed_before_it_is_used(
    connected: Cloud, xporter: Xporter
) -> None:
    school = living(connected, xporter)
    assert school.credentials is not None
    key = vault(connected).open(ESTAB, school.credentials)
    soon = datetime.now(UTC) + timedelta(minutes=5)
    held = vaults.with_token(key, school.credentials, "an-old-token", soon)
    school_table(connected).change(ESTAB, lambda now: replace(now, credentials=held))
    register(connected)
    assert xporter.paths()[0] == "POST /api/oauth/gettoken"
    assert set(of(connected).registrations) == DATABASES


def test_a_school_that_pauses_meanwhile_is_paused_and_nothing_is_lost(
    connected: Cloud, xporter: Xporter
) -> None:
    school = living(connected, xporter)
    xporter.set_school(paused=True)
    connected.invoke(FUNCTION, records({"estab": ESTAB}))
    after = of(connected)
    assert (after.state, after.credentials) == (SchoolState.PAUSED, school.credentials)


def test_a_secret_that_opens_nothing_any_more_is_counted_and_the_school_kept(
    connected: Cloud, xporter: Xporter
) -> None:
    living(connected, xporter)
    xporter.set_school(revoked=True)
    connected.invoke(FUNCTION, records({"estab": ESTAB}))
    after = of(connected)
    assert (after.state, after.refusals) == (SchoolState.LIVE, 1)
    assert after.probe_at


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("dynamodb", "GetItem"),
        ("dynamodb", "UpdateItem"),
        ("kms", "Decrypt"),
        ("secretsmanager", "GetSecretValue"),
    ],
)
def test_whatever_aws_refuses_once_the_message_comes_again_and_ends_well(
    connected: Cloud, xporter: Xporter, service: str, operation: str
) -> None:
    living(connected, xporter)
    connected.client("sqs").send_message(
        QueueUrl=connected.ref(QUEUE), MessageBody=f'{{"estab": "{ESTAB}"}}'
    )
    with refusing(service, operation):
        assert len(connected.deliver(QUEUE)) == 1
    connected.settle(QUEUE)
    assert set(of(connected).registrations) == DATABASES == set(xporter.webhooks())


def test_without_a_key_nothing_is_registered(connected: Cloud, xporter: Xporter) -> None:
    living(connected, xporter)
    connected.client("secretsmanager").delete_secret(
        SecretId=connected.ref("CallbackKeySecret"), ForceDeleteWithoutRecovery=True
    )
    with pytest.raises(Exception, match="no current version"):
        register(connected)
    assert posts(xporter) == 0


def test_every_configured_dataset_belongs_to_a_database_that_is_registered(
    connected: Cloud, xporter: Xporter
) -> None:
    everything = xporter.control("POST", "schools", {"estab": ESTAB, "students": 5, "seed": 1})
    stored_school(connected, secret=everything["secret"], scopes=tuple(everything["scopes"]))
    register(connected)
    assert set(xporter.webhooks()) == {each.database for each in configured().values()}
    assert dataset_table(connected).of_school(ESTAB) == []


def test_nothing_is_asked_of_xporter_while_it_is_known_to_be_down(
    connected: Cloud, xporter: Xporter
) -> None:
    living(connected, xporter)
    breaker = dataset_table(connected).breaker
    now = datetime.now(UTC)
    for number in range(40):
        breaker.note_failure(f"328{number:04d}", now)
    register(connected)
    assert not xporter.paths()
    (again,) = connected.take(QUEUE)
    assert again["estab"] == ESTAB
    breaker.note_answer(now)
    connected.cool_down()
    register(connected)
    assert posts(xporter) == 2
