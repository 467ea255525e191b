"""The metrics, alarms and dashboard of template.yaml against what the code and AWS emit."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from tests.support import template
from tests.support.builders import BASE_URL, FORM, authentication_form, callback, signed_url
from tests.support.moto_cloud import Cloud
from tests.support.template import ROOT, logical_id, named
from xporter_bridge import telemetry
from xporter_bridge.telemetry import METRICS
from xporter_bridge.writebacks.model import WritebackState

FUNCTIONS = template.functions()
QUEUES = template.resources("AWS::SQS::Queue")
ALARMS = template.resources("AWS::CloudWatch::Alarm")
COMPOSITES = template.resources("AWS::CloudWatch::CompositeAlarm")
RESOURCES: dict[str, Any] = template.load()["Resources"]
RUNBOOK = ROOT / "docs" / "runbook.md"
# What AWS itself emits, of what is watched here.
AWS_METRICS = {
    "AWS/SQS": {
        "ApproximateNumberOfMessagesVisible",
        "ApproximateAgeOfOldestMessage",
        "NumberOfMessagesSent",
        "NumberOfEmptyReceives",
    },
    "AWS/Lambda": {
        "Errors",
        "Throttles",
        "Duration",
        "ConcurrentExecutions",
        "Invocations",
        "RecursiveInvocationsDropped",
    },
    "AWS/ApiGateway": {"Latency", "IntegrationLatency", "4xx", "5xx", "Count"},
    "AWS/DynamoDB": {
        "ConsumedReadCapacityUnits",
        "ConsumedWriteCapacityUnits",
        "ReadThrottleEvents",
        "WriteThrottleEvents",
    },
    "AWS/S3": {"BucketSizeBytes", "NumberOfObjects"},
    "AWS/Logs": {"IncomingBytes"},
    "AWS/Billing": {"EstimatedCharges"},
}


@cache
def dashboards() -> dict[str, dict[str, Any]]:
    """Return the body of every dashboard, each reference as the bare name of what it means."""
    found = {}
    for name, properties in template.resources("AWS::CloudWatch::Dashboard").items():
        text, variables = properties["DashboardBody"]["Fn::Sub"]
        for variable, chosen in variables.items():
            text = text.replace(f"${{{variable}}}", chosen["Fn::If"][1]["Fn::Sub"])
        found[name] = dict(json.loads(re.sub(r"\$\{([^}]+)\}", r"\1", text)))
    return found


def shown_widgets() -> list[dict[str, Any]]:
    return [widget for body in dashboards().values() for widget in body["widgets"]]


# What tells the metrics of one stack from those of another in the same account.
OURS = "AWS::StackName"


def watched_by_dashboard() -> Iterator[tuple[str, str, str]]:
    """Yield namespace, metric and dimension of everything that a widget shows."""
    for widget in shown_widgets():
        for metric in widget["properties"].get("metrics", []):
            if isinstance(metric[0], str):
                names = [each for each in metric if isinstance(each, str)]
                yield names[0], names[1], names[2] if len(names) > 2 else ""
            else:
                yield from searched(metric[0]["expression"])


def searched(expression: str) -> Iterator[tuple[str, str, str]]:
    found = re.fullmatch(
        r"(?:SUM\()?SEARCH\('\{\"([\w/:]+)\",(\w+)\} (.*)', '\w+', \d+\)\)?", expression
    )
    assert found, expression
    for name in re.findall(r'MetricName="(\w+)"', found[3]):
        yield found[1], name, found[2]


def watched_by_alarms() -> Iterator[tuple[str, str, str]]:
    for alarm in ALARMS.values():
        if "MetricName" in alarm:
            yield watched(alarm)
        for each in alarm.get("Metrics", []):
            if "MetricStat" in each:
                yield watched(each["MetricStat"]["Metric"])
            elif "METRICS()" not in each["Expression"]:
                yield queried(each["Expression"]["Fn::Sub"])


def watched(metric: dict[str, Any]) -> tuple[str, str, str]:
    namespace = metric["Namespace"]
    dimensions = metric.get("Dimensions") or [{"Name": ""}]
    is_ours = namespace == {"Ref": OURS}
    return OURS if is_ours else namespace, metric["MetricName"], dimensions[0]["Name"]


def queried(expression: str) -> tuple[str, str, str]:
    pattern = r"SELECT \w+\((\w+)\) FROM SCHEMA\(\"\$\{([\w:]+)\}\", \"(\w+)\"\)"
    found = re.fullmatch(pattern, expression)
    assert found, expression
    return found[2], found[1], found[3]


def filtered() -> set[str]:
    """Return the metrics that CloudWatch counts in our logs; they have no dimension."""
    filters = template.resources("AWS::Logs::MetricFilter").values()
    made = [each for properties in filters for each in properties["MetricTransformations"]]
    assert all(each["MetricNamespace"] == {"Ref": OURS} for each in made)
    return {each["MetricName"] for each in made}


@pytest.mark.parametrize("watched", sorted({*watched_by_dashboard(), *watched_by_alarms()}))
def test_every_metric_that_is_watched_is_emitted(watched: tuple[str, str, str]) -> None:
    namespace, name, dimension = watched
    if namespace != OURS:
        assert name in AWS_METRICS[namespace]
        assert dimension, "of every stack and everybody's functions in the account"
    elif dimension:
        assert METRICS[name][1] == dimension
    else:
        assert name in filtered()


def test_every_function_counts_in_the_namespace_that_is_watched() -> None:
    for function in FUNCTIONS:
        assert template.environment(function)["POWERTOOLS_METRICS_NAMESPACE"] == {"Ref": OURS}


def alarms_on(metric: str) -> dict[str, set[str]]:
    """Return which resources each alarm on a metric watches, by the alarm's name."""
    found: dict[str, set[str]] = {}
    for name, alarm in ALARMS.items():
        several = [
            each.get("MetricStat", {}).get("Metric", {}) for each in alarm.get("Metrics", [])
        ]
        for each in [alarm, *several]:
            if each.get("MetricName") == metric:
                found.setdefault(name, set()).update(named(each["Dimensions"]))
    return found


FED = {logical_id(function) for function, _ in template.consumers().values()}


def test_a_schedule_that_fails_raises_an_alarm() -> None:
    scheduled = {f for f, p in FUNCTIONS.items() if "ScheduleV2" in json.dumps(p.get("Events"))}
    assert scheduled == {
        "schedule_registrations",
        "schedule_pulls",
        "watch_deadlines",
        "rotate_secrets",
    }
    watched = set().union(*(v for k, v in alarms_on("Errors").items() if k != "AnswerErrorsAlarm"))
    assert watched == {logical_id(function) for function in scheduled} | FED


def test_a_consumer_that_cannot_start_raises_an_alarm_within_ten_minutes() -> None:
    # Its messages come back after the queue's visibility, so one error is all there may be.
    assert alarms_on("Errors")["ConsumerFailedAlarm"] == FED
    alarm = ALARMS["ConsumerFailedAlarm"]
    assert (alarm["Threshold"], alarm["EvaluationPeriods"]) == (1, 1)
    periods = {each["MetricStat"]["Period"] for each in alarm["Metrics"] if "MetricStat" in each}
    assert periods == {300}


def watched_values(alarm: str) -> set[str]:
    metrics = [
        each.get("MetricStat", {}).get("Metric") for each in ALARMS[alarm].get("Metrics", [])
    ]
    several = [each for each in [ALARMS[alarm], *metrics] if each]
    return {each["Dimensions"][0]["Value"] for each in several if each.get("Dimensions")}


def test_a_writeback_that_ends_unknown_raises_an_alarm() -> None:
    assert watched_values("WritebackUnknownAlarm") == {WritebackState.UNKNOWN}


def test_many_callbacks_to_urls_that_are_not_ours_raise_an_alarm(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = set()
    monkeypatch.setattr(telemetry, "count", lambda name, reason: refused.add((name, reason)))
    form = {"body": authentication_form(), "content_type": FORM}
    guessed = callback(f"{BASE_URL}/callbacks/authentication/guessed", "POST", **form)
    url = signed_url()
    for function, event in [
        ("receive_authentication", guessed),
        ("receive_database", callback(url)),
        ("receive_database", callback(url.split("?")[0])),
    ]:
        assert cloud.invoke(function, event)["statusCode"] == 404
    watched = {("CallbackRejected", reason) for reason in watched_values("SignaturesRejectedAlarm")}
    assert refused == watched


def test_a_function_that_ends_without_an_answer_raises_an_alarm() -> None:
    answering = {f for f, p in FUNCTIONS.items() if "HttpApi" in json.dumps(p.get("Events"))}
    assert alarms_on("Errors")["AnswerErrorsAlarm"] == {logical_id(each) for each in answering}


def test_the_watcher_is_watched_itself() -> None:
    assert alarms_on("Invocations") == {"WatcherStoppedAlarm": {"WatchDeadlinesFunction"}}
    assert ALARMS["WatcherStoppedAlarm"]["ComparisonOperator"] == "LessThanThreshold"


def test_both_apis_raise_an_alarm_when_they_fail() -> None:
    assert alarms_on("5xx") == {
        "CallbackServerErrorAlarm": {"CallbacksApi"},
        "ApiServerErrorAlarm": {"CompanyApi"},
    }


def test_a_message_that_waits_too_long_in_any_queue_raises_an_alarm() -> None:
    watched = alarms_on("ApproximateAgeOfOldestMessage")
    assert set().union(*watched.values()) == set(template.consumers())


def test_a_function_that_no_queue_repeats_raises_an_alarm_when_lambda_refuses_it() -> None:
    unfed = {logical_id(function) for function in FUNCTIONS} - FED
    # A dashboard is looked at again, and CodeDeploy fails the deployment that it could not check.
    unfed -= {"RenderWidgetFunction", "CheckVersionFunction"}
    assert alarms_on("Throttles")["ThrottledAlarm"] == unfed


def test_a_consumer_that_lambda_refuses_raises_another() -> None:
    assert alarms_on("Throttles")["ConsumerThrottledAlarm"] == FED


def test_a_chain_of_messages_that_lambda_stops_raises_an_alarm() -> None:
    # Only what a queue feeds can be part of a loop: nothing else is started by what we send.
    assert alarms_on("RecursiveInvocationsDropped") == {"RecursionStoppedAlarm": FED}


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_calculates_with_no_more_metrics_than_cloudwatch_lets_it(alarm: str) -> None:
    metrics = [each for each in ALARMS[alarm].get("Metrics", []) if "MetricStat" in each]
    assert len(metrics) <= 10
    returned = [each for each in ALARMS[alarm].get("Metrics", []) if each["ReturnData"]]
    assert len(returned) == ("Metrics" in ALARMS[alarm])


def test_callbacks_that_our_own_throttle_refuses_are_counted() -> None:
    (filter_,) = template.resources("AWS::Logs::MetricFilter").values()
    group = named(filter_["LogGroupName"])
    settings = RESOURCES["CallbacksApi"]["Properties"]["AccessLogSettings"]
    assert named(settings["DestinationArn"]) == group
    assert json.loads(settings["Format"])["status"] == "$context.status"
    assert filter_["FilterPattern"] == '{ $.status = "429" }'
    assert filtered() == {ALARMS["CallbackThrottledAlarm"]["MetricName"]}


def test_every_function_is_on_the_dashboard() -> None:
    text = json.dumps(dashboards())
    assert all(f'"{logical_id(function)}"' in text for function in FUNCTIONS)


def test_everything_that_the_issue_wants_to_see_is_on_the_dashboard() -> None:
    shown = {name for _, name, _ in watched_by_dashboard()}
    assert shown >= {
        "CallbackAccepted", "CallbackRejected", "CallbackFailed", "Latency", "SchoolsInState",
        "ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible", "PullCommitted",
        "PullFailed", "RowsPulled", "Errors",
    }  # fmt: skip


def test_every_queue_is_on_the_dashboard() -> None:
    text = json.dumps(dashboards())
    assert all(f"{queue}.QueueName" in text for queue in QUEUES)


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_reaches_somebody_and_ends_by_itself(alarm: str) -> None:
    # Informs; what wakes somebody does so through the one composite alarm.
    assert ALARMS[alarm]["AlarmActions"] == [{"Ref": "AlarmTopic"}]
    # Silence is what a heartbeat's alarm is about, and no news for every other.
    is_heartbeat = ALARMS[alarm]["ComparisonOperator"] == "LessThanThreshold"
    assert ALARMS[alarm]["TreatMissingData"] == ("breaching" if is_heartbeat else "notBreaching")


# What cannot wait for the morning: data is being lost, or nothing works.
WAKES = {
    "CallbackFailedAlarm", "CallbackServerErrorAlarm", "ConsumerFailedAlarm", "ThrottledAlarm",
    "RecursionStoppedAlarm", "AuthenticationDeadLettersAlarm", "ErasureDeadLettersAlarm",
    "ApiServerErrorAlarm", "WatchDeadlinesFailedAlarm", "WatcherStoppedAlarm", "QueueOldAlarm",
}  # fmt: skip


def test_what_cannot_wait_wakes_somebody_and_nothing_else_does() -> None:
    (composite,) = COMPOSITES.values()
    assert named(composite["AlarmRule"]) == WAKES
    assert composite["AlarmActions"] == composite["OKActions"] == [{"Ref": "PageTopic"}]
    assert set(ALARMS) > WAKES


@pytest.mark.parametrize("alarm", COMPOSITES)
def test_an_alarm_on_alarms_is_on_while_any_of_them_is(alarm: str) -> None:
    rule = COMPOSITES[alarm]["AlarmRule"]["Fn::Sub"]
    terms = [term.strip() for term in rule.split(" OR\n")]
    assert all(re.fullmatch(r'ALARM\("\$\{\w+\}"\)', term) for term in terms)


def test_the_runbook_lists_what_wakes_somebody() -> None:
    text = RUNBOOK.read_text(encoding="utf-8")
    section = text.split("## What wakes somebody")[1].split("\n## ")[0]
    first = set(
        re.findall(r"[a-z]+(?:-[a-z]+)*", " ".join(re.findall(r"(?m)^\| ([^|]+) \|", section)))
    )
    linked = {re.sub(r".*#alarm-", "", description_of(ALARMS[alarm])) for alarm in WAKES}
    assert linked <= first


@pytest.mark.parametrize("alarm", {**ALARMS, **COMPOSITES})
def test_every_alarm_links_a_step_of_the_runbook(alarm: str) -> None:
    description = description_of({**ALARMS, **COMPOSITES}[alarm])
    found = re.search(r" \$\{RunbookUrl\}#([\w-]+)$", description)
    assert found, "the alarm links no step"
    assert found[1] in anchors(RUNBOOK.read_text(encoding="utf-8"))


def description_of(alarm: dict[str, Any]) -> str:
    return str(alarm["AlarmDescription"]["Fn::Sub"])


def test_every_link_of_a_dashboard_leads_to_a_section_of_the_runbook() -> None:
    known = anchors(RUNBOOK.read_text(encoding="utf-8"))
    texts = [widget["properties"].get("markdown", "") for widget in shown_widgets()]
    linked = re.findall(r"\(RunbookUrl#([\w-]+)\)", " ".join(texts))
    assert len(linked) > 20
    assert set(linked) <= known


def test_every_alarm_has_its_state_on_the_overview() -> None:
    (widget,) = [each for each in dashboards()["Dashboard"]["widgets"] if each["type"] == "alarm"]
    shown = widget["properties"]["alarms"]
    assert sorted(shown) == sorted(f"{name}.Arn" for name in {**ALARMS, **COMPOSITES})


def test_what_wakes_somebody_is_on_the_dashboard_of_the_one_who_is_woken() -> None:
    body = dashboards()["OnCallDashboard"]
    (widget,) = [each for each in body["widgets"] if each["type"] == "alarm"]
    assert {each.removesuffix(".Arn") for each in widget["properties"]["alarms"]} == {
        *WAKES,
        *COMPOSITES,
    }


def anchors(markdown: str) -> set[str]:
    """Return the anchors of all headings, as GitHub makes them, and those set by hand."""
    headings = re.findall(r"^#+ (.+)$", markdown, re.MULTILINE)
    made = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return made | set(re.findall(r"<a (?:id|name)=\"([\w-]+)\"", markdown))
