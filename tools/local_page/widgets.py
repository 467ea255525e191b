"""The widgets of a dashboard as HTML, in the forms in which CloudWatch draws them."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from markdown_it import MarkdownIt

from tools.local_page.alarms import OFF, ON, AlarmState
from tools.local_page.chart import COLOURS, chart, short
from tools.local_page.expressions import Series, widget_series
from tools.local_page.metrics import Metrics, Window
from tools.local_page.reasons import reasons

_MOST_NAMED = 8
_MOST_POINTS = 60
_PERIODS = (5, 10, 30, 60, 300, 900, 3600)
_MARKDOWN = MarkdownIt("commonmark", {"html": False})
_ORDER = {ON: 0, OFF: 2}


@dataclass(frozen=True)
class Run:
    """What the widgets are drawn from.

    ``call`` returns the HTML of a custom widget, ``alarm`` the state of the alarm of an ARN.
    """

    metrics: Metrics
    window: Window
    call: Callable[[Mapping[str, Any]], str]
    alarm: Callable[[str], AlarmState]


def draw(name: str, widget: Mapping[str, Any], run: Run) -> str:
    """Return a widget, at its place in the grid of 24 columns.

    Args:
        name: The id of its element.
    """
    place = (
        f"grid-column:{widget['x'] + 1}/span {widget['width']};"
        f"grid-row:{widget['y'] + 1}/span {widget['height']}"
    )
    kind = escape(widget["type"])
    body = inside(widget, run)
    return f'<section id="{escape(name)}" class="{kind}" style="{place}">{body}</section>'


def inside(widget: Mapping[str, Any], run: Run) -> str:
    """Return what a widget shows, with its title."""
    properties = widget["properties"]
    title = properties.get("title", "")
    heading = f"<h3>{escape(title)}</h3>" if title else ""
    return heading + _BODIES[widget["type"]](properties, run)


def _text(properties: Mapping[str, Any], _: Run) -> str:
    html: str = _MARKDOWN.render(properties["markdown"])
    return html.replace('href="#dashboards:name=', 'href="#')


def _custom(properties: Mapping[str, Any], run: Run) -> str:
    params = properties.get("params", {})
    begins = escape(json.dumps(params))
    shown = run.call({**params, "widgetContext": {"params": params, "forms": {"all": {}}}})
    return f'<div class="called" data-params="{begins}">{shown}</div>'


def _alarm(properties: Mapping[str, Any], run: Run) -> str:
    states = [run.alarm(arn) for arn in properties["alarms"]]
    shown = "".join(
        f'<li class="{_class(each)}" title="{escape(each.about)}">'
        f"<b>{escape(each.state)}</b> {escape(each.name)}</li>"
        for each in sorted(states, key=lambda each: (_ORDER.get(each.state, 1), each.name))
    )
    note = "By each alarm's own condition. Alarms on several metrics are made on AWS only."
    return f'<ul class="alarms">{shown}</ul><p class="reason">{note}</p>'


def _class(alarm: AlarmState) -> str:
    return {ON: "on", OFF: "off"}.get(alarm.state, "unknown")


def _metric(properties: Mapping[str, Any], run: Run) -> str:
    is_chart = properties["view"] == "timeSeries"
    period = shown_period(properties["period"], run.window) if is_chart else properties["period"]
    found = widget_series(properties, run.metrics, run.window, period)
    shown_names = {(m.namespace, m.name) for each in found if each.points for m in each.wanted}
    missing = [
        metric
        for each in found
        if not each.points
        for metric in each.wanted
        if (metric.namespace, metric.name) not in shown_names
    ]
    series = [each for each in found if each.points]
    if not series:
        return "".join(f'<p class="nothing">{_said(each)}</p>' for each in reasons(missing))
    if is_chart:
        is_stacked = bool(properties.get("stacked"))
        picture = chart(properties["title"], series, run.window, period, stacked=is_stacked)
        shown = f"{picture}{_legend(series, properties['stat'])}"
    else:
        shown = _numbers(series) if properties["view"] == "singleValue" else _bars(series)
    note = "; ".join(each.removesuffix(".") for each in reasons(missing))
    left_out = f'<p class="reason">{_said(note)}.</p>' if note else ""
    return f"{shown}{left_out}"


def _said(reason: str) -> str:
    """Return a reason as HTML, its commands between backticks as code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(reason))


def shown_period(period: int, window: Window) -> int:
    """Return the widget's period, or a shorter one if the run is too short to show a line."""
    span = window.until - window.since
    return min(period, next((p for p in _PERIODS if span / p <= _MOST_POINTS), period))


def _legend(series: Sequence[Series], stat: str) -> str:
    """Name the lines, those with the highest values first; a legend is not longer than eight."""
    total: Callable[[Any], float] = sum if stat == "Sum" else max
    numbered = [
        (total(value for _, value in each.points), number, each)
        for number, each in enumerate(series)
    ]
    ranked = sorted(numbered, key=lambda each: -each[0])
    entries = [
        f'<li><span class="k{number % COLOURS}"></span>{escape(each.label)} {short(value)}</li>'
        for value, number, each in ranked[:_MOST_NAMED]
    ]
    if more := len(ranked) - len(entries):
        entries.append(f"<li>and {more} more</li>")
    return f'<ul class="legend">{"".join(entries)}</ul>'


def _numbers(series: Sequence[Series]) -> str:
    shown = "".join(
        f"<div><b>{short(each.points[-1][1])}</b><span>{escape(each.label)}</span></div>"
        for each in series
    )
    return f'<div class="numbers">{shown}</div>'


def _bars(series: Sequence[Series]) -> str:
    most = max(each.points[-1][1] for each in series) or 1
    shown = "".join(
        f"<li><span>{escape(each.label)}</span>"
        f'<i class="k{number % COLOURS}" style="width:{50 * each.points[-1][1] / most:.0f}%"></i>'
        f"<b>{short(each.points[-1][1])}</b></li>"
        for number, each in enumerate(series)
    )
    return f'<ul class="bars">{shown}</ul>'


_BODIES: Mapping[str, Callable[[Mapping[str, Any], Run], str]] = {
    "text": _text,
    "custom": _custom,
    "alarm": _alarm,
    "metric": _metric,
}
