"""Game days: each makes a fault, sees the alarm on by its own condition, repairs it, sees it off.

docs/runbook.md lists which alarms have one; tests/conventions/test_game_days.py holds the list.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration import test_writeback_conversation as conversation
from tests.integration.test_end_of_schools import due, with_days
from tests.integration.test_silence import night
from tests.integration.test_watch_deadlines import overdue
from tests.support.builders import (
    BASE_URL,
    ESTAB,
    FORM,
    NOW,
    callback,
    dataset_table,
    onboard,
    records,
    signed_url,
    stored_school,
)
from tests.support.company_api import request
from tests.support.conversation_world import Company
from tests.support.game_day import GameDay, game_day
from tests.support.moto_cloud import Cloud, refusing
from tests.support.pull_world import World, in_memory
from tests.support.template import consumers
from tests.support.xporter import Xporter
from xporter_bridge.aws.dynamodb import WATCH_SHARDS
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.callbacks.signed_urls import CallbackKind, sign
from xporter_bridge.callbacks.signing_keys import SigningKeys
from xporter_bridge.datasets.config import configured
from xporter_bridge.watchdog.forecast_night import forecast_night
from xporter_bridge.watchdog.night import QueueSample
from xporter_bridge.watchdog.repository import NightRepository
from xporter_bridge.writebacks.read_callback import subject_of

QUEUES = [queue.removesuffix("Queue") for queue in consumers()]
SCHEDULES = ["watch_deadlines", "schedule_pulls", "schedule_registrations"]
STUDENTS = ["Student", "StudentDemographic"]
company = conversation.company
COMPOSITE = "NeedsSomebodyNowAlarm"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xporter_bridge.xporter.client._QUICK_RETRY_SECONDS", 0)


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Any:
    return lambda: capsys.readouterr().out


def checked(day: GameDay, request_: pytest.FixtureRequest) -> Iterator[GameDay]:
    yield day
    declared = request_.function.alarms
    params = getattr(request_.node, "callspec", None)
    assert day.raised <= declared
    assert day.raised == declared or params, "declared, and not raised"
    assert day.raised
    day.ends()


@pytest.fixture
def day(cloud: Cloud, printed: Any, request: pytest.FixtureRequest) -> Iterator[GameDay]:
    """A deployment to an Xporter that is not there."""
    yield from checked(GameDay(printed, cloud), request)


@pytest.fixture
def connected_day(
    connected: Cloud, printed: Any, request: pytest.FixtureRequest
) -> Iterator[GameDay]:
    """A deployment to the simulator."""
    yield from checked(GameDay(printed, connected), request)


# -- dead letters


@game_day(*[f"{queue}DeadLettersAlarm" for queue in QUEUES], "MessageFailedAlarm")
@pytest.mark.parametrize("queue", QUEUES)
def test_a_message_that_nobody_can_read_is_found_and_purged(
    day: GameDay, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqs, dead = day.cloud.client("sqs"), day.cloud.ref(f"{queue}DeadLetterQueue")
    sqs.send_message(QueueUrl=day.cloud.ref(f"{queue}Queue"), MessageBody="[]")
    day.ends(f"{queue}DeadLettersAlarm", "MessageFailedAlarm")
    day.deliver_until_dead(f"{queue}Queue")
    day.raises(f"{queue}DeadLettersAlarm", "MessageFailedAlarm")
    assert queue in day.operate(monkeypatch, f"redrive {queue} --dry-run --json")
    sqs.purge_queue(QueueUrl=dead)
    day.later(minutes=6)


@game_day("DatabaseDeadLettersAlarm", "MessageFailedAlarm")
def test_what_a_fault_of_ours_made_a_dead_letter_is_redriven_after_the_correction(
    day: GameDay, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored_school(day.cloud)
    assert heard(day) == 202
    with monkeypatch.context() as faulty:
        faulty.setattr("functions.plan_pulls.handler.plan", broken)
        day.deliver_until_dead("DatabaseQueue")
    day.raises("MessageFailedAlarm", "DatabaseDeadLettersAlarm")
    day.operate(monkeypatch, "redrive Database --yes")
    day.deliver("DatabaseQueue")
    assert day.cloud.depth("PullQueue")
    day.later(minutes=6)


@game_day("WritebackDeadLettersAlarm", "MessageParkedAlarm")
def test_a_message_that_can_never_succeed_is_parked_with_its_reason(
    day: GameDay, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = Queue(day.cloud.client("sqs"), day.cloud.ref("WritebackQueue"))
    queue.send({"estab": ESTAB, "kind": "attendance", "payload": "none", "idempotency_key": "k"})
    day.deliver("WritebackQueue")
    day.raises("MessageParkedAlarm", "WritebackDeadLettersAlarm")
    said = day.operate(monkeypatch, "redrive Writeback --dry-run --json")
    assert "message_malformed" in said
    day.cloud.take("WritebackDeadLetterQueue")
    day.later(minutes=6)


# -- callbacks and the API


@game_day("CallbackFailedAlarm", "CallbackServerErrorAlarm", COMPOSITE)
def test_callbacks_that_cannot_be_stored_wake_somebody_until_aws_takes_them_again(
    day: GameDay,
) -> None:
    with refusing("sqs", "SendMessage"):
        assert heard(day) >= 500
    day.raises("CallbackFailedAlarm", "CallbackServerErrorAlarm", COMPOSITE)
    day.later(minutes=6)
    assert heard(day) == 202


@game_day("AnswerErrorsAlarm", "CallbackServerErrorAlarm")
def test_a_receiver_that_ends_without_an_answer_answers_after_the_roll_back(
    day: GameDay, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as faulty:
        faulty.setattr("functions.receive_database.handler.lambda_handler", broken)
        assert heard(day) == 500
    day.raises("AnswerErrorsAlarm", "CallbackServerErrorAlarm")
    day.later(minutes=6)
    assert heard(day) == 202


@game_day("SignaturesRejectedAlarm")
def test_a_hundred_callbacks_that_are_not_ours_raise_an_alarm(day: GameDay) -> None:
    forged = callback(signed_url())
    for _ in range(99):
        assert day.call("CallbacksApi", "receive_database", forged) == 404
    day.ends("SignaturesRejectedAlarm")
    guessed = callback(f"{BASE_URL}/callbacks/authentication/guessed", "POST", body=b"a=1",
                       content_type=FORM)  # fmt: skip
    assert day.call("CallbacksApi", "receive_authentication", guessed) == 404
    day.raises("SignaturesRejectedAlarm")
    assert heard(day) == 202, "it is a stranger: ours still arrive"
    day.later(minutes=6)


@game_day("RequestFailedAlarm", "ApiServerErrorAlarm")
def test_an_api_that_cannot_read_its_tables_answers_when_it_can_again(day: GameDay) -> None:
    stored_school(day.cloud)
    asked = request("GET", f"/v1/schools/{ESTAB}")
    with refusing("dynamodb", "GetItem", "AccessDeniedException"):
        assert day.call("CompanyApi", "serve_api", asked) >= 500
    day.raises("RequestFailedAlarm", "ApiServerErrorAlarm")
    day.later(minutes=6)
    assert day.call("CompanyApi", "serve_api", asked) == 200


# -- what runs by itself


@game_day(
    "WatchDeadlinesFailedAlarm", "SchedulePullsFailedAlarm", "ScheduleRegistrationsFailedAlarm"
)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_that_failed_is_run_by_hand(
    day: GameDay, schedule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alarm = "".join(word.capitalize() for word in schedule.split("_")) + "FailedAlarm"
    assert day.run(schedule, {}, without=["SCHOOLS_TABLE"]) is None
    day.raises(alarm)
    day.later(minutes=6)
    day.operate(monkeypatch, f"trigger {schedule}")


@game_day("RotateSecretsFailedAlarm")
def test_a_rotation_that_failed_is_continued(day: GameDay, monkeypatch: pytest.MonkeyPatch) -> None:
    day.cloud.arn("CallbackKeySecret")
    with refusing("secretsmanager", "DescribeSecret"):
        assert day.run("rotate_secrets", {"secret": "key", "rotate": True}) is None
    day.raises("RotateSecretsFailedAlarm")
    day.later(minutes=6)
    day.operate(monkeypatch, "trigger rotate_secrets")
    assert day.run("rotate_secrets", {"secret": "key", "rotate": True}) is not None


@game_day("WatcherStoppedAlarm")
def test_a_watchdog_that_stands_still_is_noticed_and_started(day: GameDay) -> None:
    day.is_watchdog_running = False
    day.raises("WatcherStoppedAlarm")
    for _ in range(5):
        for shard in WATCH_SHARDS:
            day.run("watch_deadlines", {"shard": shard})
    day.run("watch_deadlines", {"forecast": True})


@game_day("WatchOperationsCutAlarm", "WatchDataCutAlarm")
def test_a_watchdog_without_time_is_cut_and_catches_up(day: GameDay) -> None:
    overdue(day.cloud)
    for number in range(4):
        day.later(minutes=5 * bool(number))
        day.run("watch_deadlines", {}, remaining_seconds=lambda: 0.0)
        day.raises("WatchOperationsCutAlarm")
    day.raises("WatchDataCutAlarm")
    day.later(minutes=6)
    assert day.run("watch_deadlines", {})["cut"] == 0
    assert day.cloud.depth("PullQueue")


@game_day("SchoolEndsHeldAlarm")
def test_many_schools_at_their_end_wait_for_a_person(
    day: GameDay, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_days(day.cloud, 90)
    for number in range(4):
        due(day.cloud, f"328110{number}")
    day.run("watch_deadlines", {"ends": True})
    day.raises("SchoolEndsHeldAlarm")
    day.later(minutes=61)
    found = day.operate(monkeypatch, "trigger watch_deadlines --ends 4")
    assert "held 0" in found
    assert len(day.cloud.take("ErasureQueue")) == 4


@game_day("ConsumerFailedAlarm", COMPOSITE)
def test_a_consumer_that_cannot_start_does_its_work_after_the_next_deployment(
    day: GameDay,
) -> None:
    stored_school(day.cloud)
    heard(day)
    day.deliver("DatabaseQueue", without=["PULL_QUEUE_URL"])
    day.raises("ConsumerFailedAlarm", COMPOSITE)
    day.later(minutes=6)
    day.deliver("DatabaseQueue")
    assert day.cloud.depth("PullQueue")


@game_day("QueueOldAlarm", "LongQueueOldAlarm")
def test_messages_that_wait_for_hours_are_old_until_they_are_handled(day: GameDay) -> None:
    stored_school(day.cloud)
    heard(day)
    day.ends("QueueOldAlarm")
    day.later(minutes=61)
    day.raises("QueueOldAlarm")
    day.deliver("DatabaseQueue")
    day.ends("LongQueueOldAlarm")
    day.later(hours=6, minutes=1)
    day.ends("QueueOldAlarm")
    day.raises("LongQueueOldAlarm")
    day.cloud.take("PullQueue")
    day.later(minutes=6)


# -- schools


@game_day("PullHeldAlarm")
def test_a_mass_deletion_waits_for_a_person_who_approves_it(
    connected_day: GameDay, xporter: Xporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    day, cloud = connected_day, connected_day.cloud
    pulled(cloud, xporter, students=30, scopes=STUDENTS)
    changed(cloud, xporter, deletes=22)
    day.raises("PullHeldAlarm")
    assert "students" in day.operate(monkeypatch, "hold list")
    day.operate(monkeypatch, f"hold approve {ESTAB} students --yes")
    cloud.settle("PullQueue")
    assert dataset_table(cloud).get(ESTAB, "students").published.sequence == 2  # type: ignore[union-attr]
    day.later(minutes=6)


@game_day("RegistrationFailedAlarm")
def test_refused_webhooks_are_registered_when_xporter_takes_them(
    connected_day: GameDay, xporter: Xporter
) -> None:
    day, cloud = connected_day, connected_day.cloud
    onboard(cloud, xporter.school())
    xporter.set_faults({"kind": "failed_webhook_registration"})
    for _ in range(10):
        day.run("register_webhooks", records({"estab": ESTAB}))
    day.raises("RegistrationFailedAlarm")
    xporter.set_faults()
    day.later(minutes=6)
    day.run("register_webhooks", records({"estab": ESTAB}))
    assert xporter.webhooks()


@game_day("TokenAllowsNothingAlarm")
def test_a_token_that_allows_nothing_is_looked_at_until_the_scopes_are_back(
    connected_day: GameDay, xporter: Xporter
) -> None:
    day, cloud = connected_day, connected_day.cloud
    onboard(cloud, xporter.school(scopes=["School"]))
    cloud.settle()
    xporter.set_faults({"kind": "missing_scopes"})
    look = records({"estab": ESTAB, "look_at_scopes": True})
    day.run("register_webhooks", look)
    day.raises("TokenAllowsNothingAlarm")
    xporter.set_faults()
    day.later(minutes=6)
    day.run("register_webhooks", look)


@game_day("PullFailedAlarm")
def test_pulls_that_fail_in_an_outage_go_on_when_xporter_is_back(
    connected_day: GameDay, xporter: Xporter
) -> None:
    day, cloud = connected_day, connected_day.cloud
    day.parameters["FailedPullsPerHour"] = 5
    onboard(cloud, xporter.school())
    xporter.set_faults({"kind": "server_error", "path": "school"})
    day.deliver("PullQueue")
    day.raises("PullFailedAlarm")
    xporter.set_faults()
    day.later(minutes=61)
    for item in dataset_table(cloud).of_school(ESTAB):
        dataset_table(cloud).save(replace(item, progress=item.progress.recovered()), NOW)
    day.deliver("PullQueue")


# -- the school's data


@pytest.fixture
def world(xporter: Xporter) -> World:
    """A school that is live, with its pupils not pulled yet; its own clock."""
    return World(in_memory(), xporter, students=12)


@pytest.fixture
def data_day(printed: Any, request: pytest.FixtureRequest) -> Iterator[GameDay]:
    yield from checked(GameDay(printed), request)


def asked(world: World, *datasets: str) -> None:
    world.ask(*datasets or ("students",))
    world.settle()


@game_day("BaselineDifferedAlarm")
def test_a_snapshot_that_lost_a_row_is_found_and_corrected_by_the_full_comparison(
    data_day: GameDay, world: World
) -> None:
    asked(world)
    world.lose_a_row("students", "Students")
    world.advance(days=8, hours=1)
    world.watch()
    world.settle()
    data_day.raises("BaselineDifferedAlarm")
    rows = world.rows(world.latest("students")["tables"]["Students"]["snapshot_key"])
    assert len(rows) == len(world.xporter.truth("Students"))
    data_day.later(minutes=6)
    world.advance(days=8, hours=1)
    world.watch()
    world.settle()


@game_day("MisNotRefreshedAlarm")
def test_a_school_whose_agent_is_off_is_named_until_it_runs_again(
    data_day: GameDay, world: World
) -> None:
    asked(world)
    world.xporter.set_faults({"kind": "odd_meta", "value": "2026-11-01T02:00:00.000Z"})
    asked(world)
    data_day.raises("MisNotRefreshedAlarm")
    data_day.later(minutes=6)
    world.xporter.set_faults({"kind": "odd_meta", "value": world.now().isoformat()})
    asked(world)


@game_day("ColumnDriftAlarm")
def test_a_column_that_xporter_adds_is_reported_once(data_day: GameDay, world: World) -> None:
    asked(world)
    world.xporter.set_faults({"kind": "added_column", "column": "House2", "value": "red"})
    world.change(rows=2)
    asked(world)
    data_day.raises("ColumnDriftAlarm")
    data_day.later(minutes=6)
    world.change(rows=2)
    asked(world)


@game_day("DatasetsSilentAlarm")
def test_a_night_without_callbacks_is_silent_and_the_next_is_not(
    data_day: GameDay, world: World
) -> None:
    data_day.parameters["SilentDatasetsPerHour"] = len(configured())
    world.ask(*configured())
    first = world.clock
    night(world, first, callback=True)
    data_day.ends("DatasetsSilentAlarm")
    night(world, first + timedelta(days=1), callback=False)
    data_day.raises("DatasetsSilentAlarm")
    data_day.later(minutes=61)
    night(world, first + timedelta(days=2), callback=True)


@game_day("NightLateAlarm")
def test_a_night_that_is_too_long_is_forecast_until_the_queue_is_served(day: GameDay) -> None:
    pulls = Queue(day.cloud.client("sqs"), day.cloud.ref("PullQueue"))
    nights = NightRepository(day.cloud.client("dynamodb"), day.cloud.ref("DatasetsTable"))
    pulls.send_all({"estab": ESTAB, "dataset": str(number)} for number in range(120))
    four = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)
    nights.save([QueueSample(four - timedelta(minutes=5), 121)])
    for number in range(6):
        day.ends("NightLateAlarm")
        day.later(minutes=5)
        forecast_night(pulls, nights, four + number * timedelta(minutes=5))
    day.raises("NightLateAlarm")
    day.cloud.take("PullQueue")
    day.later(minutes=5)
    forecast_night(pulls, nights, four + timedelta(minutes=30))


# -- writebacks


@game_day("WritebackUnknownAlarm")
def test_a_writeback_of_which_nothing_is_known_is_resolved_by_a_late_outcome(
    data_day: GameDay, company: Company
) -> None:
    wanted = tuple(scope for scope in company.school().scopes if scope != "Attendance")
    company.schools.change(ESTAB, lambda school: replace(school, scopes=wanted))
    faults = [{"kind": "lost_answer"}, {"kind": "lost_callback"}]
    conversation._sim(company, "PUT", "faults", faults)
    mark = conversation._mark(conversation._pupils(company)[0])
    ended = conversation._ends(company, company.write("attendance", {"Marks": [mark]}, "k"))
    assert ended.state == "unknown"
    data_day.raises("WritebackUnknownAlarm")
    data_day.later(minutes=6)
    outcome = {"is_completed": True, "tracking_id": "", "reason": "", "results": []}
    company.settle({"estab": ESTAB, "subject": subject_of(ended.id, 0, 1), **outcome})
    resolved = company.written.get(ESTAB, ended.id)
    assert resolved
    assert resolved.state == "completed"


# -- keys


@game_day("OldKeyAcceptedAlarm", "OldTokenAcceptedAlarm")
@pytest.mark.parametrize(
    ("secret", "alarm", "days"),
    [("key", "OldKeyAcceptedAlarm", 2), ("token", "OldTokenAcceptedAlarm", 1)],
)
def test_an_old_secret_is_accepted_until_somebody_drops_it(
    day: GameDay, secret: str, alarm: str, days: int
) -> None:
    stored_school(day.cloud)
    day.run("rotate_secrets", {"secret": secret, "rotate": True})
    for _ in range(days):
        day.run("rotate_secrets", {})
        day.later(days=1)
    day.run("rotate_secrets", {})
    day.raises(alarm)
    day.run("rotate_secrets", {"secret": secret, "drop": True})
    day.later(days=1)
    day.run("rotate_secrets", {})


def url(day: GameDay) -> str:
    """Return a callback URL of the school that the deployment itself would have made."""
    keys = SigningKeys(
        day.cloud.client("secretsmanager"), day.cloud.arn("CallbackKeySecret")
    ).keys()
    return sign(CallbackKind.DATABASE, ESTAB, "XodSchoolData", base_url=BASE_URL, keys=keys)


def heard(day: GameDay) -> int:
    """Let a database callback come; return its status."""
    return day.call("CallbacksApi", "receive_database", callback(url(day)))


def broken(*_: Any) -> None:
    raise ZeroDivisionError


def pulled(cloud: Cloud, xporter: Xporter, **facts: Any) -> None:
    onboard(cloud, xporter.school(**facts))
    cloud.settle()


def changed(cloud: Cloud, xporter: Xporter, **how: Any) -> None:
    """Let the school's data change, and its pupils be pulled."""
    path = f"schools/{ESTAB}/databases/XodSchoolData/change"
    xporter.control("POST", path, {"notify": False, **how})
    dataset_table(cloud).add_demand(ESTAB, "students", datetime.now(UTC))
    Queue(cloud.client("sqs"), cloud.ref("PullQueue")).send({"estab": ESTAB, "dataset": "students"})
    cloud.settle("PullQueue")
