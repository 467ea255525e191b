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

from tests.support import template
from tools.demo.context import Journey
from tools.demo.errors import StepFailedError
from tools.demo.simulator import Simulator
from tools.trial.access import follow_a_callback_through_the_logs, refuse_unsigned_requests
from tools.trial.alarms import look_at_every_alarm
from tools.trial.dashboard import DASHBOARDS, ask_every_query, run_every_saved_query

IDS = {
    "CallbacksAccessLogGroup": "access",
    "ReceiveAuthenticationLogGroup": "function",
    "Dashboard": "xporter-trial-1",
    "OnCallDashboard": "xporter-trial-1-on-call",
    "CostDashboard": "xporter-trial-1-cost",
    "ErrorsQuery": "11111111-0000-4000-8000-000000000000",
    "PullQuery": "22222222-0000-4000-8000-000000000000",
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


def dashboard_answers(
    aws: Aws, *results: Mapping[str, Any], alarms: tuple[str, ...] = ("stack-Old",)
) -> None:
    lines = [[{"expression": "SEARCH('{Ours,Dataset}', 'Sum', 300)"}], ["AWS/SQS", "Sent"]]
    properties = {"title": "Rows", "stat": "Sum", "period": 300, "metrics": lines}
    widgets: list[Any] = [{"type": "metric", "properties": properties}]
    arn = "arn:aws:cloudwatch:eu-west-2:123456789012:alarm:stack-Old"
    bodies = {
        "Dashboard": widgets,
        "OnCallDashboard": [*widgets, {"type": "alarm", "properties": {"alarms": [arn]}}],
        "CostDashboard": [{"type": "text", "properties": {}}],
    }
    for name, each in bodies.items():
        answer = {"DashboardBody": json.dumps({"widgets": each})}
        aws.answers("cloudwatch", "get_dashboard", answer, DashboardName=IDS[name])
    aws.answers(
        "cloudwatch",
        "describe_alarms",
        {"MetricAlarms": [{"AlarmName": name} for name in alarms]},
        AlarmNames=["stack-Old"],
        AlarmTypes=["MetricAlarm", "CompositeAlarm"],
    )
    for _ in range(2):
        aws.answers("cloudwatch", "get_metric_data", {"MetricDataResults": results})


def test_a_dashboard_whose_queries_are_answered_passes(aws: Aws, journey: Journey) -> None:
    dashboard_answers(aws, {"Id": "q0", "StatusCode": "Complete", "Values": [1.0]})
    said = ask_every_query(journey)
    assert said.startswith("4 queries of 2 widgets on 3 dashboards answered, 2 widgets show")


def test_a_dashboard_that_shows_an_alarm_which_is_not_there_fails_the_check(
    aws: Aws, journey: Journey
) -> None:
    dashboard_answers(aws, {"Id": "q0", "Values": [1.0]}, alarms=())
    with pytest.raises(StepFailedError, match=r"not in CloudWatch: .*stack-Old"):
        ask_every_query(journey)


def saved_queries(
    aws: Aws, *statuses: str, names: tuple[str, ...] = ("ErrorsQuery", "PullQuery")
) -> None:
    definitions = [
        {
            "queryDefinitionId": IDS[name],
            "name": f"xporter-trial-1/{name}",
            "queryString": f"fields {name}",
            "logGroupNames": ["function"],
        }
        for name in names
    ]
    aws.answers(
        "logs",
        "describe_query_definitions",
        {"queryDefinitions": definitions},
        queryDefinitionNamePrefix="xporter-trial-1/",
    )
    for name, status in zip(names, statuses, strict=False):
        aws.answers(
            "logs",
            "start_query",
            {"queryId": name},
            logGroupNames=["function"],
            queryString=f"fields {name}",
            startTime=ANY,
            endTime=ANY,
        )
        answer = {"status": status, "results": [[{"field": "message", "value": "x"}]]}
        aws.answers("logs", "get_query_results", answer, queryId=name)


def test_every_saved_query_is_run(aws: Aws, journey: Journey) -> None:
    saved_queries(aws, "Complete", "Complete")
    assert run_every_saved_query(journey) == "2 saved queries answered, with 2 lines"


def test_a_saved_query_that_fails_or_is_missing_fails_the_check(aws: Aws, journey: Journey) -> None:
    saved_queries(aws, "Complete", "Failed")
    with pytest.raises(StepFailedError, match="PullQuery ended as Failed"):
        run_every_saved_query(journey)
    saved_queries(aws, names=("ErrorsQuery",))
    with pytest.raises(StepFailedError, match="not saved: PullQuery"):
        run_every_saved_query(journey)


def test_the_trial_asks_every_dashboard_and_query_of_the_template() -> None:
    resources = template.load()["Resources"]
    kinds = {name: each["Type"] for name, each in resources.items()}
    dashboards = [name for name, kind in kinds.items() if kind == "AWS::CloudWatch::Dashboard"]
    assert sorted(dashboards) == sorted(DASHBOARDS)
    queries = [name for name, kind in kinds.items() if kind == "AWS::Logs::QueryDefinition"]
    assert queries
    assert [name for name in kinds if name.endswith("Query")] == queries


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
