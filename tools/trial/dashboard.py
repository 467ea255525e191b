"""Checks that CloudWatch answers every query of every dashboard, and every saved query."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tools.demo.context import Journey
from tools.demo.errors import NotYetError
from tools.demo.schools import SCHOOLS
from tools.demo.wait import expect, until

Query = dict[str, Any]
_HOURS = 3
_ANSWERED = {"Complete", "PartialData"}


#: The dashboards of template.yaml, by their logical ids.
DASHBOARDS = ("Dashboard", "OnCallDashboard", "CostDashboard")


def ask_every_query(journey: Journey) -> str:
    """Every query of each dashboard is answered, and the product's own metrics have come."""
    bodies = _bodies(journey)
    widgets = [each for body in bodies for each in widget_queries(body)]
    alarms = _expect_alarms(journey, bodies)

    def look() -> int:
        counts = [_series(journey, queries) for _, queries in widgets]
        if not any(counts):
            raise NotYetError("no query of the dashboard finds anything")
        return sum(map(bool, counts))

    shown = until(look)
    queries = sum(len(each) for _, each in widgets)
    return (
        f"{queries} queries of {len(widgets)} widgets on {len(bodies)} dashboards answered, "
        f"{shown} widgets show something, {alarms} alarms are there"
    )


def ask_plain_queries(journey: Journey) -> str:
    """The dashboards are there, and every query that needs no search or sum is answered."""
    bodies = _bodies(journey)
    widgets = [
        (title, [query for query in queries if "Expression" not in query])
        for body in bodies
        for title, queries in widget_queries(body)
    ]
    for _, queries in widgets:
        _series(journey, queries)
    alarms = _expect_alarms(journey, bodies)
    return (
        f"{sum(len(each) for _, each in widgets)} queries of {len(widgets)} widgets on "
        f"{len(bodies)} dashboards answered, {alarms} alarms are there"
    )


def run_every_saved_query(journey: Journey) -> str:
    """Logs Insights runs every saved query over the log groups that the query names."""
    stack, logs = journey.stack, journey.stack.aws("logs")
    answer = logs.describe_query_definitions(queryDefinitionNamePrefix=f"{stack.name}/")
    saved = {each["queryDefinitionId"]: each for each in answer["queryDefinitions"]}
    wanted = {name: each for name, each in stack.physical_ids.items() if name.endswith("Query")}
    missing = sorted(name for name, each in wanted.items() if each not in saved)
    expect(bool(wanted) and not missing, f"not saved: {', '.join(missing) or 'any query'}")
    found = sum(_found(logs, saved[each]) for each in wanted.values())
    return f"{len(wanted)} saved queries answered, with {found} lines"


def draw_the_widget(journey: Journey) -> str:
    """The table of schools inside the dashboard shows every school."""
    drawn = str(journey.stack.invoke("RenderWidgetFunction", {"widgetContext": {}}))
    missing = [school.estab for school in SCHOOLS if school.estab not in drawn]
    expect(not missing, f"the widget does not show {', '.join(missing)}")
    return f"{len(drawn):,} characters of HTML, with all {len(SCHOOLS)} schools"


def widget_queries(body: Mapping[str, Any]) -> Iterator[tuple[str, list[Query]]]:
    """Yield what each widget of metrics asks, by its title, as GetMetricData takes it."""
    for widget in body["widgets"]:
        if widget["type"] == "metric":
            properties = widget["properties"]
            lines = enumerate(properties["metrics"])
            yield properties["title"], [_query(line, properties, f"q{i}") for i, line in lines]


def _query(line: Sequence[Any], properties: Mapping[str, Any], name: str) -> Query:
    """Return one line of a widget's ``metrics`` as a query.

    It is a metric (namespace, name, names and values of dimensions), or an expression; options
    come last.
    """
    options = line[-1] if isinstance(line[-1], dict) else {}
    name = options.get("id", name)  # an expression may name it
    if "expression" in options:
        return {"Id": name, "Expression": options["expression"]}
    namespace, metric, *pairs = line[:-1] if options else line
    dimensions = zip(pairs[::2], pairs[1::2], strict=True)
    return {
        "Id": name,
        "MetricStat": {
            "Metric": {
                "Namespace": namespace,
                "MetricName": metric,
                "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions],
            },
            "Period": options.get("period", properties["period"]),
            "Stat": options.get("stat", properties["stat"]),
        },
    }


def _series(journey: Journey, queries: Sequence[Query]) -> int:
    """Return how many series with values a widget gets.

    Raises:
        StepFailedError: CloudWatch cannot answer one of its queries.
    """
    if not queries:
        return 0
    now = datetime.now(UTC)
    answer = journey.stack.aws("cloudwatch").get_metric_data(
        MetricDataQueries=list(queries), StartTime=now - timedelta(hours=_HOURS), EndTime=now
    )
    results = answer["MetricDataResults"]
    refused = [each for each in results if each.get("StatusCode", "Complete") not in _ANSWERED]
    expect(not refused, f"not answered: {refused[:1]}")
    return sum(bool(each.get("Values")) for each in results)


def _expect_alarms(journey: Journey, bodies: Sequence[Mapping[str, Any]]) -> int:
    """Return how many alarms the dashboards name; each must be there."""
    named = {
        arn.partition(":alarm:")[2]
        for body in bodies
        for widget in body["widgets"]
        if widget["type"] == "alarm"
        for arn in widget["properties"]["alarms"]
    }
    if not named:
        return 0
    pages = journey.stack.aws("cloudwatch").get_paginator("describe_alarms")
    answers = pages.paginate(AlarmNames=sorted(named), AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    kinds = ("MetricAlarms", "CompositeAlarms")
    there = {each["AlarmName"] for page in answers for kind in kinds for each in page.get(kind, [])}
    expect(there >= named, f"on a dashboard, but not in CloudWatch: {sorted(named - there)}")
    return len(named)


def _found(logs: Any, query: Mapping[str, Any]) -> int:
    """Run a saved query and return how many lines it finds."""
    now = datetime.now(UTC)
    begun = logs.start_query(
        logGroupNames=query["logGroupNames"],
        queryString=query["queryString"],
        startTime=int((now - timedelta(hours=_HOURS)).timestamp()),
        endTime=int(now.timestamp()),
    )

    def look() -> int:
        answer = logs.get_query_results(queryId=begun["queryId"])
        status = answer["status"]
        if status in {"Scheduled", "Running"}:
            raise NotYetError(f"{query['name']} is {status}")
        expect(status == "Complete", f"{query['name']} ended as {status}")
        return len(answer["results"])

    return until(look)


def _bodies(journey: Journey) -> list[dict[str, Any]]:
    stack = journey.stack
    names = [stack.physical_ids[each] for each in DASHBOARDS]
    answers = (stack.aws("cloudwatch").get_dashboard(DashboardName=name) for name in names)
    return [json.loads(each["DashboardBody"]) for each in answers]
