"""The schemas of docs/events, held against what is really published."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.support.builders import ESTAB, NOW, dataset_table, records, school_table, stored_school
from tests.support.company_api import CompanyApi
from tests.support.moto_cloud import Cloud
from tests.support.template import ROOT
from tests.support.xporter import Xporter
from xporter_bridge.events.bus import EventBus
from xporter_bridge.events.model import TYPES
from xporter_bridge.schools.credentials import Credentials
from xporter_bridge.schools.model import (
    REFUSALS_UNTIL_REVOKED,
    REVOKED_AFTER,
    School,
    paused,
    secret_refused,
    secret_verified,
)
from xporter_bridge.schools.outbox import publish_school_events
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.writebacks.model import Part, Writeback, WritebackKind, WritebackOutcome
from xporter_bridge.writebacks.transitions import claimed, marked_unknown, outcome_received, queued

DEADLINE = timedelta(minutes=75)
SCHEMAS = {
    path.name.removesuffix(".schema.json"): json.loads(path.read_text(encoding="utf-8"))
    for path in (ROOT / "docs/events").glob("*.schema.json")
}


def verify(event: dict[str, Any]) -> None:
    """Hold that a reader is told exactly what the schema of the event's type says."""
    schema = SCHEMAS[event["type"]]
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(event)
    assert set(event) == set(schema["properties"])
    assert set(event["data"]) == set(schema["properties"]["data"]["properties"])


def pull(cloud: Cloud, dataset: str) -> None:
    dataset_table(cloud).add_demand(ESTAB, dataset, NOW)
    reply = cloud.invoke("pull_dataset", records({"estab": ESTAB, "dataset": dataset}))
    assert reply == {"batchItemFailures": []}


def revoked(school: School) -> School:
    school = replace(school, credentials=Credentials(b"wrapped", secret=b"sealed"))
    for number in range(REFUSALS_UNTIL_REVOKED):
        school = secret_refused(school, "xporter_refused", NOW + number * REVOKED_AFTER)
    return school


def sent() -> Writeback:
    facts = {"created_at": NOW, "watch_at": NOW, "mode": "async", "payload_digest": "d"}
    part = queued(Part(date="2026-11-20", rows=1), DEADLINE, NOW)
    kind = WritebackKind.ATTENDANCE
    new = Writeback(estab=ESTAB, id="writeback-1", kind=kind, parts=(part,), **facts)  # type: ignore[arg-type]
    return claimed(new, 0, DEADLINE, NOW)


def test_every_type_has_a_schema_and_an_example_that_fits() -> None:
    assert set(SCHEMAS) == set(TYPES)
    for type_, schema in SCHEMAS.items():
        Draft202012Validator.check_schema(schema)
        assert schema["title"] == schema["properties"]["type"]["const"] == type_
        for example in schema["examples"]:
            verify(example)


def test_what_pulls_publish_is_as_the_schemas_say(connected: Cloud, xporter: Xporter) -> None:
    secret = xporter.school(students=60)
    stored_school(connected, secret=secret, state=SchoolState.INSTALLED)
    pull(connected, "students")
    path = f"schools/{ESTAB}/databases/XodSchoolData/change"
    xporter.control("POST", path, {"deletes": 30, "notify": False})
    pull(connected, "students")
    events = connected.events()
    assert [event["type"] for event in events] == ["school.live", "dataset.changed", "dataset.held"]
    for event in events:
        verify(event)


@pytest.mark.parametrize(
    ("state", "type_", "decide"),
    [
        (
            SchoolState.INVITED,
            "school.authorised",
            lambda school: secret_verified(school, ("School",), NOW),
        ),
        (SchoolState.LIVE, "school.paused", lambda school: paused(school, NOW)),
        (SchoolState.LIVE, "school.revoked", revoked),
    ],
)
def test_what_becomes_of_a_school_is_published_as_the_schemas_say(
    cloud: Cloud, state: SchoolState, type_: str, decide: Any
) -> None:
    schools = school_table(cloud)
    schools.change(ESTAB, lambda _: decide(School(ESTAB, state=state, version=1)))
    bus = EventBus(cloud.client("events"), cloud.ref("EventBus"))
    publish_school_events(ESTAB, schools, bus)
    event = cloud.events()[0]
    assert event["type"] == type_
    told = event["data"]["attention"]
    assert (told["severity"] == "trouble") is (type_ == "school.revoked")
    assert "_" not in told["says"] + told["do"]
    verify(event)


def test_an_erasure_is_published_as_the_schemas_say(cloud: Cloud) -> None:
    stored_school(cloud)
    CompanyApi(cloud).delete(f"/v1/schools/{ESTAB}")
    assert cloud.deliver("ErasureQueue") == []
    (event,) = cloud.events()
    assert event["type"] == "school.erased"
    verify(event)


@pytest.mark.parametrize(
    ("type_", "writeback"),
    [
        ("writeback.completed", outcome_received(sent(), 0, 1, WritebackOutcome(True, "t1"), NOW)),
        (
            "writeback.failed",
            outcome_received(sent(), 0, 1, WritebackOutcome(False, "t1", "refused"), NOW),
        ),
        ("writeback.unknown", marked_unknown(sent(), 0, "xporter_unavailable", NOW)),
    ],
)
def test_what_becomes_of_a_writeback_is_published_as_the_schemas_say(
    type_: str, writeback: Writeback
) -> None:
    (event,) = (event.document() for event in writeback.outbox)
    assert event["type"] == type_
    verify(event)
