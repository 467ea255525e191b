"""From the database queue: whatever a change concerns has been asked for, once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.builders import ESTAB, OTHER_ESTAB, dataset_table, records, stored_school
from tests.support.moto_cloud import Cloud, refusing
from tests.support.records import lease
from xporter_bridge.datasets.config import configured
from xporter_bridge.pulls.model import LEASE
from xporter_bridge.schools.states import PULLABLE, SchoolState
from xporter_bridge.timestamps import iso

FUNCTION, QUEUE = "plan_pulls", "DatabaseQueue"
SCHOOL_DATA = {each.name for each in configured().of_database("XodSchoolData")}


def change(
    database: str = "XodSchoolData", estab: str = ESTAB, at: datetime | None = None
) -> dict[str, Any]:
    return {
        "estab": estab,
        "database": database,
        "received_at": iso(at or datetime.now(UTC)),
    }


def plan(cloud: Cloud, *messages: dict[str, Any]) -> list[tuple[str, str]]:
    """Plan the messages as one batch and return what the messages to the pull queue name."""
    assert cloud.invoke(FUNCTION, records(*messages)) == {"batchItemFailures": []}
    return [(message["estab"], message["dataset"]) for message in cloud.take("PullQueue")]


def due(cloud: Cloud, estab: str = ESTAB) -> set[str]:
    return {item.dataset for item in dataset_table(cloud).of_school(estab) if item.is_due}


def test_every_dataset_of_the_database_is_asked_for_and_no_other(cloud: Cloud) -> None:
    stored_school(cloud)
    ((estab, dataset),) = plan(cloud, change())
    assert estab == ESTAB
    assert dataset in SCHOOL_DATA
    stored = {item.dataset: item.demand.requested for item in dataset_table(cloud).of_school(ESTAB)}
    assert stored == dict.fromkeys(SCHOOL_DATA, 1)


def test_the_database_is_known_whatever_its_case(cloud: Cloud) -> None:
    stored_school(cloud)
    assert plan(cloud, change("xodattendancesummary")) == [(ESTAB, "attendancesummary")]


def test_a_database_that_feeds_nothing_asks_for_nothing(cloud: Cloud) -> None:
    stored_school(cloud)
    assert plan(cloud, change("XodConductPoints"), change("XodUnheardOf")) == []


def test_only_what_the_scopes_allow_is_asked_for(cloud: Cloud) -> None:
    stored_school(cloud, scopes=("Staff",))
    assert plan(cloud, change()) == [(ESTAB, "staff")]


@pytest.mark.parametrize("state", sorted(set(SchoolState) - PULLABLE))
def test_a_school_that_is_not_pulled_is_left_alone(cloud: Cloud, state: SchoolState) -> None:
    stored_school(cloud, state=state)
    assert plan(cloud, change()) == []
    assert dataset_table(cloud).of_school(ESTAB) == []


def test_a_school_that_nobody_knows_is_left_alone(cloud: Cloud) -> None:
    assert plan(cloud, change()) == []


def test_schools_do_not_mix(cloud: Cloud) -> None:
    stored_school(cloud, ESTAB, scopes=("Staff",))
    stored_school(cloud, OTHER_ESTAB, scopes=("Contact", "Student"))
    asked = plan(cloud, change(estab=ESTAB), change(estab=OTHER_ESTAB))
    assert [estab for estab, _ in asked] == [ESTAB, OTHER_ESTAB]
    assert due(cloud) == {"staff"}
    assert "contacts" in due(cloud, OTHER_ESTAB)


def begun(cloud: Cloud, dataset: str, at: datetime) -> None:
    """Let a pull of the dataset begin at that time, and end."""
    leased = lease(dataset_table(cloud), ESTAB, dataset, at)
    assert leased is not None
    cloud.client("dynamodb").update_item(
        TableName=cloud.ref("DatasetsTable"),
        Key={"estab": {"S": ESTAB}, "dataset": {"S": dataset}},
        UpdateExpression="SET served = requested REMOVE lease_expires_at",
    )


def test_thirty_copies_of_one_callback_leave_at_most_two_pulls_to_make(cloud: Cloud) -> None:
    stored_school(cloud, scopes=("Staff",))
    heard = datetime.now(UTC)
    copies = [change(at=heard + timedelta(milliseconds=number)) for number in range(30)]
    plan(cloud, *copies[:10])
    begun(cloud, "staff", heard + timedelta(seconds=5))
    # What came before that pull began has been seen by it, however late its message is read.
    assert plan(cloud, *copies[10:]) == []
    item = dataset_table(cloud).get(ESTAB, "staff")
    assert item is not None
    assert not item.is_due


def test_a_change_after_a_pull_began_asks_for_one_more(cloud: Cloud) -> None:
    stored_school(cloud, scopes=("Staff",))
    heard = datetime.now(UTC)
    plan(cloud, change(at=heard))
    begun(cloud, "staff", heard + timedelta(seconds=5))
    later = [change(at=heard + timedelta(seconds=10 + number)) for number in range(5)]
    assert set(plan(cloud, *later)) == {(ESTAB, "staff")}
    item = dataset_table(cloud).get(ESTAB, "staff")
    assert item is not None
    assert item.is_due


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("dynamodb", "GetItem"),
        ("dynamodb", "Query"),
        ("dynamodb", "UpdateItem"),
        ("sqs", "SendMessage"),
    ],
)
def test_whatever_aws_refuses_once_the_message_comes_again_and_ends_well(
    cloud: Cloud, service: str, operation: str
) -> None:
    stored_school(cloud)
    with refusing(service, operation):
        reply = cloud.invoke(FUNCTION, records(change()))
    assert reply == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
    assert len(plan(cloud, change())) == 1
    assert due(cloud) == SCHOOL_DATA


def test_a_change_during_a_pull_sends_a_message_for_the_time_after_its_lease(cloud: Cloud) -> None:
    stored_school(cloud, scopes=("Staff",))
    now = datetime.now(UTC)
    plan(cloud, change(at=now))
    assert lease(dataset_table(cloud), ESTAB, "staff", now)
    later = now + timedelta(seconds=1)
    assert plan(cloud, change(at=later)) == [(ESTAB, "staff")]
    assert cloud.delays[-1] >= LEASE.total_seconds()


def test_one_message_that_is_wrong_does_not_keep_the_others_back(cloud: Cloud) -> None:
    stored_school(cloud, scopes=("Staff",))
    reply = cloud.invoke(FUNCTION, records(change(), {"estab": ESTAB}, "no json", change()))
    failed = [failure["itemIdentifier"] for failure in reply["batchItemFailures"]]
    assert failed == ["message-1", "message-2"]


def test_a_permission_that_is_missing_fails_the_whole_batch(cloud: Cloud) -> None:
    stored_school(cloud)
    with (
        refusing("dynamodb", "UpdateItem", "AccessDeniedException"),
        pytest.raises(Exception, match="AccessDeniedException"),
    ):
        cloud.invoke(FUNCTION, records(change(), change()))
