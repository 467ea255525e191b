"""Answers and callbacks that are none Xporter is known to give: no glitch destroys anything.

Each is met where an operator would meet it: real handlers, the simulator's faults, AWS in memory.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.builders import (
    ESTAB,
    SECRET,
    authorise,
    onboard,
    records,
    school_table,
    stored_school,
    stored_secret,
)
from tests.support.moto_cloud import Cloud
from tests.support.xporter import Xporter
from xporter_bridge.schools.model import REVOKED_AFTER, School, SchoolState
from xporter_bridge.timestamps import iso, parse
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

    def earlier(text: str) -> str:
        return iso(parse(text) - time) if text else ""

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
    assert school_table(connected).get(ESTAB) is None
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
    long_ago = iso(datetime.now(UTC) - timedelta(days=days))
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
    wait = parse(school.probe_at) - datetime.now(UTC)
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
    past = iso(datetime.now(UTC) - timedelta(days=1))
    stored_school(
        connected, secret=SECRET, state=SchoolState.REVOKED, state_since=past, probe_at=past
    )
    xporter.set_faults({"kind": "odd_answer", "path": "gettoken", "status": 403})
    watch(connected)
    assert connected.depth("AuthenticationQueue") == 0
    assert parse(of(connected).probe_at) > datetime.now(UTC) + timedelta(hours=23)


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
    assert (school.state, school.credentials, school.probe_at) == (SchoolState.INVITED, None, "")
