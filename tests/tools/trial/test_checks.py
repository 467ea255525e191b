"""The checks that only a real account can run: what they ask AWS, and what they make of it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import boto3
import httpx
import pytest
from botocore.stub import ANY, Stubber

from tools.demo.context import Journey
from tools.demo.errors import StepFailedError
from tools.demo.simulator import Simulator
from tools.trial.access import follow_a_callback_through_the_logs, refuse_unsigned_requests
from tools.trial.alarms import look_at_every_alarm
from tools.trial.dashboard import ask_every_query

IDS = {
    "CallbacksAccessLogGroup": "access",
    "ReceiveAuthenticationLogGroup": "function",
    "Dashboard": "xporter-trial-1",
}
ROUTE = "POST /callbacks/authentication/{token}"


class Aws:
    """Clients that check every request against AWS's own model of it, and answer as told."""

    def __init__(self) -> None:
        self.services: dict[str, Any] = {}
        self._stubs: dict[str, Stubber] = {}

    def answers(self, service: str, call: str, answer: Mapping[str, Any], **request: Any) -> None:
        if service not in self.services:
            self.services[service] = boto3.client(service, "eu-west-2")
            self._stubs[service] = Stubber(self.services[service])
            self._stubs[service].activate()
        self._stubs[service].add_response(call, dict(answer), request or None)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    monkeypatch.setenv("WAIT_SECONDS", "-1")  # look once
    return Aws()


@pytest.fixture
def journey(aws: Aws) -> Journey:
    stack: Any = SimpleNamespace(
        name="xporter-trial-1",
        physical_ids=IDS,
        aws=lambda service: aws.services[service],
        api_url="https://api.example",
        xporter_url="https://simulator.example",
    )
    nobody: Any = None
    simulator = Simulator("https://simulator.example")
    return Journey(stack, simulator, nobody, nobody, first_request=0, first_callback=0)


# -- alarms


def alarms_are(aws: Aws, **states: str) -> None:
    kinds = {"Any": "AWS::CloudWatch::CompositeAlarm"}
    resources = [
        {
            "LogicalResourceId": name,
            "PhysicalResourceId": f"stack-{name}",
            "ResourceType": kinds.get(name, "AWS::CloudWatch::Alarm"),
            "ResourceStatus": "CREATE_COMPLETE",
            "LastUpdatedTimestamp": datetime.now(UTC),
        }
        for name in ("Old", "PullHeldAlarm", "Any")
    ]
    aws.answers("cloudformation", "list_stack_resources", {"StackResourceSummaries": resources})
    found = [{"AlarmName": f"stack-{name}", "StateValue": states[name]} for name in states]
    composite = [alarm for alarm in found if alarm["AlarmName"] == "stack-Any"]
    metric = [alarm for alarm in found if alarm not in composite]
    aws.answers(
        "cloudwatch",
        "describe_alarms",
        {"MetricAlarms": metric, "CompositeAlarms": composite},
        AlarmNames=["stack-Old", "stack-PullHeldAlarm", "stack-Any"],
        AlarmTypes=["MetricAlarm", "CompositeAlarm"],
    )


def test_an_alarm_may_ring_only_for_what_was_done_on_purpose(aws: Aws, journey: Journey) -> None:
    alarms_are(aws, Old="OK", PullHeldAlarm="ALARM", Any="OK")
    assert look_at_every_alarm(journey) == "3 alarms, 1 ring: PullHeldAlarm"


@pytest.mark.parametrize(
    ("states", "says"),
    [
        ({"Old": "ALARM", "PullHeldAlarm": "OK", "Any": "OK"}, "without a reason: Old"),
        ({"Old": "OK", "PullHeldAlarm": "OK", "Any": "ALARM"}, "without a reason: Any"),
        ({"Old": "INSUFFICIENT_DATA", "PullHeldAlarm": "OK", "Any": "OK"}, "no data for Old"),
        ({"Old": "OK", "PullHeldAlarm": "OK"}, "not in CloudWatch: Any"),
    ],
)
def test_an_alarm_fails_the_check_by(
    states: dict[str, str], says: str, aws: Aws, journey: Journey
) -> None:
    alarms_are(aws, **states)
    with pytest.raises(StepFailedError, match=says):
        look_at_every_alarm(journey)


# -- the dashboard


def dashboard_answers(aws: Aws, *results: Mapping[str, Any]) -> None:
    lines = [[{"expression": "SEARCH('{Ours,Dataset}', 'Sum', 300)"}], ["AWS/SQS", "Sent"]]
    properties = {"title": "Rows", "stat": "Sum", "period": 300, "metrics": lines}
    body = json.dumps({"widgets": [{"type": "metric", "properties": properties}]})
    aws.answers(
        "cloudwatch", "get_dashboard", {"DashboardBody": body}, DashboardName=IDS["Dashboard"]
    )
    aws.answers("cloudwatch", "get_metric_data", {"MetricDataResults": results})


def test_a_dashboard_whose_queries_are_answered_passes(aws: Aws, journey: Journey) -> None:
    dashboard_answers(aws, {"Id": "q0", "StatusCode": "Complete", "Values": [1.0]})
    assert ask_every_query(journey).startswith("2 queries of 1 widgets answered, 1 widgets show")


@pytest.mark.parametrize(
    ("result", "says"),
    [
        ({"Id": "q0", "StatusCode": "Complete", "Values": []}, "finds anything"),
        ({"Id": "q0", "StatusCode": "InternalError", "Values": [1.0]}, "not answered"),
    ],
)
def test_a_dashboard_fails_the_check_by(
    result: dict[str, Any], says: str, aws: Aws, journey: Journey
) -> None:
    dashboard_answers(aws, result)
    with pytest.raises(StepFailedError, match=says):
        ask_every_query(journey)


# -- the edge


def logs_have(aws: Aws, access: list[dict[str, str]], function: list[str]) -> None:
    for group, messages in (("access", map(json.dumps, access)), ("function", function)):
        aws.answers(
            "logs",
            "filter_log_events",
            {"events": [{"message": message} for message in messages]},
            logGroupName=group,
            filterPattern=ANY,
        )


def test_a_callback_is_followed_by_its_id(aws: Aws, journey: Journey) -> None:
    entries = [{"request_id": "a", "routeKey": "other"}, {"request_id": "b", "routeKey": ROUTE}]
    logs_have(aws, entries, ['{"request_id": "b"}'])
    assert follow_a_callback_through_the_logs(journey) == "request b is in both logs"


@pytest.mark.parametrize(
    ("route", "says"), [(ROUTE, "does not have the access log's id a"), ("other", "no authent")]
)
def test_a_callback_that_one_log_lacks_fails_the_check(
    route: str, says: str, aws: Aws, journey: Journey
) -> None:
    logs_have(aws, [{"request_id": "a", "routeKey": route}], [])
    with pytest.raises(StepFailedError, match=says):
        follow_a_callback_through_the_logs(journey)


@pytest.mark.parametrize(("open_at", "passes"), [("", True), ("api", False), ("_sim", False)])
def test_an_open_door_fails_the_check(
    open_at: str, passes: bool, journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    def get(url: str, **_: Any) -> httpx.Response:
        return httpx.Response(200 if open_at and open_at in url else 403)

    monkeypatch.setattr(httpx, "get", get)
    if passes:
        assert refuse_unsigned_requests(journey).endswith("403")
    else:
        with pytest.raises(StepFailedError, match="unsigned request with 200"):
            refuse_unsigned_requests(journey)
