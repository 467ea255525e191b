"""request_availability and settle_availability: from a request to a dataset that is due."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.builders import ESTAB, dataset_table, records, school_table, stored_school
from tests.support.moto_cloud import Cloud
from tests.support.xporter import Xporter
from xporter_bridge.availability.accept import AvailabilityDependencies, request_endpoint
from xporter_bridge.availability.model import AvailabilityRequest
from xporter_bridge.availability.repository import AvailabilityRepository
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.datasets import config as datasets
from xporter_bridge.datasets.config import configured
from xporter_bridge.schools.model import change_state
from xporter_bridge.schools.states import SchoolState

EVENTS = Path(__file__).parents[2] / "events"


def _deps(cloud: Cloud) -> AvailabilityDependencies:
    return AvailabilityDependencies(
        operations=AvailabilityRepository(cloud.client("dynamodb"), cloud.ref("OperationsTable")),
        datasets=dataset_table(cloud),
        requests=Queue(cloud.client("sqs"), cloud.ref("AvailabilityRequestQueue")),
        pulls=Queue(cloud.client("sqs"), cloud.ref("PullQueue")),
        config=configured(),
        now=lambda: datetime.now(UTC),
    )


@pytest.fixture
def pull(connected: Cloud, xporter: Xporter) -> AvailabilityRequest:
    school = stored_school(connected, secret=xporter.school())
    return request_endpoint(school, "AttendanceForDate", {"date": "2026-11-20"}, _deps(connected))


def _held(cloud: Cloud, pull: AvailabilityRequest) -> AvailabilityRequest:
    found = _deps(cloud).operations.get(ESTAB, pull.id)
    assert found
    return found


def _event(name: str, pull: AvailabilityRequest) -> dict[str, Any]:
    event = json.loads((EVENTS / f"{name}.json").read_text())
    for record in event["Records"]:
        record["body"] = json.dumps({**json.loads(record["body"]), "id": pull.id})
    return dict(event)


def test_a_request_is_asked_and_ends_by_its_callback(
    connected: Cloud, xporter: Xporter, pull: AvailabilityRequest
) -> None:
    asked = connected.invoke(
        "request_availability", _event("request_availability/message__ask", pull)
    )
    assert asked == {"batchItemFailures": []}
    assert _held(connected, pull).state == "waiting"
    (sent,) = [each for each in xporter.requests() if "callbackUrl" in each["query"]]
    assert (
        "callbackUrl=https%3A%2F%2Fcallbacks.example.app%2Fcallbacks%2Favailability%3Festab"
        in (sent["query"])
    )
    settled = connected.invoke(
        "settle_availability", _event("settle_availability/message__ready", pull)
    )
    assert settled == {"batchItemFailures": []}
    held = _held(connected, pull)
    assert (held.state, held.outcome, held.generation) == ("pulling", "ready", 1)
    assert connected.take("PullQueue") == [{"estab": ESTAB, "dataset": held.dataset}]
    item = dataset_table(connected).get(ESTAB, held.dataset)
    assert item
    assert (item.demand.requested, item.demand.staleness) == (1, None)


def test_a_school_that_has_revoked_us_fails_the_request(
    connected: Cloud, pull: AvailabilityRequest
) -> None:
    school_table(connected).change(
        ESTAB, lambda it: change_state(it, SchoolState.REVOKED, "test", datetime.now(UTC))
    )
    connected.settle("AvailabilityRequestQueue")
    held = _held(connected, pull)
    assert (held.state, held.reason) == ("failed", "school_revoked")


def test_a_callback_about_nothing_changes_nothing(connected: Cloud) -> None:
    message = {"estab": ESTAB, "id": "pull-nothing", "statuses": []}
    reply = connected.invoke("settle_availability", records(message))
    assert reply == {"batchItemFailures": []}
    assert connected.depth("PullQueue") == 0


_TIMETABLED = """
[datasets.attendance]
endpoint = "attendancefordate"
parameters = { date = "{today}" }
every_minutes = 30
"""


def test_a_timetable_asks_once_in_its_time(
    connected: Cloud, xporter: Xporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored_school(connected, secret=xporter.school())
    timetabled = datasets.parse(_TIMETABLED)
    monkeypatch.setattr("xporter_bridge.datasets.timetable._share", lambda _: 0.0)
    monkeypatch.setattr("functions.request_availability.handler.configured", lambda *_: timetabled)
    event = json.loads((EVENTS / "request_availability/message__timetable.json").read_text())
    for _ in range(2):
        reply = connected.invoke("request_availability", event)
        assert reply == {"batchItemFailures": []}
    (message,) = connected.take("AvailabilityRequestQueue")
    held = _deps(connected).operations.get(ESTAB, message["id"])
    assert held
    assert held.dataset.startswith("attendance-20")
    assert held.definition
