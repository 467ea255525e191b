"""What the page draws, without a browser."""

import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.tools.local_page.boards import NAMES, board
from tools.local_page.alarms import OFF, ON, UNKNOWN, AlarmState
from tools.local_page.chart import chart, scale_end, short, stack
from tools.local_page.expressions import Series
from tools.local_page.metrics import Metrics, Window
from tools.local_page.widgets import Run, draw, shown_period
from tools.stack.metric_lines import Metric, Sample

WINDOW = Window(0, 100)
ROWS = Metric("ours", "Rows", (("Dataset", "<staff>"),))


def run(*samples: Sample, **facts: Any) -> Run:
    found = {"call": lambda event: "<p>called</p>", "alarm": lambda arn: AlarmState(arn, OFF, "")}
    return Run(Metrics(samples), WINDOW, **{**found, **facts})


def metric(view: str = "timeSeries", **facts: Any) -> dict[str, Any]:
    line = ["ours", "Rows", "Dataset", "<staff>", {"label": "<staff>"}]
    properties = {"title": "Rows & pages", "view": view, "stat": "Sum", "period": 300}
    return {
        "type": "metric", "x": 8, "y": 4, "width": 8, "height": 6,
        "properties": {**properties, "metrics": [line], **facts},
    }  # fmt: skip


def test_a_chart_has_a_line_and_names_it_with_everything_escaped() -> None:
    html = draw("w", metric(), run(Sample(ROWS, 10, (3,)), Sample(ROWS, 16, (5,))))
    assert 'style="grid-column:9/span 8;grid-row:5/span 6"' in html
    assert "<h3>Rows &amp; pages</h3>" in html
    assert len(re.findall("<polyline", html)) == 1
    assert "&lt;staff&gt; 8" in html
    assert "<staff>" not in html
    ET.fromstring(html)


def test_a_gap_interrupts_a_line_and_a_lonely_point_is_seen() -> None:
    points = ((0.0, 1.0), (5.0, 2.0), (50.0, 4.0))
    html = chart("t", [Series("a", points, ())], WINDOW, 5, stacked=False)
    assert html.count("<polyline") == 1
    assert html.count("<circle") == 1


def test_stacked_series_lie_on_each_other() -> None:
    below = Series("a", ((0.0, 1.0), (5.0, 2.0)), ())
    above = Series("b", ((5.0, 10.0),), ())
    assert [each.points for each in stack([below, above])] == [
        ((0.0, 1.0), (5.0, 2.0)),
        ((0.0, 1.0), (5.0, 12.0)),
    ]
    assert chart("t", [below, above], WINDOW, 5, stacked=True).count("<polygon") == 2


def test_a_widget_without_data_says_why() -> None:
    html = draw("w", metric(), run())
    assert '<p class="nothing">Rows: none in this run.</p>' in html
    assert "<svg" not in html


@pytest.mark.parametrize(("view", "tag"), [("singleValue", "numbers"), ("bar", "bars")])
def test_numbers_are_those_of_the_widgets_own_period(view: str, tag: str) -> None:
    html = draw("w", metric(view), run(Sample(ROWS, 10, (1_234,)), Sample(ROWS, 90, (1,))))
    assert f'class="{tag}"' in html
    assert "<b>1,235</b>" in html


def test_alarms_that_are_on_come_first() -> None:
    states = {"a": OFF, "b": UNKNOWN, "c": ON}
    alarms = {
        "type": "alarm", "x": 0, "y": 0, "width": 24, "height": 4,
        "properties": {"title": "Alarms", "alarms": list(states)},
    }  # fmt: skip
    html = draw("w", alarms, run(alarm=lambda arn: AlarmState(arn, states[arn], "")))
    assert re.findall(r"</b> (\w)</li>", html) == ["c", "b", "a"]


def test_the_html_of_a_text_stays_text_and_links_lead_to_the_other_dashboards() -> None:
    text = {
        "type": "text", "x": 0, "y": 0, "width": 24, "height": 2,
        "properties": {"markdown": "# T\n<script>x</script> [cost](#dashboards:name=s-cost)"},
    }  # fmt: skip
    html = draw("w", text, run())
    assert "<script" not in html
    assert '<a href="#s-cost">cost</a>' in html


@pytest.mark.parametrize("name", NAMES)
def test_every_widget_of_the_template_is_drawn(name: str) -> None:
    for number, widget in enumerate(board(name)):
        html = draw(f"w{number}", widget, run())
        title = widget["properties"].get("title")
        assert not title or "<h3>" in html
        assert re.search(r"<(p|ul|h1|div)\b", html)


@pytest.mark.parametrize(("span", "period"), [(60, 5), (600, 10), (10_800, 300), (90_000, 300)])
def test_a_short_run_has_shorter_periods_than_aws(span: float, period: int) -> None:
    assert shown_period(300, Window(0, span)) == period


@pytest.mark.parametrize(
    ("value", "top"), [(0.3, 0.5), (1, 1), (3, 5), (7, 10), (11, 20), (60, 100), (1200, 2000)]
)
def test_a_scale_ends_at_an_even_number(value: float, top: float) -> None:
    assert scale_end(value) == pytest.approx(top)


def test_numbers_are_short() -> None:
    shown = [short(v) for v in (0, 2.25, 1_234, 45_678, 12_000_000)]
    assert shown == ["0", "2.2", "1,234", "46 k", "12 M"]
