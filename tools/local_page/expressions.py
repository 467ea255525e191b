"""The lines of a widget as series of points: metrics, SEARCH and SUM(SEARCH), no more.

The dashboards of the template use nothing else; what is written otherwise is refused.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.local_page.metrics import Metrics, Point, Window
from tools.stack.metric_lines import Metric

_SEARCH = re.compile(r"""SEARCH\('\{"?([^",]+)"?,(\w+)\} (.+)', '(\w+)', (\d+)\)""")
_SUM = re.compile(r"SUM\((SEARCH\(.*\))\)")
_NAME = re.compile(r'MetricName="(\w+)"')


class UnknownExpressionError(ValueError):
    """A widget asks in a form that is not drawn here."""


@dataclass(frozen=True)
class Series:
    """One line of a chart; ``wanted`` is what it was looked for by, and ``points`` may be none."""

    label: str
    points: tuple[Point, ...]
    wanted: tuple[Metric, ...]
    is_right: bool = False


@dataclass(frozen=True)
class Search:
    """Every metric of these names in a namespace that has one dimension, the given one."""

    namespace: str
    dimension: str
    names: tuple[str, ...]
    stat: str

    @classmethod
    def read(cls, expression: str) -> "Search":
        """Read an expression.

        Raises:
            UnknownExpressionError: It is no such search.
        """
        found = _SEARCH.fullmatch(expression)
        names = tuple(_NAME.findall(found[3])) if found else ()
        if not found or " OR ".join(f'MetricName="{name}"' for name in names) != found[3]:
            raise UnknownExpressionError(expression)
        return cls(found[1], found[2], names, found[4])

    @property
    def wanted(self) -> tuple[Metric, ...]:
        """What is looked for, without the values of the dimension."""
        return tuple(Metric(self.namespace, name) for name in self.names)

    def found(self, metrics: Metrics) -> list[Metric]:
        """Return the metrics that match."""
        return [
            metric
            for metric in metrics
            if metric.namespace == self.namespace
            and metric.name in self.names
            and [name for name, _ in metric.dimensions] == [self.dimension]
        ]

    def label(self, metric: Metric) -> str:
        """Return the value of the dimension, with the metric's name if several are looked for."""
        value = metric.dimensions[0][1]
        return value if len(self.names) == 1 else f"{metric.name} {value}"


def widget_series(
    properties: Mapping[str, Any], metrics: Metrics, window: Window, period: int
) -> list[Series]:
    """Return the series of a widget of metrics.

    Raises:
        UnknownExpressionError: A line of the widget is of a form that is not drawn here.
    """
    lines = properties["metrics"]
    return [each for line in lines for each in _line(line, properties, metrics, window, period)]


def _line(
    line: Sequence[Any],
    properties: Mapping[str, Any],
    metrics: Metrics,
    window: Window,
    period: int,
) -> Iterator[Series]:
    options = line[-1] if isinstance(line[-1], dict) else {}
    if "expression" in options:
        yield from _calculated(options, metrics, window, period)
        return
    namespace, name, *pairs = line[:-1] if options else line
    dimensions = tuple(sorted(zip(pairs[::2], pairs[1::2], strict=True)))
    metric = Metric(namespace, name, dimensions)
    points = metrics.series(metric, options.get("stat", properties["stat"]), period, window)
    label = options.get("label", name)
    yield Series(label, tuple(points), (metric,), options.get("yAxis") == "right")


def _calculated(
    options: Mapping[str, Any], metrics: Metrics, window: Window, period: int
) -> Iterator[Series]:
    expression = options["expression"]
    total = _SUM.fullmatch(expression)
    search = Search.read(total[1] if total else expression)
    found = {
        search.label(metric): metrics.series(metric, search.stat, period, window)
        for metric in search.found(metrics)
    }
    if total:
        points = _sum(list(found.values()))
        yield Series(options.get("label", "total"), points, search.wanted)
    elif found:
        for label, points_found in found.items():
            yield Series(label, tuple(points_found), search.wanted)
    else:
        yield Series(", ".join(search.names), (), search.wanted)


def _sum(found: Sequence[Sequence[Point]]) -> tuple[Point, ...]:
    totals: dict[float, float] = defaultdict(float)
    for points in found:
        for begin, value in points:
            totals[begin] += value
    return tuple(sorted(totals.items()))
