"""That the page draws all that the dashboards ask, and says why if there is nothing to draw."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.tools.local_page.boards import STACK, metric_widgets
from tools.local_page.expressions import Search, UnknownExpressionError, widget_series
from tools.local_page.metrics import Metrics, Window
from tools.local_page.reasons import is_measured, reasons
from tools.stack.metric_lines import Metric, Sample
from xporter_bridge.telemetry import METRICS

WINDOW = Window(0, 120)
# What the emulator, the gateway and the copying of logs write (tools/stack).
MEASURED = {
    ("AWS/Lambda", "Invocations"), ("AWS/Lambda", "Errors"), ("AWS/Lambda", "Throttles"),
    ("AWS/Lambda", "Duration"), ("AWS/Lambda", "ConcurrentExecutions"),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"), ("AWS/ApiGateway", "Count"),
    ("AWS/ApiGateway", "4xx"), ("AWS/ApiGateway", "5xx"), ("AWS/ApiGateway", "Latency"),
    ("AWS/Logs", "IncomingBytes"),
}  # fmt: skip


def of_dataset(name: str, dataset: str, at: float, value: float) -> Sample:
    return Sample(Metric("ours", name, (("Dataset", dataset),)), at, (value,))


RUN = Metrics(
    [
        of_dataset("Held", "staff", 5, 1),
        of_dataset("Held", "students", 6, 2),
        of_dataset("Held", "students", 65, 4),
        of_dataset("Failed", "staff", 70, 8),
        Sample(Metric("ours", "Held", (("Kind", "staff"),)), 5, (100,)),
        Sample(Metric("others", "Held", (("Dataset", "staff"),)), 5, (100,)),
    ]
)


def drawn(*lines: list[Any]) -> list[tuple[str, list[tuple[float, float]]]]:
    properties = {"stat": "Sum", "metrics": lines}
    found = widget_series(properties, RUN, WINDOW, 60)
    return [(each.label, list(each.points)) for each in found]


def search(names: str) -> str:
    return f"""SEARCH('{{"ours",Dataset}} {names}', 'Sum', 60)"""


def test_a_search_finds_every_value_of_its_dimension_and_nothing_else() -> None:
    assert drawn([{"expression": search('MetricName="Held"'), "id": "held"}]) == [
        ("staff", [(0, 1)]),
        ("students", [(0, 2), (60, 4)]),
    ]
    both = search('MetricName="Held" OR MetricName="Failed"')
    assert [label for label, _ in drawn([{"expression": both, "id": "held"}])] == [
        "Failed staff", "Held staff", "Held students"
    ]  # fmt: skip


def test_a_sum_of_a_search_adds_its_series_up() -> None:
    expression = "SUM(" + search('MetricName="Held"') + ")"
    options = {"expression": expression, "id": "held", "label": "held"}
    assert drawn([options]) == [("held", [(0, 3), (60, 4)])]


def test_a_metric_is_that_of_exactly_its_dimensions() -> None:
    line = ["ours", "Held", "Dataset", "students", {"label": "pupils", "stat": "Maximum"}]
    assert drawn(line) == [("pupils", [(0, 2), (60, 4)])]
    assert drawn(["ours", "Held"]) == [("Held", [])]


@pytest.mark.parametrize(
    "expression", ["m1 + m2", "SEARCH('{ours,Dataset} Held', 'Sum', 60)", "AVG(METRICS())"]
)
def test_an_expression_that_is_not_drawn_is_refused(expression: str) -> None:
    with pytest.raises(UnknownExpressionError):
        drawn([{"expression": expression, "id": "x"}])


def asked() -> Iterator[Metric]:
    for widget in metric_widgets():
        for series in widget_series(widget["properties"], Metrics(), WINDOW, 60):
            assert series.points == ()
            yield from series.wanted


def test_everything_that_the_dashboards_ask_is_understood_and_measured_or_explained() -> None:
    wanted = set(asked())
    assert len(wanted) > 100
    for metric in wanted:
        is_ours = metric.namespace == STACK and (
            metric.name in METRICS or metric.name == "CallbackThrottled"
        )
        assert is_ours or is_measured(metric) == ((metric.namespace, metric.name) in MEASURED), (
            metric
        )


def test_every_widget_without_data_has_a_reason() -> None:
    for widget in metric_widgets():
        found = widget_series(widget["properties"], Metrics(), WINDOW, 60)
        said = reasons(metric for series in found for metric in series.wanted)
        assert said
        assert all(each.endswith(".") for each in said)


def test_a_reason_is_given_once_for_all_that_have_it() -> None:
    wanted = [Metric("AWS/S3", "BucketSizeBytes"), Metric("ours", "A"), Metric("ours", "B")]
    first, second = reasons([*wanted, *wanted])
    assert first == "AWS/S3 BucketSizeBytes: is measured once a day, by AWS only."
    assert second == "A, B: none in this run."


def test_a_search_says_what_it_looks_for() -> None:
    found = Search.read(search('MetricName="Held"'))
    assert found.wanted == (Metric("ours", "Held"),)
