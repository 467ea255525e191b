"""What CloudWatch takes for an alarm."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.support.template_rules.rule import rule
from tests.support.translated_template import Stack

_MONITORING = "AmazonCloudWatch/latest/monitoring/"
_API = "AmazonCloudWatch/latest/APIReference/"
_DAY = 24 * 3600
_TERM = r'(?:ALARM|OK|INSUFFICIENT_DATA)\("[^"]+"\)'
_RULE = re.compile(rf"\s*(?:NOT\s+)?{_TERM}(?:\s+(?:AND|OR)\s+(?:NOT\s+)?{_TERM})*\s*")


def metric_alarms(stack: Stack) -> dict[str, dict[str, Any]]:
    return stack.of("AWS::CloudWatch::Alarm")


@rule(_MONITORING + "alarm-limits.html")
def an_alarm_calculates_with_ten_metrics_at_most(stack: Stack) -> Iterator[str]:
    for name, alarm in metric_alarms(stack).items():
        metrics = [each for each in alarm.get("Metrics", []) if "MetricStat" in each]
        if len(metrics) > 10:
            yield f"{name} calculates with {len(metrics)}"


@rule(_MONITORING + "using-search-expressions.html")
def an_alarm_searches_for_nothing(stack: Stack) -> Iterator[str]:
    for name, alarm in metric_alarms(stack).items():
        if any("SEARCH(" in each.get("Expression", "") for each in alarm.get("Metrics", [])):
            yield f"{name} searches"


@rule(_API + "API_MetricDataQuery.html")
def the_metrics_of_an_alarm_have_names_and_one_is_its_value(stack: Stack) -> Iterator[str]:
    for name, alarm in metric_alarms(stack).items():
        metrics = alarm.get("Metrics", [])
        ids = [each["Id"] for each in metrics]
        wrong = [id_ for id_ in ids if not re.fullmatch(r"[a-z][a-zA-Z0-9_]{0,254}", id_)]
        twice = [id_ for id_, times in Counter(ids).items() if times > 1]
        if wrong or twice:
            yield f"{name} names its metrics {wrong or twice}"
        if metrics and sum(each.get("ReturnData", True) for each in metrics) != 1:
            yield f"{name} does not say which of its metrics it is about"
        for each in metrics:
            if len(each.get("Expression", "")) > 2048:
                yield f"{name} has an expression of {len(each['Expression'])} characters"
            if ("MetricStat" in each) == ("Expression" in each):
                yield f"{name}, {each['Id']}: neither a metric nor an expression, or both"


@rule(_API + "API_PutMetricAlarm.html")
def an_alarm_looks_back_over_periods_that_cloudwatch_keeps(stack: Stack) -> Iterator[str]:
    for name, alarm in metric_alarms(stack).items():
        metrics = alarm.get("Metrics", [])
        periods = {alarm.get("Period"), *(each.get("Period") for each in metrics)}
        periods |= {each.get("MetricStat", {}).get("Period") for each in metrics}
        periods -= {None}
        if len(periods) != 1:
            yield f"{name} has the periods {periods}"
        for period in periods:
            if period not in {10, 20, 30} and (period % 60 or not period):
                yield f"{name} has a period of {period} seconds"
            longest = 7 * _DAY if period >= 3600 else _DAY
            if period * alarm["EvaluationPeriods"] > longest:
                yield f"{name} looks back over {period * alarm['EvaluationPeriods']} seconds"


@rule(_API + "API_PutMetricAlarm.html")
def an_alarm_has_one_kind_of_statistic_that_there_is(stack: Stack) -> Iterator[str]:
    for name, alarm in metric_alarms(stack).items():
        plain, extended = alarm.get("Statistic"), alarm.get("ExtendedStatistic")
        known = {None, "SampleCount", "Average", "Sum", "Minimum", "Maximum"}
        if "MetricName" in alarm and bool(plain) == bool(extended):
            yield f"{name} has two statistics, or none"
        if plain not in known or not re.fullmatch(
            r"p(100|\d{1,2}(\.\d{1,10})?)", extended or "p50"
        ):
            yield f"{name} has statistic {plain or extended}"


@rule(_MONITORING + "cloudwatch_limits.html")
def an_alarm_tells_five_at_most_and_topics_of_the_stack(stack: Stack) -> Iterator[str]:
    topics = {stack.ref(name) for name in stack.of("AWS::SNS::Topic")}
    alarms = stack.of("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
    for name, alarm in alarms.items():
        for kind in ("AlarmActions", "OKActions", "InsufficientDataActions"):
            actions = alarm.get(kind, [])
            if len(actions) > 5 or not set(actions) <= topics:
                yield f"{name} has {kind} {actions}"
        if len(alarm.get("AlarmDescription", "")) > 1024:
            yield f"{name} has a description that is too long"


@rule(_API + "API_PutCompositeAlarm.html")
def an_alarm_on_alarms_names_those_that_there_are(stack: Stack) -> Iterator[str]:
    known = {stack.ref(name) for name in metric_alarms(stack)}
    for name, alarm in stack.of("AWS::CloudWatch::CompositeAlarm").items():
        text = alarm["AlarmRule"]
        named = re.findall(r'"([^"]+)"', text)
        if not _RULE.fullmatch(text):
            yield f"{name} has the rule {text}"
        if len(text) > 10240 or len(set(named)) > 100:
            yield f"{name} has a rule of {len(text)} characters on {len(named)} alarms"
        yield from (f"{name} is about {each}" for each in named if each not in known)
