"""What the template lets the functions do for the rare case: each in such a case, as deployed.

With the other tests of this folder these use every permission of every role once.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.support import template
from tests.support.builders import (
    ESTAB,
    SECRET,
    dataset_table,
    records,
    stored_school,
)
from tests.support.moto_cloud import Cloud
from tests.support.pull_world import World, in_moto
from tests.support.records import lease, with_facts
from tests.support.xporter import Xporter
from xporter_bridge import entrypoints
from xporter_bridge.availability.accept import AvailabilityDependencies, request_endpoint
from xporter_bridge.availability.repository import AvailabilityRepository
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.datasets import config
from xporter_bridge.datasets.config import configured
from xporter_bridge.datasets.timetable import Timetable
from xporter_bridge.errors import PermanentError
from xporter_bridge.pulls.record import DatasetState
from xporter_bridge.schools.states import SchoolState

STUDENTS = "students"
DAY = {"date": "2026-11-20"}
ALWAYS_DUE = """
[datasets.attendance]
endpoint = "attendancefordate"
parameters = { date = "{today}" }
every_minutes = 30
"""


@pytest.mark.parametrize("queue", sorted(template.consumers()))
def test_what_can_never_succeed_is_put_among_the_dead_letters(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, queue: str
) -> None:
    def refuse(*_: object) -> None:
        raise PermanentError("message_malformed")

    monkeypatch.setattr(entrypoints, "_handle", refuse)
    function, _ = template.consumers()[queue]
    assert cloud.invoke(function, records({"estab": ESTAB})) == {"batchItemFailures": []}
    dead_letters = queue.removesuffix("Queue") + "DeadLetterQueue"
    assert cloud.take(dead_letters) == [{"estab": ESTAB}]


def test_a_pull_that_is_out_of_time_sends_itself_a_message(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.pull_dataset.handler.RESERVE_SECONDS", 10**6)
    stored_school(cloud, state=SchoolState.PAUSED)
    table = dataset_table(cloud)
    for dataset in (STUDENTS, "staff"):
        table.add_demand(ESTAB, dataset, datetime.now(UTC))
    reply = cloud.invoke("pull_dataset", records({"estab": ESTAB, "dataset": STUDENTS}))
    assert reply == {"batchItemFailures": []}
    assert cloud.take("PullQueue") == [{"estab": ESTAB, "dataset": "staff"}]


def test_a_pull_deletes_what_was_replaced_long_ago(
    deploy: Callable[..., Cloud], xporter: Xporter
) -> None:
    connected = deploy(XporterUrl=xporter.url, KeepDays="0")
    world = World(in_moto(connected), xporter, students=10)
    for _ in range(3):
        world.clock = datetime.now(UTC)
        world.change(rows=2)
        world.ask(STUDENTS)
        reply = connected.invoke("pull_dataset", records(*world.sqs.take()))
        assert reply == {"batchItemFailures": []}
    item = world.item(STUDENTS)
    assert (item.published.sequence, item.published.oldest > 1) == (3, True)


def test_a_request_that_xporter_refuses_starts_a_pull(connected: Cloud, xporter: Xporter) -> None:
    school = stored_school(connected, secret=xporter.school())
    request_endpoint(school, "AttendanceForDate", DAY, availability(connected))
    xporter.set_faults({"kind": "server_error", "path": "attendancefordate"})
    connected.settle("AvailabilityRequestQueue")
    assert len(connected.take("PullQueue")) == 1


def availability(
    cloud: Cloud, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> AvailabilityDependencies:
    return AvailabilityDependencies(
        operations=AvailabilityRepository(cloud.client("dynamodb"), cloud.ref("OperationsTable")),
        datasets=dataset_table(cloud),
        requests=Queue(cloud.client("sqs"), cloud.ref("AvailabilityRequestQueue")),
        pulls=Queue(cloud.client("sqs"), cloud.ref("PullQueue")),
        config=configured(),
        now=now,
    )


def test_a_request_that_nobody_works_on_is_sent_for_again(cloud: Cloud) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    school = stored_school(cloud, secret=SECRET)
    pull = request_endpoint(
        school, "AttendanceForDate", DAY, availability(cloud, lambda: yesterday)
    )
    cloud.take("AvailabilityRequestQueue")
    cloud.invoke("watch_deadlines", {})
    (message,) = cloud.take("AvailabilityRequestQueue")
    assert (message["estab"], message["id"]) == (ESTAB, pull.id)


def test_a_callback_that_nothing_explains_is_looked_into(cloud: Cloud) -> None:
    stored_school(cloud)
    table, now = dataset_table(cloud), datetime.now(UTC)
    heard_at, pulled_at = now - timedelta(seconds=150), now - timedelta(seconds=120)
    table.add_demand_since(ESTAB, STUDENTS, heard_at, pulled_at)
    leased = lease(table, ESTAB, STUDENTS, pulled_at)
    assert leased
    unchanged = with_facts(
        leased.released(),
        served=leased.demand.requested,
        state=DatasetState.CURRENT,
        checked_at=pulled_at,
        looked_for=heard_at,
        looks=1,
        look_at=pulled_at + timedelta(minutes=1),
    )
    table.save(unchanged, pulled_at)
    cloud.invoke("watch_deadlines", {})
    assert cloud.take("PullQueue") == [{"estab": ESTAB, "dataset": STUDENTS}]


def test_a_scope_that_went_has_the_dataset_erased(
    deploy: Callable[..., Cloud], xporter: Xporter
) -> None:
    base_url = "https://callbacks.example.app"
    connected = deploy(XporterUrl=xporter.url, CallbackBaseUrl=base_url, ScopeRemovalSeconds="0")
    stored_school(connected, secret=xporter.school(scopes=["School"]), scopes=("School", "Contact"))
    table = dataset_table(connected)
    table.add_demand(ESTAB, "contacts", datetime.now(UTC))
    assert lease(table, ESTAB, "contacts", datetime.now(UTC))
    message = {"estab": ESTAB, "look_at_scopes": True}
    for _ in range(2):  # at the second look it is gone for good
        reply = connected.invoke("register_webhooks", records(message))
        assert reply == {"batchItemFailures": []}
    assert [each["dataset"] for each in connected.take("ErasureQueue")] == ["contacts"]


def test_an_open_timetable_has_every_school_asked(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored_school(cloud, secret=SECRET)
    always = config.parse(ALWAYS_DUE)
    monkeypatch.setattr("functions.schedule_pulls.handler.configured", lambda *_: always)
    monkeypatch.setattr(Timetable, "is_open", lambda self, now: True)
    assert cloud.invoke("schedule_pulls", {}) == {"due": 1}
    (message,) = cloud.take("AvailabilityRequestQueue")
    assert (message["estab"], message["by"]) == (ESTAB, "timetable")
