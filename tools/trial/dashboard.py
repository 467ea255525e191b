"""Checks that CloudWatch answers every query of the dashboard."""

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


def ask_every_query(journey: Journey) -> str:
    """Every query of the dashboard is answered, and the product's own metrics have come."""
    widgets = list(widget_queries(_body(journey)))

    def look() -> int:
        counts = {title: _series(journey, queries) for title, queries in widgets}
        if not any(counts.values()):
            raise NotYetError("no query of the dashboard finds anything")
        return sum(map(bool, counts.values()))

    shown = until(look)
    queries = sum(len(each) for _, each in widgets)
    return f"{queries} queries of {len(widgets)} widgets answered, {shown} widgets show something"


def ask_plain_queries(journey: Journey) -> str:
    """The dashboard is there, and every query that needs no search or sum is answered."""
    widgets = [
        (title, [query for query in queries if "Expression" not in query])
        for title, queries in widget_queries(_body(journey))
    ]
    for _, queries in widgets:
        _series(journey, queries)
    return f"{sum(len(each) for _, each in widgets)} queries of {len(widgets)} widgets answered"


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


def _body(journey: Journey) -> dict[str, Any]:
    name = journey.stack.physical_ids["Dashboard"]
    text = journey.stack.aws("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"]
    body: dict[str, Any] = json.loads(text)
    return body
