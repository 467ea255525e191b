"""Messages, staged pages and published data of the code at 60edcfd are handled as before.

Queues keep a message for 14 days, so that each form is read for as long after a deployment.
"""

from __future__ import annotations

import pytest

from tests.recorded.actors import ESTAB, WRITEBACK_SCOPES, founded, outcomes_sent
from tests.recorded.queries import (
    MESSAGES,
    dataset,
    messages,
    operation,
    school,
)
from tests.recorded.support import Deployment, recorded, restore
from tests.support import template
from tests.support.xporter import Xporter


def test_every_message_is_handled_where_there_is_nothing_to_do(offline: Deployment) -> None:
    """Of a school that nobody knows any more, and those that were dead-lettered too."""
    for message in MESSAGES:
        offline.clear()
        queue, body = message["queue"].replace("DeadLetter", ""), message["body"]
        if "sealed_secret" in body:
            body = {**body, "relying_party": "somebody.else"}
        assert offline.consume(queue, body) == [], message
        parked = [each for each in offline.tape.messages if each.get("attributes")]
        # A writeback by message must say whose it is, and what is to be written.
        assert bool(parked) is (queue == "WritebackQueue" and "kind" in body), message


def test_a_message_of_every_queue_is_among_the_recorded_ones() -> None:
    assert set(template.consumers()) <= {message["queue"] for message in MESSAGES}


def test_a_database_callback_asks_for_the_datasets_of_its_database(offline: Deployment) -> None:
    restore(offline, "withdrawing.scope_removed")
    [message] = messages("DatabaseQueue")
    assert offline.consume("DatabaseQueue", message) == []
    asked = {
        each["body"]["dataset"] for each in offline.tape.messages if each["queue"] == "PullQueue"
    }
    assert len(asked) == 1, "one message is for all datasets of the school"
    assert asked < {"schoolinfo", "groups"}
    assert (
        dataset(offline, "schoolinfo")["requested"],
        dataset(offline, "groups")["requested"],
    ) == (
        "2",
        "1",
    )


@pytest.mark.parametrize("tries", [0, 1])
def test_a_secret_on_its_way_is_proved_and_adopted(
    online: Deployment, xporter: Xporter, tries: int
) -> None:
    founded(xporter)
    wrong, *right = messages("AuthenticationQueue", *authentication(0), is_installed=None)
    [not_installed] = messages("AuthenticationQueue", *authentication(tries), is_installed=False)
    assert right == []
    assert online.consume("AuthenticationQueue", wrong) == []
    assert (school(online)["state"], school(online)["last_refusal"]) == (
        "invited",
        "secret_refused",
    )
    assert online.consume("AuthenticationQueue", not_installed) == []
    assert school(online)["state"] == "authorised"
    installed = {**not_installed, "is_installed": True, "has_completed_install": True}
    assert online.consume("AuthenticationQueue", installed) == []
    assert school(online)["state"] == "installed"
    assert {"RegistrationQueue", "PullQueue"} <= {each["queue"] for each in online.tape.messages}


def authentication(tries: int) -> tuple[str, ...]:
    names = (
        "estab", "sealed_secret", "relying_party", "school_name", "is_installed",
        "has_completed_install", "received_at",
    )  # fmt: skip
    return (*names, "tries") if tries else names


@pytest.mark.parametrize("names", [("estab",), ("estab", "tries")])
@pytest.mark.parametrize("name", ["onboarding.authorised", "pausing.paused_with_another_secret"])
def test_a_school_that_waits_is_asked_again_with_the_secret_that_was_stored(
    online: Deployment, xporter: Xporter, name: str, names: tuple[str, ...]
) -> None:
    is_paused = name.startswith("pausing")
    founded(xporter, **({"seed": 2, "scopes": ["School"]} if is_paused else {}))
    restore(online, name)
    [message] = messages("AuthenticationQueue", *names)
    assert online.consume("AuthenticationQueue", message) == []
    assert school(online)["last_refusal"] is None
    # Installing had not been completed, or the school had been live with its other secret.
    assert school(online)["state"] == ("installed" if is_paused else "authorised")


@pytest.mark.parametrize(
    "names",
    [
        ("estab",),
        ("estab", "tries"),
        ("estab", "look_at_scopes"),
        ("estab", "look_at_scopes", "tries"),
    ],
)
def test_registrations_are_made_with_the_credentials_that_were_stored(
    online: Deployment, xporter: Xporter, names: tuple[str, ...]
) -> None:
    founded(xporter, students=25)
    restore(online, "pulling.checkpoint")
    online.cloud.client("dynamodb").update_item(
        TableName=online.cloud.ref("SchoolsTable"),
        Key={"estab": {"S": ESTAB}},
        UpdateExpression="REMOVE registrations",
    )
    [message] = messages("RegistrationQueue", *names)
    assert online.consume("RegistrationQueue", message) == []
    # The same keys sign the same URLs as the code did that registered them first.
    assert xporter.webhooks() == recorded("worlds/pulling.checkpoint/world.json")["webhooks"]
    token_details = [path for path in xporter.paths() if path.endswith("/tokendetails")]
    assert bool(token_details) is ("look_at_scopes" in names)


def test_a_registration_that_was_recorded_is_not_made_again(
    online: Deployment, xporter: Xporter
) -> None:
    founded(xporter, students=25)
    restore(online, "pulling.checkpoint")
    assert online.consume("RegistrationQueue", messages("RegistrationQueue", "estab")[0]) == []
    assert xporter.webhooks() == {}


@pytest.mark.parametrize("queue", ["AvailabilityRequestQueue", "AvailabilityQueue"])
def test_a_wait_for_data_is_ended_by_its_callback_or_by_its_deadline(
    offline: Deployment, queue: str
) -> None:
    restore(offline, "requesting.waiting")
    found = [each for each in messages(queue) if "id" in each]
    for message in found:
        if queue == "AvailabilityRequestQueue":
            assert offline.consume(queue, message) == []
            assert operation(offline, "pulls", message["id"])["state"] == "waiting"
            offline.clock.advance(minutes=13)
        assert offline.consume(queue, message) == []
    shown = [operation(offline, "pulls", message["id"]) for message in found]
    assert {(each["state"], each["outcome"]) for each in shown} == (
        {("pulling", "silence")}
        if queue == "AvailabilityRequestQueue"
        else {("pulling", "ready"), ("pulling", "not_ok")}
    )
    pulls = [
        each["body"]["dataset"] for each in offline.tape.messages if each["queue"] == "PullQueue"
    ]
    assert sorted(pulls) == sorted(each["dataset"] for each in shown)


def test_a_half_handed_over_request_is_handed_over(offline: Deployment) -> None:
    world = restore(offline, "requesting.waiting")
    [half] = [
        item["operation"]["S"]
        for item in world["items"]["OperationsTable"]
        if item.get("generation") == {"N": "0"} and item["state"] == {"S": "pulling"}
    ]
    assert offline.consume("AvailabilityRequestQueue", {"estab": ESTAB, "id": half}) == []
    [message] = [each["body"] for each in offline.tape.messages if each["queue"] == "PullQueue"]
    assert message["dataset"] == operation(offline, "pulls", half)["dataset"]


def test_a_message_of_the_timetable_asks_for_what_the_configuration_times(
    offline: Deployment,
) -> None:
    restore(offline, "requesting.waiting")
    [message] = messages("AvailabilityRequestQueue", by="timetable")
    # The dataset with a timetable is switched off in the configuration that ships.
    assert offline.consume("AvailabilityRequestQueue", message) == []
    assert offline.tape.messages == []


def test_outcomes_end_the_writebacks_that_were_sent(offline: Deployment) -> None:
    restore(offline, "writing.sent")
    sent = messages("OutcomeQueue")
    for _ in range(2):
        assert offline.consume("OutcomeQueue", *sent) == []
    shown = {
        message["subject"]: operation(offline, "writebacks", message["subject"].split(".")[0])
        for message in sent
    }
    assert len(shown) >= 2
    for message in sent:
        part = shown[message["subject"]]["parts"][0]
        assert part["state"] == ("completed" if message["is_completed"] else "failed")
        assert part["tracking_id"] in {message["tracking_id"], part["tracking_id"]}
    assert {tuple(pair) for each in sent for pair in each["results"]} == {("1", "17")}
    types = {each["DetailType"] for each in offline.tape.events}
    assert types <= {"writeback.completed", "writeback.failed"}
    assert types


def test_a_writeback_that_was_sealed_is_opened_and_sent_once(
    online: Deployment, xporter: Xporter
) -> None:
    founded(xporter, scopes=WRITEBACK_SCOPES)
    restore(online, "writing.queued")
    [message] = messages("WritebackQueue", "estab", "id")
    for _ in range(2):
        assert online.consume("WritebackQueue", message) == []
    assert operation(online, "writebacks", message["id"])["state"] == "sent"
    [url, *_] = outcomes_sent(xporter)
    then = recorded("worlds/writing.sent/world.json")["outcome_urls"]
    assert url.split("&XodCompleted")[0] in {each.split("&XodCompleted")[0] for each in then}


def test_every_kind_of_writeback_that_was_sealed_is_sent(
    online: Deployment, xporter: Xporter
) -> None:
    founded(xporter, scopes=WRITEBACK_SCOPES)
    world = restore(online, "writing.queued")
    ids = [item["operation"]["S"] for item in world["items"]["OperationsTable"]]
    for id_ in ids:
        assert online.consume("WritebackQueue", {"estab": ESTAB, "id": id_}) == []
    states = [operation(online, "writebacks", id_)["state"] for id_ in ids]
    assert sorted(states) == ["failed", "sent", "sent", "sent", "sent"]


def test_a_writeback_of_the_companys_own_software_is_taken(
    online: Deployment, xporter: Xporter
) -> None:
    founded(xporter, scopes=WRITEBACK_SCOPES)
    restore(online, "writing.queued")
    [message] = messages("WritebackQueue", "estab", "kind", "idempotency_key", "payload")
    before = len(online.items("OperationsTable"))
    for _ in range(2):
        assert online.consume("WritebackQueue", message) == []
    assert len(online.items("OperationsTable")) == before + 1
    assert [path for path in xporter.paths() if "attendanceasync" in path] != []
