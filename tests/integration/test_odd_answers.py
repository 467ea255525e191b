"""Answers and callbacks that are none Xporter is known to give: no glitch destroys anything.

Each is met where an operator would meet it: real handlers, the simulator's faults, AWS in memory.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.builders import (
    BASE_URL,
    ESTAB,
    SECRET,
    authentication_form,
    authorise,
    callback,
    dataset_table,
    onboard,
    records,
    school_table,
    stored_school,
    stored_secret,
)
from tests.support.moto_cloud import Cloud
from tests.support.xporter import LyingXporter, Xporter
from tools.simulator.service.odd_callbacks import FORMS
from xporter_bridge.schools.model import REVOKED_AFTER, School
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.timestamps import iso
from xporter_bridge.xporter import client

FEW = ["School"]
# What the hosting platform, a proxy or a page during maintenance answer in place of Xporter.
NOT_XPORTER: list[dict[str, Any]] = [
    {"status": 200, "body": "maintenance"},
    {"status": 200, "body": "empty"},
    {"status": 200, "body": "object"},
    {"status": 200, "body": "message"},
    {"status": 200, "body": "error"},
    {"status": 200, "body": "errors"},
    {"status": 200, "body": "list"},
    {"status": 200, "body": "null"},
    {"status": 200, "body": "text"},
    {"status": 200, "body": "quoted"},
    {"status": 200, "body": '{"expires": "0001-01-01T00:00:00"}'},
    {"status": 200, "body": '{"token": {}, "expires": null}'},
    {"status": 200, "body": '{"token": null}'},
    {"status": 204, "body": "empty"},
    {"status": 302, "body": "empty"},
    {"status": 401, "body": "denied"},
    {"status": 403, "body": "page"},
    {"status": 403, "body": "denied"},
    {"status": 404, "body": "page"},
    {"status": 408, "body": "empty"},
    {"status": 418, "body": '{"Message": "success", "ExceptionMessage": null}'},
]


def named(answer: dict[str, Any]) -> str:
    return f"{answer['status']} {answer['body'][:12]}"


odd_answers = pytest.mark.parametrize("odd", NOT_XPORTER, ids=named)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the quick retry of a call not wait."""
    monkeypatch.setattr(client, "_QUICK_RETRY_SECONDS", 0.0)


def of(cloud: Cloud, estab: str = ESTAB) -> School:
    school = school_table(cloud).get(estab)
    assert school is not None
    return school


def let_pass(cloud: Cloud, time: timedelta) -> School:
    """Move everything that the school remembers into the past; return what it then is."""

    def earlier(moment: datetime | None) -> datetime | None:
        return moment and moment - time

    def aged(school: School) -> School:
        times = ("state_since", "first_refused_at", "refused_at", "probe_at")
        return replace(school, **{name: earlier(getattr(school, name)) for name in times})

    return school_table(cloud).change(ESTAB, aged)


def watch(cloud: Cloud) -> None:
    """Let a minute's look send what is due, and its consumers do it."""
    cloud.invoke("watch_deadlines", {})
    cloud.settle("AuthenticationQueue")


def dead_letters(cloud: Cloud) -> list[Any]:
    queues = ("AuthenticationDeadLetterQueue", "RegistrationDeadLetterQueue", "PullDeadLetterQueue")
    return [message for queue in queues for message in cloud.take(queue)]


# -- 1: who refuses is Xporter, in its own words


@odd_answers
def test_a_new_schools_secret_outlives_whatever_is_not_xporters_word(
    connected: Cloud, xporter: Xporter, odd: dict[str, Any]
) -> None:
    secret = xporter.school(scopes=FEW)
    authorise(connected, secret)
    xporter.set_faults({"kind": "odd_answer", "path": "gettoken", **odd})
    for _ in range(3):
        messages = connected.take("AuthenticationQueue")
        assert len(messages) == 1
        assert connected.invoke("onboard_school", records(*messages)) == {"batchItemFailures": []}
    assert of(connected).state == SchoolState.INVITED
    xporter.set_faults()
    connected.settle("AuthenticationQueue")
    assert (of(connected).state, stored_secret(connected)) == (SchoolState.INSTALLED, secret)
    assert dead_letters(connected) == []


@odd_answers
def test_a_live_school_outlives_whatever_is_not_xporters_word(
    connected: Cloud, xporter: Xporter, odd: dict[str, Any]
) -> None:
    before = stored_school(connected, secret=xporter.school(scopes=FEW), scopes=("School",))
    xporter.set_faults({"kind": "odd_answer", "path": "gettoken", **odd})
    for _ in range(3):
        for function in ("onboard_school", "register_webhooks"):
            connected.invoke(function, records({"estab": ESTAB}))
        let_pass(connected, timedelta(days=2))
    after = of(connected)
    assert (after.state, after.refusals, after.last_refusal) == (SchoolState.LIVE, 0, "")
    assert after.credentials == before.credentials
    assert dead_letters(connected) == []


def test_refusals_within_a_day_revoke_nobody_and_over_days_they_do(
    connected: Cloud, xporter: Xporter
) -> None:
    stored_school(connected, secret=xporter.school(scopes=FEW), scopes=("School",))
    xporter.set_school(revoked=True)
    for _ in range(20):
        connected.invoke("register_webhooks", records({"estab": ESTAB}))
        let_pass(connected, timedelta(hours=1))
    school = of(connected)
    assert (school.state, school.refusals) == (SchoolState.LIVE, 20)
    let_pass(connected, REVOKED_AFTER)
    watch(connected)
    school = of(connected)
    assert (school.state, school.cause) == (SchoolState.REVOKED, "secret_refused")
    assert [event["type"] for event in connected.events()] == ["school.revoked"]


@pytest.mark.parametrize("days", [1, 20, 400])
def test_a_revoked_school_is_asked_again_and_heals_by_itself(
    connected: Cloud, xporter: Xporter, days: int
) -> None:
    secret = xporter.school(scopes=FEW)
    long_ago = datetime.now(UTC) - timedelta(days=days)
    stored_school(
        connected,
        secret=secret,
        state=SchoolState.REVOKED,
        state_since=long_ago,
        first_refused_at=long_ago,
        refused_at=long_ago,
        refusals=9,
        probe_at=long_ago,
    )
    xporter.set_school(revoked=True)
    watch(connected)
    school = of(connected)
    assert school.state is SchoolState.REVOKED
    wait = school.probe_at - datetime.now(UTC)
    assert timedelta(0) < wait <= (timedelta(days=1) if days < 14 else timedelta(days=7))
    xporter.set_school(revoked=False)
    let_pass(connected, wait + timedelta(minutes=1))
    watch(connected)
    connected.settle()
    assert (of(connected).state, stored_secret(connected)) == (SchoolState.LIVE, secret)
    types = [event["type"] for event in connected.events()]
    assert [name for name in types if name.startswith("school.")] == [
        "school.authorised",
        "school.live",
    ]


def test_a_probe_that_meets_an_outage_waits_for_the_next_probe(
    connected: Cloud, xporter: Xporter
) -> None:
    past = datetime.now(UTC) - timedelta(days=1)
    stored_school(
        connected, secret=SECRET, state=SchoolState.REVOKED, state_since=past, probe_at=past
    )
    xporter.set_faults({"kind": "odd_answer", "path": "gettoken", "status": 403})
    watch(connected)
    assert connected.depth("AuthenticationQueue") == 0
    assert of(connected).probe_at > datetime.now(UTC) + timedelta(hours=23)


def test_a_new_schools_secret_that_xporter_refuses_is_asked_for_again_over_days(
    connected: Cloud, xporter: Xporter
) -> None:
    secret = xporter.school(scopes=FEW)
    xporter.set_faults({"kind": "refused_secret"})
    school = onboard(connected, secret)
    assert (school.state, school.cause) == (SchoolState.INVITED, "secret_refused")
    for _ in range(6):
        let_pass(connected, timedelta(hours=6))
        watch(connected)
    assert of(connected).state is SchoolState.INVITED
    xporter.set_faults()
    let_pass(connected, timedelta(hours=6))
    watch(connected)
    assert (of(connected).state, stored_secret(connected)) == (SchoolState.INSTALLED, secret)


def test_a_secret_that_is_refused_for_days_is_forgotten(connected: Cloud, xporter: Xporter) -> None:
    xporter.school(scopes=FEW)
    onboard(connected, SECRET)
    for _ in range(4):
        let_pass(connected, timedelta(days=1))
        watch(connected)
    school = of(connected)
    assert (school.state, school.credentials, school.probe_at) == (SchoolState.INVITED, None, None)


# -- 3: what a scope covered goes only when a second look says the same


def settled(cloud: Cloud, xporter: Xporter, *scopes: str) -> School:
    """Return a live school whose datasets are pulled."""
    onboard(cloud, xporter.school(scopes=list(scopes)))
    cloud.settle()
    cloud.events()
    return of(cloud)


def look(cloud: Cloud, *, after: timedelta = timedelta(0)) -> None:
    """Look at the school's scopes, and do what follows, so long after what is remembered of it."""

    def aged(school: School) -> School:
        times = school.missing_scopes.items()
        earlier = {name: end and end - after for name, end in times}
        return replace(school, missing_scopes=earlier)

    school_table(cloud).change(ESTAB, aged)
    cloud.invoke("register_webhooks", records({"estab": ESTAB, "look_at_scopes": True}))
    cloud.settle("PullQueue", "ErasureQueue")


def states(cloud: Cloud) -> dict[str, str]:
    items = dataset_table(cloud).of_school(ESTAB)
    return {item.dataset: str(item.state) for item in items if item.published.sequence}


def snapshots(cloud: Cloud) -> dict[str, bytes]:
    objects = cloud.objects("DataBucket")
    return {key: body for key, body in objects.items() if not key.endswith("latest.json")}


ALL = ("School", "Student", "StudentDemographic", "Staff")


@pytest.mark.parametrize(
    ("lost", "withheld"),
    [
        (["Student", "StudentDemographic"], {"students"}),
        (["StudentDemographic"], {"students"}),
        (["Staff"], {"staff"}),
        (["School"], {"schoolinfo", "groups"}),
    ],
)
def test_a_scope_that_once_is_not_named_costs_nothing_but_a_pause(
    connected: Cloud, xporter: Xporter, lost: list[str], withheld: set[str]
) -> None:
    settled(connected, xporter, *ALL)
    before, files = states(connected), snapshots(connected)
    xporter.set_faults({"kind": "missing_scopes", "value": lost})
    look(connected)
    asked = len(xporter.requests())
    for database in ("XodSchoolData", "XodAssessmentTables"):
        message = {"estab": ESTAB, "database": database, "received_at": iso(datetime.now(UTC))}
        connected.invoke("plan_pulls", records(message))
    connected.settle("PullQueue")
    paths = {path.rpartition("/")[2] for path in xporter.paths()[asked:]}
    school = of(connected)
    assert (set(school.missing_scopes), paths & withheld) == (set(lost), set())
    assert withheld <= {name for name, s in states(connected).items() if s == "not_covered"}
    look(connected)
    assert files.items() <= snapshots(connected).items()
    xporter.set_faults()
    look(connected, after=timedelta(hours=7))
    school = of(connected)
    assert (set(school.scopes), dict(school.missing_scopes)) == (set(ALL), {})
    assert states(connected) == before
    assert files.items() <= snapshots(connected).items()


@pytest.mark.parametrize(
    ("lost", "erased"),
    [(["Student", "StudentDemographic"], {"students"}), (["Staff"], {"staff"})],
)
def test_what_two_looks_hours_apart_do_not_name_is_erased(
    connected: Cloud, xporter: Xporter, lost: list[str], erased: set[str]
) -> None:
    settled(connected, xporter, *ALL)
    xporter.set_school(scopes=[scope for scope in ALL if scope not in lost])
    look(connected)
    look(connected, after=timedelta(hours=5))
    assert "erased" not in states(connected).values()
    look(connected, after=timedelta(hours=1))
    assert {name for name, state in states(connected).items() if state == "erased"} == erased
    assert dict(of(connected).missing_scopes) == {}


def test_the_watcher_brings_the_second_look_by_itself(connected: Cloud, xporter: Xporter) -> None:
    connected._parameters["ScopeRemovalSeconds"] = "1"
    settled(connected, xporter, *ALL)
    xporter.set_school(scopes=["School", "Student", "StudentDemographic"])
    look(connected)
    assert states(connected)["staff"] == "not_covered"
    time.sleep(1.1)
    watch(connected)
    connected.settle("PullQueue", "ErasureQueue")
    assert states(connected)["staff"] == "erased"


def test_columns_of_a_scope_that_is_gone_for_good_go_and_the_rest_is_pulled_anew(
    connected: Cloud, xporter: Xporter
) -> None:
    settled(connected, xporter, *ALL)
    xporter.set_school(scopes=["School", "Student", "Staff"])
    look(connected)
    assert states(connected)["students"] == "not_covered"
    look(connected, after=timedelta(hours=7))
    assert states(connected)["students"] == "erased"
    connected.invoke("pull_dataset", records({"estab": ESTAB, "dataset": "students"}))
    assert states(connected)["students"] == "current"
    [manifest] = [
        document
        for key, document in connected.objects("DataBucket").items()
        if key.endswith("dataset=students/latest.json")
    ]
    assert json.loads(manifest)["sequence"] == 3


@pytest.mark.parametrize("said", [{"kind": "missing_scopes"}, {"scopes": []}])
def test_a_token_that_allows_nothing_erases_nothing_and_calls_a_person(
    connected: Cloud,
    xporter: Xporter,
    said: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    settled(connected, xporter, *ALL)
    before, files = states(connected), snapshots(connected)
    if "kind" in said:
        xporter.set_faults(said)
    else:
        xporter.set_school(**said)
    capsys.readouterr()
    for _ in range(4):
        look(connected, after=timedelta(days=3))
    assert '"ScopesMissing":[1.0]' in capsys.readouterr().out.replace(" ", "")
    school = of(connected)
    assert (school.scopes, set(school.missing_scopes.values())) == ((), {None})
    assert "allows nothing" in school.next_step
    assert school.probe_at < datetime.now(UTC) + timedelta(hours=7)
    assert files.items() <= snapshots(connected).items()
    xporter.set_faults()
    xporter.set_school(scopes=list(ALL))
    look(connected)
    assert states(connected) == before
    assert "not_covered" not in states(connected).values()


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_first_onboarding_outlives_a_refusal_by_token_details(
    connected: Cloud, xporter: Xporter, count: int
) -> None:
    secret = xporter.school(scopes=FEW)
    xporter.set_faults({"kind": "expired_token", "path": "tokendetails", "count": count})
    school = onboard(connected, secret)
    assert (school.state, dead_letters(connected)) == (SchoolState.INSTALLED, [])


def test_a_daily_look_outlives_a_refusal_by_token_details(
    connected: Cloud, xporter: Xporter
) -> None:
    before = settled(connected, xporter, *ALL)
    xporter.set_faults({"kind": "expired_token", "path": "tokendetails", "count": 2})
    connected.client("sqs").send_message(
        QueueUrl=connected.ref("RegistrationQueue"),
        MessageBody=json.dumps({"estab": ESTAB, "look_at_scopes": True}),
    )
    connected.settle("RegistrationQueue")
    after = of(connected)
    assert (after.state, after.scopes, after.refusals) == (before.state, before.scopes, 0)
    assert dead_letters(connected) == []


# -- 5: the secret of one school that opens another


OTHERS = ["3281999", "9160001", "8854321"]


def asked_under(xporter: Xporter, since: int) -> set[str]:
    """Return the numbers under which data was asked for."""
    paths = (path.split("/") for path in xporter.paths()[since:])
    return {parts[4] for parts in paths if parts[3:4] == ["school"]}


@pytest.mark.parametrize("named_estab", OTHERS)
@pytest.mark.parametrize("notices", ["a pull", "the daily look", "the same callback"])
def test_a_school_whose_secret_opens_another_number_is_paused_with_both(
    connected: Cloud, xporter: Xporter, named_estab: str, notices: str
) -> None:
    settled(connected, xporter, *FEW)
    files = snapshots(connected)
    secret = stored_secret(connected) or ""
    xporter.school(named_estab, seed=9, scopes=FEW)
    xporter.set_school(new_estab=named_estab)
    asked = len(xporter.requests())
    if notices == "a pull":
        without_token(connected)
        dataset_table(connected).add_demand(ESTAB, "schoolinfo", datetime.now(UTC))
        connected.invoke("pull_dataset", records({"estab": ESTAB, "dataset": "schoolinfo"}))
    elif notices == "the daily look":
        look(connected)
    else:
        onboard(connected, secret)
    connected.settle("PullQueue", "ErasureQueue")
    school = of(connected)
    assert school.state is SchoolState.PAUSED
    assert (ESTAB in school.cause, named_estab in school.cause) == (True, True)
    assert "another school" in school.next_step
    assert asked_under(xporter, asked) == set()
    assert snapshots(connected) == files
    assert stored_secret(connected) == secret
    assert dead_letters(connected) == []
    xporter.set_school(new_estab="")
    let_pass(connected, timedelta(hours=1))
    watch(connected)
    connected.settle("PullQueue")
    assert of(connected).state in {SchoolState.INSTALLED, SchoolState.LIVE}
    assert asked_under(xporter, asked) <= {ESTAB}


def without_token(cloud: Cloud) -> None:
    """Let the stored token end."""

    def ended(school: School) -> School:
        assert school.credentials
        return replace(school, credentials=replace(school.credentials, token=None))

    school_table(cloud).change(ESTAB, ended)


@pytest.mark.parametrize("named_estab", OTHERS)
def test_a_first_secret_that_opens_another_number_takes_nobody_in(
    connected: Cloud, xporter: Xporter, named_estab: str
) -> None:
    secret = xporter.school(scopes=FEW)
    xporter.set_school(new_estab=named_estab)
    school = onboard(connected, secret)
    assert (school.state, named_estab in school.cause) == (SchoolState.INVITED, True)
    assert asked_under(xporter, 0) == set()


@pytest.mark.parametrize("written", ["328/1102", " 3281102 ", 3281102, "328-1102"])
def test_the_same_number_written_otherwise_is_the_same_number(
    deploy: Callable[..., Cloud], written: Any
) -> None:
    details = {"Estab": written, "RelyingParty": "live.example.app", "Scopes": FEW}
    answers = {
        "/api/oauth/GetToken": (200, {"token": "dA=="}),
        "/api/v1/TokenDetails": (200, details),
    }
    with LyingXporter(answers) as lying:
        assert onboard(deploy(XporterUrl=lying.url), SECRET).state is SchoolState.INSTALLED


# -- 19: forms that old clients write


@pytest.mark.parametrize("form", sorted(FORMS))
@pytest.mark.parametrize("content_type", ["text/plain", None, "text/plain; charset=windows-1252"])
def test_a_school_is_taken_in_however_its_form_is_written(
    connected: Cloud, xporter: Xporter, form: str, content_type: str | None
) -> None:
    secret = xporter.school(scopes=FEW)
    token = connected.client("secretsmanager").get_secret_value(
        SecretId=connected.ref("AuthenticationTokenSecret")
    )
    event = callback(
        f"{BASE_URL}/callbacks/authentication/{token['SecretString']}",
        "POST",
        body=FORMS[form](authentication_form(schoolSecret=secret)),
        content_type=content_type,
        is_base64=True,
    )
    assert connected.invoke("receive_authentication", event)["statusCode"] == 202
    connected.settle("AuthenticationQueue")
    assert (of(connected).state, stored_secret(connected)) == (SchoolState.INSTALLED, secret)


# -- 2: what each call's success looks like; everything else is asked for again


MAINTENANCE = '{"Message": "Down for maintenance", "ExceptionType": null, "ExceptionMessage": null}'


@pytest.mark.parametrize("odd", [*NOT_XPORTER, {"status": 200, "body": MAINTENANCE}], ids=named)
def test_a_registration_is_recorded_when_xporter_says_so_and_else_tried_again(
    connected: Cloud, xporter: Xporter, odd: dict[str, Any]
) -> None:
    stored_school(connected, secret=xporter.school(scopes=FEW), scopes=("School",))
    xporter.set_faults({"kind": "odd_answer", "path": "webhook", **odd})
    connected.invoke("register_webhooks", records({"estab": ESTAB}))
    assert dict(of(connected).registrations) == {}
    assert connected.depth("RegistrationQueue") == 1
    xporter.set_faults()
    connected.settle("RegistrationQueue")
    assert set(of(connected).registrations) == {"XodSchoolData"}
    assert dead_letters(connected) == []


@pytest.mark.parametrize(
    "body",
    [
        '{"Message": null, "ExceptionType": null, "ExceptionMessage": null}',
        '{"message": "Success.", "exceptionmessage": null}',
        '{"Message": "OK"}',
    ],
)
def test_what_is_documented_is_a_registration(
    connected: Cloud, xporter: Xporter, body: str
) -> None:
    stored_school(connected, secret=xporter.school(scopes=FEW), scopes=("School",))
    xporter.set_faults({"kind": "odd_answer", "path": "webhook", "status": 200, "body": body})
    connected.invoke("register_webhooks", records({"estab": ESTAB}))
    assert set(of(connected).registrations) == {"XodSchoolData"}


@pytest.mark.parametrize("body", ["maintenance", "object", "message"])
def test_an_odd_answer_about_one_database_keeps_no_other_back(
    connected: Cloud, xporter: Xporter, body: str
) -> None:
    scopes = ("School", "Student", "Attendance")
    stored_school(connected, secret=xporter.school(scopes=list(scopes)), scopes=scopes)
    # Each call is made twice at once.
    xporter.set_faults({"kind": "odd_answer", "path": "webhook", "body": body, "count": 2})
    connected.invoke("register_webhooks", records({"estab": ESTAB}))
    assert len(of(connected).registrations) == 1
    connected.settle("RegistrationQueue")
    assert set(of(connected).registrations) == {"XodSchoolData", "XodAttendanceSummary"}


@odd_answers
def test_what_is_no_token_details_changes_no_scope(
    connected: Cloud, xporter: Xporter, odd: dict[str, Any]
) -> None:
    before = stored_school(connected, secret=xporter.school(scopes=FEW), scopes=("School",))
    xporter.set_faults({"kind": "odd_answer", "path": "tokendetails", **odd})
    message = {"estab": ESTAB, "look_at_scopes": True}
    for _ in range(2):
        connected.invoke("register_webhooks", records(message))
        connected.invoke("onboard_school", records({"estab": ESTAB}))
    after = of(connected)
    assert (after.state, after.scopes) == (before.state, before.scopes)
    assert (after.refusals, dict(after.missing_scopes)) == (0, {})
    assert connected.take("ErasureQueue") == dead_letters(connected) == []


@odd_answers
def test_what_is_no_data_fails_no_dataset_and_changes_none(
    connected: Cloud, xporter: Xporter, odd: dict[str, Any]
) -> None:
    settled(connected, xporter, *FEW)
    files = snapshots(connected)
    xporter.set_faults({"kind": "odd_answer", "path": f"school/{ESTAB}/", **odd})
    for _ in range(3):
        dataset_table(connected).add_demand(ESTAB, "schoolinfo", datetime.now(UTC))
        connected.invoke("pull_dataset", records({"estab": ESTAB, "dataset": "schoolinfo"}))
        connected.take("PullQueue")
    item = dataset_table(connected).get(ESTAB, "schoolinfo")
    assert item
    assert (item.state, item.published.sequence, item.is_due) == ("current", 1, True)
    assert snapshots(connected) == files
    assert of(connected).state is SchoolState.LIVE
    assert dead_letters(connected) == []


# -- 4: a Retry-After beyond any calendar


@pytest.mark.parametrize(
    "retry_after",
    [
        "-5",
        "9" * 400,
        "Fri, 31 Dec 99999 23:59:59 GMT",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "Thu, 01 Jan 2099 00:00:00",
        "2099-01-01",
        "soon",
        "1e400",
    ],
)
@pytest.mark.parametrize("status", [429, 503, 403])
def test_no_retry_after_breaks_a_pull_or_sends_it_away_for_long(
    connected: Cloud, xporter: Xporter, retry_after: str, status: int
) -> None:
    stored_school(connected, secret=xporter.school(scopes=FEW), scopes=("School",))
    xporter.set_faults({"kind": "odd_answer", "status": status, "retry_after": retry_after})
    dataset_table(connected).add_demand(ESTAB, "schoolinfo", datetime.now(UTC))
    before = datetime.now(UTC)
    reply = connected.invoke("pull_dataset", records({"estab": ESTAB, "dataset": "schoolinfo"}))
    item = dataset_table(connected).get(ESTAB, "schoolinfo")
    assert item
    assert reply == {"batchItemFailures": []}
    assert item.reason == f"xporter_{status}"
    assert item.progress.retry_at
    assert before < item.progress.retry_at <= datetime.now(UTC) + timedelta(hours=1, seconds=1)
    assert dead_letters(connected) == []
