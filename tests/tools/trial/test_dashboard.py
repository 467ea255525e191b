"""That what a trial asks of CloudWatch is what the dashboard asks."""

import json
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml

from tools.set_up import ROOT
from tools.trial.dashboard import widget_queries


def dashboard() -> dict[str, Any]:
    resources = cfn_yaml.load(str(ROOT / "template.yaml"))["Resources"]
    body, _ = resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    document: dict[str, Any] = json.loads(body)
    return document


def test_every_line_of_every_widget_becomes_a_query() -> None:
    widgets = [each for each in dashboard()["widgets"] if each["type"] == "metric"]
    asked = list(widget_queries(dashboard()))
    assert [title for title, _ in asked] == [each["properties"]["title"] for each in widgets]
    lines = [len(each["properties"]["metrics"]) for each in widgets]
    assert [len(queries) for _, queries in asked] == lines
    assert sum(lines) > 20


def test_a_metric_is_asked_for_with_its_dimensions_and_the_widgets_statistic() -> None:
    line = ["AWS/SQS", "Sent", "QueueName", "one", {"label": "One"}]
    properties = {"title": "Sent", "stat": "Sum", "period": 300, "metrics": [line]}
    [(title, [query])] = widget_queries({"widgets": [{"type": "metric", "properties": properties}]})
    assert title == "Sent"
    assert query == {
        "Id": "q0",
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/SQS",
                "MetricName": "Sent",
                "Dimensions": [{"Name": "QueueName", "Value": "one"}],
            },
            "Period": 300,
            "Stat": "Sum",
        },
    }


def test_a_line_has_its_own_id_and_statistic_before_the_widgets() -> None:
    lines = [
        ["Ours", "Rows", {"id": "rows", "stat": "p99", "period": 60}],
        [{"expression": "SUM(rows)"}],
    ]
    properties = {"title": "Rows", "stat": "Sum", "period": 300, "metrics": lines}
    widgets = [{"type": "text", "properties": {}}, {"type": "metric", "properties": properties}]
    [(_, [first, second])] = widget_queries({"widgets": widgets})
    assert first["Id"] == "rows"
    assert (first["MetricStat"]["Stat"], first["MetricStat"]["Period"]) == ("p99", 60)
    assert second == {"Id": "q1", "Expression": "SUM(rows)"}


def test_a_name_without_a_value_is_a_fault_of_the_dashboard() -> None:
    properties = {"title": "", "stat": "Sum", "period": 1, "metrics": [["Ours", "Rows", "Estab"]]}
    with pytest.raises(ValueError, match="zip"):
        list(widget_queries({"widgets": [{"type": "metric", "properties": properties}]}))
