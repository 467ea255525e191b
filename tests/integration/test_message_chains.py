"""How often a message can come back to the function that sent it: each chain has an end.

Lambda itself stops a chain after about 16 messages, but for functions that have
``RecursiveLoop: Allow`` in the template: these, which send themselves messages on purpose.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from tests.support import translated_template
from tests.support.builders import (
    ESTAB,
    SECRET,
    authorise,
    dataset_table,
    records,
    school_table,
    stored_school,
    vault,
)
from tests.support.company_api import CompanyApi
from tests.support.conversation_world import Company
from tests.support.moto_cloud import Cloud
from tests.support.pull_world import World, in_memory, verify
from tests.support.records import lease
from tests.support.template import logical_id
from tests.support.template_rules.recursion import loops
from tests.support.xporter import Xporter
from tools.simulator.http.server import RunningSimulator
from xporter_bridge.audit.trail import AuditTrail
from xporter_bridge.availability import ask_xporter
from xporter_bridge.availability.accept import request_endpoint
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.erasure.certificates import CertificateRepository
from xporter_bridge.erasure.dependencies import EraseDependencies
from xporter_bridge.erasure.erase import erase
from xporter_bridge.erasure.messages import read_erasure
from xporter_bridge.events.bus import EventBus
from xporter_bridge.ingestion import fetch
from xporter_bridge.operations.repository import OperationRepository
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.snapshots.store import SnapshotStore

STUDENTS = "students"
DAY = {"date": "2026-11-20"}
# The most messages of one chain, and the test that proves it.
BOUNDS = {
    "OnboardSchoolFunction": 291,
    "RegisterWebhooksFunction": 291,
    "PullDatasetFunction": 9,
    "RequestAvailabilityFunction": 3,
    "SubmitWritebackFunction": 2,
    "EraseDataFunction": 15,
}


def length(handle: Callable[[], bool]) -> int:
    """Handle one message after another until none comes back; return how many there were."""
    handled = 1
    while handle():
        handled += 1
        assert handled < 1000, "the chain does not end"
    return handled


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xporter_bridge.xporter.client._QUICK_RETRY_SECONDS", 0)


def test_no_other_function_can_start_itself_and_no_chain_leads_through_two() -> None:
    found = loops(translated_template.prod())
    assert found == {name: {name} for name in BOUNDS}


# -- an Xporter that cannot be asked


@pytest.mark.parametrize(
    ("function", "queue"),
    [("onboard_school", "AuthenticationQueue"), ("register_webhooks", "RegistrationQueue")],
)
def test_a_school_outlives_an_outage_of_three_days_and_no_longer_one(
    cloud: Cloud, function: str, queue: str
) -> None:
    if function == "onboard_school":
        authorise(cloud, SECRET)
    else:
        stored_school(cloud, secret=SECRET, scopes=("School",))
        Queue(cloud.client("sqs"), cloud.ref(queue)).send({"estab": ESTAB})
    (message,) = cloud.take(queue)
    last, waits = BOUNDS[logical_id(function)] - 1, {}
    # Each message says how often it was tried, and comes back having been tried once more.
    for tries in [*range(7), last // 2, last - 1]:
        reply = cloud.invoke(function, records({**message, "tries": tries}))
        assert reply == {"batchItemFailures": []}
        (again,) = cloud.take(queue)
        assert again["tries"] == tries + 1
        waits[tries] = cloud.delays[-1]
    reply = cloud.invoke(function, records({**message, "tries": last}))
    assert cloud.take(queue) == []
    assert len(reply["batchItemFailures"]) == 1  # now the queue brings it, and then a person
    assert len({waits[tries] for tries in waits if tries >= 4}) == 1
    waited = sum(waits[min(tries, 4)] for tries in range(last))
    assert timedelta(hours=71) < timedelta(seconds=waited) < timedelta(hours=73)


# -- a pull that is not over yet


@pytest.fixture
def world(xporter: Xporter, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(fetch, "PAGE_SIZE", 10)
    return World(in_memory(), xporter, students=250)


@pytest.mark.parametrize(
    "fault",
    [{"kind": "server_error"}, {"kind": "rate_limited", "retry_after": 600}, {"kind": "cut_json"}],
)
def test_a_pull_that_fails_comes_back_by_itself_for_a_quarter_of_an_hour_or_so(
    world: World, fault: dict[str, object]
) -> None:
    world.xporter.set_faults({**fault, "path": "/school/"})
    world.ask(STUDENTS)

    def handle() -> bool:
        ((due, message),) = world.sqs.messages
        world.clock = max(world.clock, due)
        world.sqs.take()
        world.pull(message["dataset"])
        return bool(world.sqs.messages)

    assert length(handle) == BOUNDS["PullDatasetFunction"]
    assert world.item(STUDENTS).progress.failures == BOUNDS["PullDatasetFunction"]
    world.xporter.set_faults()
    world.advance(hours=1)
    world.watch()  # from then on it is the watcher's to send for it
    world.settle()
    verify(world, STUDENTS)


def test_a_pull_that_runs_out_of_time_is_further_by_a_page_each_time(world: World) -> None:
    world.ask(STUDENTS)

    def handle() -> bool:
        left = iter([600.0, 600.0])
        world.remaining_seconds = lambda: next(left, 0.0)
        before = len(world.staged())
        (message,) = world.sqs.take()
        world.pull(message["dataset"])
        assert len(world.staged()) > before or not world.sqs.messages, "it fetched nothing"
        return bool(world.sqs.messages)

    assert 2 < length(handle) <= 26  # of 25 pages
    verify(world, STUDENTS)


def test_a_pull_without_a_slot_sends_no_message(world: World) -> None:
    slots = world.aws.datasets.slots
    taken = [slots.take(ESTAB, world.now(), slow_places=2) for _ in range(4)]
    assert all(taken)
    world.ask(STUDENTS)
    assert world.deliver() == 1
    assert not world.sqs.messages


# -- a request for data


@pytest.fixture
def company() -> Iterator[Company]:
    with RunningSimulator(time_scale=6000) as simulator:
        application = {"availability_outcome": "never"}
        requests.put(f"{simulator.url}/_sim/application", json=application, timeout=20)
        school = requests.post(
            f"{simulator.url}/_sim/schools",
            json={"estab": ESTAB, "students": 5, "seed": 3, "today": "2026-11-20"},
            timeout=20,
        ).json()
        with Company(simulator, school) as made:
            yield made


def test_a_request_comes_back_at_its_deadline_and_once_more_if_its_data_were_stale(
    company: Company,
) -> None:
    def ask(message: Mapping[str, Any]) -> None:
        ask_xporter.advance(message["estab"], message["id"], company.availability, company.asking)

    def handle() -> bool:
        ((due, _),) = company.requests.messages
        company.skipped += max(due - company.now(), timedelta())
        assert company.requests.consume(ask, 1) == 1
        return bool(company.requests.messages)

    pull = request_endpoint(company.school(), "AttendanceForDate", DAY, company.availability)
    assert length(handle) == 2
    served = company.availability_requests.get(ESTAB, pull.id)
    assert served
    company.datasets._items.update(ESTAB, pull.dataset, set_={"served": served.generation})
    company.skipped += timedelta(minutes=31)
    company.watch()  # the retry's chain begins with a message of the watcher's
    assert length(handle) == BOUNDS["RequestAvailabilityFunction"]
    company.skipped += timedelta(days=1)
    company.watch()
    assert not company.requests.messages


# -- a writeback that was put on the queue whole


def test_a_writeback_on_the_queue_is_taken_and_then_sent(cloud: Cloud) -> None:
    stored_school(
        cloud, secret=SECRET, state=SchoolState.LIVE, scopes=("School", "WritebackAttendance")
    )
    mark = {"StudentId": "1", "MarkType": "S", "Date": "2026-11-20", "Session": "AM", "Mark": "L"}
    message = {"kind": "attendance", "payload": {"Marks": [mark]}, "idempotency_key": "k"}
    queue = Queue(cloud.client("sqs"), cloud.ref("WritebackQueue"))
    queue.send({"estab": ESTAB, **message})

    def handle() -> bool:
        reply = cloud.invoke("submit_writeback", records(*cloud.take("WritebackQueue")))
        assert reply == {"batchItemFailures": []}
        return cloud.depth("WritebackQueue") > 0

    assert length(handle) == BOUNDS["SubmitWritebackFunction"]
    assert cloud.take("WritebackDeadLetterQueue") == []
    assert len(cloud.items("OperationsTable")) == 1


# -- an erasure that a pull holds up


def test_an_erasure_waits_for_a_pull_once_and_looks_thirteen_times_more(cloud: Cloud) -> None:
    stored_school(cloud, secret=SECRET, state=SchoolState.LIVE)
    table = dataset_table(cloud)
    for dataset in (STUDENTS, "contacts"):
        table.add_demand(ESTAB, dataset, datetime.now(UTC))
        assert lease(table, ESTAB, dataset, datetime.now(UTC))
    CompanyApi(cloud).delete(f"/v1/schools/{ESTAB}")
    cloud.delays.clear()
    clock = datetime.now(UTC)
    sqs, s3 = cloud.client("sqs"), cloud.client("s3")
    deps = EraseDependencies(
        schools=school_table(cloud),
        datasets=table,
        operations=OperationRepository(cloud.client("dynamodb"), cloud.ref("OperationsTable")),
        certificates=CertificateRepository(cloud.client("dynamodb"), cloud.ref("DatasetsTable")),
        vault=vault(cloud),
        store=SnapshotStore(s3, cloud.ref("DataBucket"), cloud.ref("StagingBucket")),
        erasures=Queue(sqs, cloud.ref("ErasureQueue")),
        dead_writebacks=Queue(sqs, cloud.ref("WritebackDeadLetterQueue")),
        bus=EventBus(cloud.client("events"), cloud.ref("EventBus")),
        audit=AuditTrail(cloud.client("dynamodb"), cloud.ref("AuditTable"), timedelta(days=730)),
        now=lambda: clock,
    )

    def handle() -> bool:
        nonlocal clock
        (message,) = cloud.take("ErasureQueue")
        erase(read_erasure(message), deps)
        clock += timedelta(seconds=cloud.delays[-1])
        return cloud.depth("ErasureQueue") > 0

    assert length(handle) == BOUNDS["EraseDataFunction"]
    school = school_table(cloud).get(ESTAB)
    assert school
    assert school.state is SchoolState.ERASED
