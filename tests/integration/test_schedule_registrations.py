"""Hourly: every school whose look is due has been enqueued, however many there are."""

import json
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.builders import ESTAB, NOW, school_table, stored_school
from tests.support.moto_cloud import Cloud, refusing
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.errors import TransientError
from xporter_bridge.registrations.schedule import schedule
from xporter_bridge.schools.model import School
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.schools.states import PULLABLE, SchoolState
from xporter_bridge.timestamps import iso, parse

FUNCTION = "schedule_registrations"
HOUR = timedelta(hours=1)


def run(cloud: Cloud, **event: Any) -> set[str]:
    """Run the schedule and return the schools that it enqueued."""
    found = cloud.invoke(FUNCTION, event)
    messages = cloud.take("RegistrationQueue")
    assert found["due"] == len(messages)
    assert all(message["look_at_scopes"] for message in messages)
    return {message["estab"] for message in messages}


def school(cloud: Cloud, estab: str, due_in: timedelta, **facts: Any) -> None:
    stored_school(cloud, estab, registrations_due_at=datetime.now(UTC) + due_in, **facts)


def test_the_schools_that_are_due_are_enqueued_and_the_others_are_not(cloud: Cloud) -> None:
    school(cloud, "3280001", -HOUR)
    school(cloud, "3280002", HOUR)
    school(cloud, "3280003", -24 * HOUR, state=SchoolState.INSTALLED)
    assert run(cloud) == {"3280001", "3280003"}


@pytest.mark.parametrize("state", sorted(set(SchoolState) - PULLABLE))
def test_a_school_that_is_not_pulled_is_never_due(cloud: Cloud, state: SchoolState) -> None:
    school(cloud, ESTAB, -HOUR, state=state)
    assert run(cloud) == set()
    assert run(cloud, everyone=True) == set()


def test_by_hand_everyone_who_can_be_called_for_is_enqueued(cloud: Cloud) -> None:
    school(cloud, "3280001", HOUR)
    school(cloud, "3280002", 24 * HOUR, state=SchoolState.INSTALLED)
    assert run(cloud, everyone=True) == {"3280001", "3280002"}
    assert run(cloud, everyone="yes") == set(), "only a clear true counts"


def test_by_hand_every_school_is_told_to_pull_as_well(cloud: Cloud) -> None:
    school(cloud, ESTAB, HOUR)
    cloud.invoke(FUNCTION, {"everyone": True, "pulls": True})
    [message] = cloud.take("RegistrationQueue")
    assert datetime.now(UTC) - parse(message["pulls_since"]) < timedelta(minutes=1)
    cloud.invoke(FUNCTION, {"everyone": True, "pulls": "yes"})
    assert "pulls_since" not in cloud.take("RegistrationQueue")[0], "only a clear true counts"


def test_no_school_at_all_is_nothing_to_do(cloud: Cloud) -> None:
    assert run(cloud) == set()


def test_a_due_school_gets_one_message_however_long_it_is_not_served(cloud: Cloud) -> None:
    school(cloud, ESTAB, -HOUR)
    assert run(cloud) == {ESTAB}
    assert [run(cloud) for _ in range(5)] == [set()] * 5


def test_a_message_that_was_lost_is_made_again_a_day_later(cloud: Cloud) -> None:
    school(cloud, ESTAB, -HOUR)
    run(cloud)
    due_at = of(cloud).registrations_due_at
    table, queue = school_table(cloud), Queue(cloud.client("sqs"), cloud.ref("RegistrationQueue"))
    assert schedule(table, queue, due_at - HOUR)["due"] == 0
    assert schedule(table, queue, due_at + HOUR)["due"] == 1
    assert timedelta(hours=23) < due_at - datetime.now(UTC) < timedelta(hours=25)


def test_a_school_that_was_served_meanwhile_keeps_its_own_time(cloud: Cloud) -> None:
    school(cloud, ESTAB, 20 * HOUR)
    served = of(cloud).registrations_due_at
    seen = iso(datetime.now(UTC) - HOUR)
    school_table(cloud).postpone_registrations(ESTAB, seen, datetime.now(UTC) + HOUR)
    assert of(cloud).registrations_due_at == served


def of(cloud: Cloud) -> School:
    found = school_table(cloud).get(ESTAB)
    assert found
    return found


def test_the_schools_of_each_state_are_counted(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    school(cloud, "3280001", HOUR)
    school(cloud, "3280002", HOUR)
    school(cloud, "3280003", HOUR, state=SchoolState.PAUSED)
    capsys.readouterr()
    run(cloud)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    counted = {line["State"]: line["SchoolsInState"] for line in lines if "SchoolsInState" in line}
    expected = {str(state): [0.0] for state in SchoolState}
    assert counted == {**expected, "live": [2.0], "paused": [1.0]}


@pytest.mark.parametrize(
    ("service", "operation"), [("dynamodb", "Query"), ("sqs", "SendMessageBatch")]
)
def test_a_run_that_fails_is_run_again_and_then_finds_all_of_it(
    cloud: Cloud, service: str, operation: str
) -> None:
    school(cloud, ESTAB, -HOUR)
    with refusing(service, operation), pytest.raises(TransientError):
        cloud.invoke(FUNCTION, {})
    assert run(cloud) == {ESTAB}


def test_a_run_that_dies_after_sending_sends_again_rather_than_never(cloud: Cloud) -> None:
    school(cloud, ESTAB, -HOUR)
    with refusing("dynamodb", "UpdateItem"), pytest.raises(TransientError):
        cloud.invoke(FUNCTION, {})
    assert len(cloud.take("RegistrationQueue")) == 1
    assert run(cloud) == {ESTAB}


# -- a whole country of schools, in a table and a queue that count

SCHOOLS = 25_000
PAGE = 1_000


class Country:
    """As much of DynamoDB as the index needs: pages of schools that are due until looked at."""

    def __init__(self) -> None:
        self.due = {state: [] for state in SchoolState} | {
            SchoolState.LIVE: [f"{number:07d}" for number in range(SCHOOLS)]
        }
        self.live_pages_read = 0
        self.postponed = 0

    def query(self, **request: Any) -> dict[str, Any]:
        estabs = self.due[SchoolState(request["ExpressionAttributeValues"][":v"]["S"])]
        if request.get("Select") == "COUNT":
            return {"Count": len(estabs)}
        self.live_pages_read += bool(estabs)
        start = int(request.get("ExclusiveStartKey", {}).get("place", {}).get("N", "0"))
        page = estabs[start : start + PAGE]
        answer: dict[str, Any] = {
            "Items": [{"estab": {"S": estab}, "due_at": {"S": "2026"}} for estab in page]
        }
        if start + PAGE < len(estabs):
            answer["LastEvaluatedKey"] = {"place": {"N": str(start + PAGE)}}
        return answer

    def update_item(self, **request: Any) -> dict[str, Any]:
        self.postponed += 1
        return {"Attributes": request["Key"]}

    def looked_at(self, estabs: set[str]) -> None:
        self.due[SchoolState.LIVE] = [e for e in self.due[SchoolState.LIVE] if e not in estabs]


class CountingQueue:
    """As much of SQS as sending needs; it can die after so many batches."""

    def __init__(self, country: Country, batches_until_death: int | None = None) -> None:
        self._country = country
        self._left = batches_until_death
        self.batches = 0
        self.sent: list[str] = []
        self.most_waiting = 0

    def send_message_batch(self, *, QueueUrl: str, Entries: list[Any]) -> dict[str, Any]:  # noqa: N803
        if self._left is not None and self.batches >= self._left:
            raise ConnectionResetError("killed")
        assert 0 < len(Entries) <= 10
        waiting = self._country.live_pages_read * PAGE - len(self.sent)
        self.most_waiting = max(self.most_waiting, waiting)
        self.batches += 1
        self.sent += [json.loads(entry["MessageBody"])["estab"] for entry in Entries]
        return {}


def scheduled(country: Country, queue: CountingQueue) -> int:
    table = SchoolRepository(country, "schools")
    return schedule(table, Queue(queue, "https://queue"), NOW)["due"]


def test_a_whole_country_goes_out_ten_at_a_time_and_is_never_in_memory() -> None:
    country = Country()
    queue = CountingQueue(country)
    tracemalloc.start()
    try:
        assert scheduled(country, queue) == SCHOOLS
        sent_bytes = 64 * SCHOOLS  # What the queue of this test itself remembers.
        assert tracemalloc.get_traced_memory()[1] < sent_bytes + 3_000_000
    finally:
        tracemalloc.stop()
    assert (queue.batches, country.postponed) == (SCHOOLS / 10, SCHOOLS)
    assert sorted(queue.sent) == country.due[SchoolState.LIVE]
    # The next page is read only when this one has been sent, but for the last ten.
    assert queue.most_waiting < PAGE + 10


def test_a_run_that_dies_is_taken_up_by_the_next_one_and_none_is_missed() -> None:
    country = Country()
    seen: set[str] = set()
    for batches in (700, 900, None):
        queue = CountingQueue(country, batches)
        try:
            scheduled(country, queue)
        except ConnectionResetError:
            assert batches is not None
        seen |= set(queue.sent)
        country.looked_at(set(queue.sent))
    assert len(seen) == SCHOOLS
    assert country.due[SchoolState.LIVE] == []


def test_the_index_is_read_lazily() -> None:
    country = Country()
    table = SchoolRepository(country, "schools")
    assert next(table.registrations_due(SchoolState.LIVE, NOW)) == ("0000000", "2026")
    assert country.live_pages_read == 1
