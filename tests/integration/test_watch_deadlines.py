"""Every minute: what should have happened and has not is set going again."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support import template
from tests.support.builders import (
    ESTAB,
    OTHER_ESTAB,
    dataset_table,
    of_a_later_version,
    onboard,
    school_table,
    stored_school,
    writeback_table,
)
from tests.support.moto_cloud import Cloud, refusing
from tests.support.records import lease
from tests.support.xporter import Xporter
from xporter_bridge.aws.dynamodb import WATCH_SHARDS
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.errors import ConfigurationError
from xporter_bridge.pulls.model import LEASE
from xporter_bridge.schools.model import School, change_state
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.timestamps import iso
from xporter_bridge.watchdog.forecast_night import forecast_night
from xporter_bridge.watchdog.night import SAMPLES, QueueSample
from xporter_bridge.watchdog.repository import NightRepository
from xporter_bridge.writebacks.model import Part, PartState, Writeback, WritebackKind

FUNCTION = "watch_deadlines"
MINUTE = timedelta(minutes=1)


def now() -> datetime:
    return datetime.now(UTC)


def watch(cloud: Cloud, *seconds: float) -> dict[str, Any]:
    """Run once; Lambda says of each time it is asked how much is left, at last the last time."""
    left = iter(seconds)
    last = seconds[-1] if seconds else 600.0
    return dict(cloud.invoke(FUNCTION, {}, remaining_seconds=lambda: next(left, last)))


def of(cloud: Cloud) -> School:
    school = school_table(cloud).get(ESTAB)
    assert school is not None
    return school


def test_when_nothing_is_due_nothing_happens(cloud: Cloud) -> None:
    stored_school(cloud)
    assert set(watch(cloud).values()) == {0}


# -- schools


def test_an_event_that_was_decided_and_never_sent_is_published_once(cloud: Cloud) -> None:
    stored_school(cloud)
    school_table(cloud).change(
        ESTAB,
        lambda school: change_state(school, SchoolState.PAUSED, "authorisation_paused", now()),
    )
    watch(cloud)
    watch(cloud)
    (event,) = cloud.events()
    assert (event["type"], event["data"]["estab"]) == ("school.paused", ESTAB)
    assert of(cloud).outbox == ()


def test_an_event_that_could_not_be_sent_is_sent_later_under_the_same_id(cloud: Cloud) -> None:
    stored_school(cloud)
    after = school_table(cloud).change(
        ESTAB,
        lambda school: change_state(school, SchoolState.PAUSED, "authorisation_paused", now()),
    )
    with refusing("events", "PutEvents"):
        assert watch(cloud)["failed"] == 1
    assert cloud.events() == []
    watch(cloud)
    assert [event["id"] for event in cloud.events()] == [after.outbox[0].id]


def test_a_school_whose_probe_is_due_is_asked_again_and_not_every_minute(cloud: Cloud) -> None:
    stored_school(cloud, state=SchoolState.PAUSED, probe_at=now() - MINUTE)
    watch(cloud)
    assert cloud.take("AuthenticationQueue") == [{"kind": "probe", "estab": ESTAB}]
    assert of(cloud).probe_at > now()
    watch(cloud)
    assert cloud.take("AuthenticationQueue") == []


def test_a_school_whose_probe_is_not_due_is_left_alone(cloud: Cloud) -> None:
    stored_school(cloud, state=SchoolState.PAUSED, probe_at=now() + MINUTE)
    watch(cloud)
    assert cloud.take("AuthenticationQueue") == []


def test_a_probe_whose_message_could_not_be_sent_stays_due(cloud: Cloud) -> None:
    stored_school(cloud, state=SchoolState.PAUSED, probe_at=now() - MINUTE)
    with refusing("sqs", "SendMessage"):
        assert watch(cloud)["failed"] == 1
    watch(cloud)
    assert cloud.take("AuthenticationQueue") == [{"kind": "probe", "estab": ESTAB}]


def test_a_school_that_was_paused_goes_on_by_itself_when_it_has_chosen(
    connected: Cloud, xporter: Xporter
) -> None:
    secret = xporter.school(paused=True, scopes=["School"])
    onboard(connected, secret)
    xporter.set_school(paused=False)
    school_table(connected).change(ESTAB, lambda school: replace(school, probe_at=now() - MINUTE))
    watch(connected)
    connected.settle("AuthenticationQueue")
    assert of(connected).state is SchoolState.INSTALLED


def test_a_school_that_has_left_is_revoked_after_days_of_refusals_and_asked_again_daily(
    connected: Cloud, xporter: Xporter
) -> None:
    secret = xporter.school(scopes=["School"])
    onboard(connected, secret)
    connected.take("RegistrationQueue")
    xporter.set_school(revoked=True)
    states = []
    for days in (0, 1, 3):
        past = now() - timedelta(days=days)
        school_table(connected).change(
            ESTAB,
            lambda school, past=past: replace(
                school,
                probe_at=now() - MINUTE,
                first_refused_at=school.refused_at and past,
                refused_at=school.refused_at and school.refused_at - 60 * MINUTE,
            ),
        )
        watch(connected)
        connected.settle("AuthenticationQueue")
        states.append(of(connected).state)
    assert states == [SchoolState.INSTALLED, SchoolState.INSTALLED, SchoolState.REVOKED]
    assert of(connected).credentials is not None
    watch(connected)
    assert connected.take("AuthenticationQueue") == []
    wait = of(connected).probe_at - now()
    assert timedelta(hours=23) < wait <= timedelta(days=1)


def test_a_school_that_cannot_be_looked_after_keeps_no_other_waiting(cloud: Cloud) -> None:
    for estab in (ESTAB, OTHER_ESTAB):
        stored_school(cloud, estab, state=SchoolState.PAUSED, probe_at=now() - MINUTE)
    with refusing("sqs", "SendMessage", times=1):
        assert watch(cloud)["failed"] == 1
    assert len(cloud.take("AuthenticationQueue")) == 1
    watch(cloud)
    assert len(cloud.take("AuthenticationQueue")) == 1


def test_a_school_that_only_a_later_version_can_read_keeps_no_other_waiting(cloud: Cloud) -> None:
    for estab in (ESTAB, OTHER_ESTAB):
        stored_school(cloud, estab, state=SchoolState.PAUSED, probe_at=now() - MINUTE)
    of_a_later_version(cloud, ESTAB)
    assert watch(cloud)["failed"] == 1
    assert cloud.take("AuthenticationQueue") == [{"kind": "probe", "estab": OTHER_ESTAB}]


# -- time


def overdue(cloud: Cloud) -> None:
    """Let a writeback, a school and a dataset be due."""
    stored_school(cloud, state=SchoolState.PAUSED, probe_at=now() - MINUTE)
    dataset_table(cloud).add_demand(ESTAB, "staff", now() - 40 * MINUTE)
    writeback_table(cloud).add(
        Writeback(
            estab=ESTAB,
            id="writeback-1",
            created_at=now(),
            watch_at=now() - MINUTE,
            kind=WritebackKind.CONDUCT,
            mode="async",
            payload_digest="",
            parts=(Part(date="", rows=1, state=PartState.QUEUED),),
        )
    )


def test_a_run_that_has_no_time_left_ends_and_the_next_does_the_rest(cloud: Cloud) -> None:
    overdue(cloud)
    found = watch(cloud, 0.0)
    assert (found["operations"], found["schools"], found["datasets"]) == (0, 0, 0)
    assert found["cut"] == 3
    found = watch(cloud)
    assert (found["operations"], found["schools"], found["datasets"]) == (1, 1, 1)
    assert found["cut"] == 0


def test_what_others_wait_for_is_looked_at_first_and_takes_no_more_than_half_the_time(
    cloud: Cloud,
) -> None:
    overdue(cloud)
    # Of forty seconds besides the reserve, thirty are left and then none.
    found = watch(cloud, 60.0, 50.0, 0.0)
    assert (found["operations"], found["schools"], found["datasets"]) == (1, 0, 0)
    # Of forty seconds, nineteen are left when operations come: they are not theirs any more.
    writeback_table(cloud).reschedule_watch(
        ESTAB, "writeback-1", watch_at_of(cloud), now() - MINUTE
    )
    found = watch(cloud, 60.0, 39.0)
    assert (found["operations"], found["schools"], found["datasets"]) == (0, 1, 1)


def watch_at_of(cloud: Cloud) -> str:
    (item,) = cloud.items("OperationsTable")
    return str(item["watch_at"]["S"])


def test_the_runs_of_one_minute_share_the_fleet_and_no_school_is_looked_at_twice(
    cloud: Cloud,
) -> None:
    for number in range(20):
        stored_school(cloud, f"32811{number:02d}", probe_at=now() - 60 * MINUTE)
    looked = [cloud.invoke(FUNCTION, event)["schools"] for event in events_of_the_schedules()]
    assert sum(looked) == 20
    assert len([each for each in looked if each]) > 4


def events_of_the_schedules() -> list[dict[str, Any]]:
    schedules = template.functions()[FUNCTION]["Events"].values()
    events = [json.loads(each["Properties"]["Input"]) for each in schedules]
    return [each for each in events if "shard" in each]


def test_there_is_one_schedule_for_each_shard() -> None:
    assert [each["shard"] for each in events_of_the_schedules()] == list(WATCH_SHARDS)


def test_an_item_that_was_stored_when_there_were_eight_shards_is_found(cloud: Cloud) -> None:
    stored_school(cloud, probe_at=now() - MINUTE)
    shard = hashlib.sha256(ESTAB.encode()).digest()[0] % 8
    cloud.client("dynamodb").update_item(
        TableName=cloud.ref("SchoolsTable"),
        Key={"estab": {"S": ESTAB}},
        UpdateExpression="SET watch_shard = :shard",
        ExpressionAttributeValues={":shard": {"N": str(shard)}},
    )
    assert cloud.invoke(FUNCTION, {"shard": shard})["schools"] == 1


@pytest.mark.parametrize("shard", [16, -1, "3"])
def test_a_shard_in_which_nothing_can_lie_is_refused(cloud: Cloud, shard: object) -> None:
    with pytest.raises(ConfigurationError):
        cloud.invoke(FUNCTION, {"shard": shard})


def test_a_run_that_is_cut_is_counted(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    overdue(cloud)
    watch(cloud, 0.0)
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    assert [each["Kind"] for each in lines if "WatchCut" in each] == ["operations", "data"]


def test_the_end_of_the_night_is_forecast_from_the_pull_queue(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    pulls = Queue(cloud.client("sqs"), cloud.ref("PullQueue"))
    nights = NightRepository(cloud.client("dynamodb"), cloud.ref("DatasetsTable"))
    assert cloud.invoke(FUNCTION, {"forecast": True}) == {
        "waiting": 0, "served_per_hour": 0, "minutes_late": 0,
    }  # fmt: skip
    pulls.send_all({"estab": ESTAB, "dataset": str(number)} for number in range(120))
    four = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)
    nights.save([QueueSample(four - 5 * MINUTE, 121)])
    capsys.readouterr()
    assert forecast_night(pulls, nights, four) == {
        "waiting": 120, "served_per_hour": 12, "minutes_late": 6 * 60,
    }  # fmt: skip
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    assert [each["NightLateMinutes"] for each in lines] == [[360.0]]
    assert forecast_night(pulls, nights, four.replace(hour=9))["minutes_late"] == 0
    assert capsys.readouterr().out == "", "by day, nothing is counted"
    assert [each.at.hour for each in nights.samples()] == [3, 4, 9]
    for _ in range(9):
        forecast_night(pulls, nights, four.replace(hour=9))
    assert len(nights.samples()) == SAMPLES


# -- datasets


def asked_for(cloud: Cloud, dataset: str, minutes_ago: int) -> None:
    stored_school(cloud)
    dataset_table(cloud).add_demand(ESTAB, dataset, now() - minutes_ago * MINUTE)


def test_a_pull_whose_message_was_lost_is_asked_for_again_and_not_every_minute(
    cloud: Cloud,
) -> None:
    asked_for(cloud, "staff", minutes_ago=40)
    watch(cloud)
    assert cloud.take("PullQueue") == [{"estab": ESTAB, "dataset": "staff"}]
    watch(cloud)
    assert cloud.take("PullQueue") == []


def test_a_pull_that_was_just_asked_for_is_given_time(cloud: Cloud) -> None:
    asked_for(cloud, "staff", minutes_ago=0)
    watch(cloud)
    assert cloud.take("PullQueue") == []


def test_a_pull_whose_holder_died_is_taken_up_when_its_lease_ends(cloud: Cloud) -> None:
    asked_for(cloud, "staff", minutes_ago=30)
    table = dataset_table(cloud)
    assert lease(table, ESTAB, "staff", now() - LEASE + MINUTE) is not None
    watch(cloud)
    assert cloud.take("PullQueue") == []
    table.add_demand(ESTAB, "groups", now() - 30 * MINUTE)
    assert lease(table, ESTAB, "groups", now() - LEASE - MINUTE) is not None
    watch(cloud)
    assert cloud.take("PullQueue") == [{"estab": ESTAB, "dataset": "groups"}]


def test_one_message_is_sent_for_all_datasets_of_a_school_that_wait(cloud: Cloud) -> None:
    asked_for(cloud, "staff", minutes_ago=40)
    for name in ("groups", "contacts"):
        dataset_table(cloud).add_demand(ESTAB, name, now() - 40 * MINUTE)
    watch(cloud)
    assert len(cloud.take("PullQueue")) == 1
    watch(cloud)
    assert cloud.take("PullQueue") == [], "the next look of each is as late as of any message"


def test_a_pull_whose_message_could_not_be_sent_stays_due(cloud: Cloud) -> None:
    asked_for(cloud, "staff", minutes_ago=40)
    with refusing("sqs", "SendMessage"):
        assert watch(cloud)["failed"] == 1
    watch(cloud)
    assert cloud.take("PullQueue") == [{"estab": ESTAB, "dataset": "staff"}]


def test_a_database_that_was_silent_past_its_time_is_pulled_without_being_called_for(
    connected: Cloud, xporter: Xporter
) -> None:
    onboard(connected, xporter.school(scopes=["School"]))
    connected.settle()
    long_ago = iso(now() - timedelta(hours=40))
    for item in dataset_table(connected).of_school(ESTAB):
        if str(item.state) == "current":
            connected.client("dynamodb").update_item(
                TableName=connected.ref("DatasetsTable"),
                Key={"estab": {"S": ESTAB}, "dataset": {"S": item.dataset}},
                UpdateExpression="SET checked_at = :then, began_at = :then, watch_at = :then",
                ExpressionAttributeValues={":then": {"S": long_ago}},
            )
    watch(connected)
    (message,) = connected.take("PullQueue")
    asked = {item.dataset for item in dataset_table(connected).of_school(ESTAB) if item.is_due}
    assert message["dataset"] in asked == {"schoolinfo", "groups"}, "one message serves all"
