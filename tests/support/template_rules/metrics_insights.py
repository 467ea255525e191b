"""The grammar of CloudWatch Metrics Insights, as far as an alarm or a widget may use it."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support.template_rules.rule import rule
from tests.support.translated_template import Stack

_MONITORING = "AmazonCloudWatch/latest/monitoring/"
_NAME = r'"(?:[^"\\]|\\.)+"|\w+'
_QUERY = re.compile(
    rf"SELECT\s+(?:AVG|COUNT|MAX|MIN|SUM)\s*\(\s*(?P<metric>{_NAME})\s*\)"
    rf"\s+FROM\s+(?:SCHEMA\s*\(\s*(?P<schema>{_NAME})(?P<labels>(?:\s*,\s*(?:{_NAME}))*)\s*\)|(?P<space>{_NAME}))"
    rf"(?:\s+WHERE\s+(?P<where>.+?))?"
    rf"(?P<group>\s+GROUP\s+BY\s+(?:{_NAME})(?:\s*,\s*(?:{_NAME}))*)?"
    rf"(?:\s+ORDER\s+BY\s+(?:AVG|COUNT|MAX|MIN|SUM)\s*\(\s*\)(?:\s+(?:ASC|DESC))?)?(?:\s+LIMIT\s+\d+)?",
    re.IGNORECASE,
)


@cache
def reserved() -> frozenset[str]:
    """Return AWS's reserved keywords of Metrics Insights, in capitals."""
    return frozenset(Path(__file__).with_name("reserved_words.txt").read_text("ascii").split())


def queries(stack: Stack) -> Iterator[tuple[str, str]]:
    """Yield where each query stands, and the query."""
    for name, alarm in stack.of("AWS::CloudWatch::Alarm").items():
        for metric in alarm.get("Metrics", []):
            if metric.get("Expression", "").lstrip().upper().startswith("SELECT"):
                yield name, metric["Expression"]
    for name, properties in stack.of("AWS::CloudWatch::Dashboard").items():
        for widget in json.loads(properties["DashboardBody"])["widgets"]:
            for metric in widget["properties"].get("metrics", []):
                query = metric[0].get("expression", "") if isinstance(metric[0], dict) else ""
                if query.lstrip().upper().startswith("SELECT"):
                    yield f"{name}, {widget['properties'].get('title')}", query


@rule(_MONITORING + "cloudwatch-metrics-insights-querylanguage.html")
def a_query_is_grammatical(stack: Stack) -> Iterator[str]:
    for place, query in queries(stack):
        if not _QUERY.fullmatch(query.strip()):
            yield f"{place}: {query}"


@rule(_MONITORING + "cloudwatch-metrics-insights-reserved-keywords.html")
def a_reserved_word_of_a_query_stands_in_quotes(stack: Stack) -> Iterator[str]:
    for place, query in queries(stack):
        found = _QUERY.fullmatch(query.strip())
        if not found:
            continue
        names = re.findall(
            _NAME, " ".join(filter(None, found.group("metric", "schema", "space", "labels")))
        )
        names += re.findall(_NAME, re.sub(r"'[^']*'", "", found["where"] or ""))
        names += re.findall(_NAME, re.sub(r"(?i)group\s+by", "", found["group"] or ""))
        for name in names:
            if name.upper() in reserved() - {"AND", "OR", "NOT"}:
                yield f"{place} has {name} without quotes"


@rule(_MONITORING + "alarm-limits.html")
def an_alarm_asks_for_no_more_than_three_hours(stack: Stack) -> Iterator[str]:
    for name, alarm in stack.of("AWS::CloudWatch::Alarm").items():
        for metric in alarm.get("Metrics", []):
            if metric.get("Expression", "").lstrip().upper().startswith("SELECT"):
                seconds = metric.get("Period", 0) * alarm["EvaluationPeriods"]
                if seconds > 3 * 3600:
                    yield f"{name} asks for {seconds} seconds"
