"""What CloudWatch takes for a dashboard."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.support.template_rules.rule import rule
from tests.support.translated_template import REGION, Stack

_MONITORING = "AmazonCloudWatch/latest/monitoring/"
_BODY = "AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html"
_NAME = r'"[^"]+"|[A-Za-z0-9_/]+'
_SEARCH = re.compile(
    rf"SEARCH\('\{{(?:{_NAME})(?:,(?:{_NAME}))*\}} "
    r"(?P<term>MetricName=\"\w+\"(?: OR MetricName=\"\w+\")*)', "
    r"'(?:Sum|Average|Minimum|Maximum|SampleCount|p\d+)', (?P<period>\d+)\)"
)


def widgets(stack: Stack) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield where each widget stands, and the widget."""
    for name, properties in stack.of("AWS::CloudWatch::Dashboard").items():
        for widget in json.loads(properties["DashboardBody"])["widgets"]:
            yield f"{name}, {widget['properties'].get('title')}", widget


def expressions(widget: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the calculated metrics of a widget."""
    metrics = widget["properties"].get("metrics", [])
    return [metric[0] for metric in metrics if isinstance(metric[0], dict)]


@rule(_BODY)
def a_dashboard_is_json_of_widgets_that_lie_side_by_side(stack: Stack) -> Iterator[str]:
    taken: dict[tuple[str, int, int], str] = {}
    for place, widget in widgets(stack):
        x, y, width, height = (widget[key] for key in ("x", "y", "width", "height"))
        if not (x >= 0 and width >= 1 and x + width <= 24 and y >= 0 and 1 <= height <= 1000):
            yield f"{place} lies outside"
        board = place.split(",")[0]
        mine = f"{place} at {x}, {y}"
        for cell in ((board, x + i, y + j) for i in range(width) for j in range(height)):
            if taken.setdefault(cell, mine) != mine:
                yield f"{mine} lies on {taken[cell]}"
                break


@rule(_BODY)
def a_widget_of_metrics_is_of_a_region_and_names_each_once(stack: Stack) -> Iterator[str]:
    for place, widget in widgets(stack):
        properties = widget["properties"]
        if widget["type"] != "metric":
            continue
        # AWS publishes the bill of an account in this region alone.
        is_bill = {str(metric[0]) for metric in properties["metrics"]} == {"AWS/Billing"}
        if properties.get("region") != ("us-east-1" if is_bill else REGION):
            yield f"{place} is of region {properties.get('region')}"
        ids = [each["id"] for each in expressions(widget) if "id" in each]
        if any(not re.fullmatch(r"[a-z]\w*", id_) for id_ in ids) or len(ids) > len(set(ids)):
            yield f"{place} names its metrics {ids}"
        for metric in properties["metrics"]:
            words = [part for part in metric if not isinstance(part, dict)]
            dimensions = words[2:]
            if words and (len(words) < 2 or len(dimensions) % 2 or len(dimensions) > 60):
                yield f"{place} has the metric {metric}"
        if properties["period"] % 60:
            yield f"{place} has a period of {properties['period']} seconds"


@rule("AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard.html")
def a_widget_of_a_function_names_one_of_the_stack(stack: Stack) -> Iterator[str]:
    functions = {stack.arn(name) for name in stack.of("AWS::Lambda::Function")}
    for place, widget in widgets(stack):
        endpoint = widget["properties"].get("endpoint")
        if widget["type"] == "custom" and endpoint not in functions:
            yield f"{place} calls {endpoint}"


@rule(_MONITORING + "cloudwatch_limits.html")
def a_dashboard_shows_no_more_than_it_can(stack: Stack) -> Iterator[str]:
    shown: Counter[str] = Counter()
    for place, widget in widgets(stack):
        count = len(widget["properties"].get("metrics", []))
        shown[place.split(",")[0]] += count
        if count > 500:
            yield f"{place} shows {count} metrics"
    for name, count in shown.items():
        if count > 2500:
            yield f"{name} shows {count} metrics"
        if sum(place.startswith(f"{name},") for place, _ in widgets(stack)) > 500:
            yield f"{name} has more than 500 widgets"


@rule(_BODY)
def a_widget_of_alarms_names_a_hundred_of_the_stack_at_most(stack: Stack) -> Iterator[str]:
    kinds = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
    known = {stack.arn(name) for kind in kinds for name in stack.of(kind)}
    for place, widget in widgets(stack):
        if widget["type"] != "alarm":
            continue
        alarms = widget["properties"]["alarms"]
        if not 1 <= len(alarms) <= 100 or len(alarms) > len(set(alarms)):
            yield f"{place} shows {len(alarms)} alarms"
        for arn in set(alarms) - known:
            yield f"{place} shows {arn}"


@rule(_MONITORING + "search-expression-syntax.html")
def a_search_is_grammatical_and_short(stack: Stack) -> Iterator[str]:
    for place, widget in widgets(stack):
        for each in expressions(widget):
            text = each["expression"]
            found = _SEARCH.fullmatch(text)
            if text.startswith("SEARCH") and (not found or int(found["period"]) % 60):
                yield f"{place} searches for {text}"
            if len(text) > 1024:
                yield f"{place} searches with {len(text)} characters"
