"""The dashboards of the deployed template, drawn from the metrics of the run."""

import json
import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from tools.local_page.alarms import UNKNOWN, AlarmState, alarm_state
from tools.local_page.log_metrics import LogMetrics
from tools.local_page.metrics import Window
from tools.local_page.widgets import Run, draw, inside
from tools.stack.local_stack import LocalStack

_SHOWN_SECONDS = 3 * 3600.0
_SHORTEST_SECONDS = 30.0
Board = tuple[str, list[dict[str, Any]]]


class Dashboards:
    """The dashboards of a stack, in the order in which people meet them."""

    def __init__(self, stack: LocalStack, metrics: LogMetrics) -> None:
        self._stack = stack
        self._metrics = metrics

    def html(self) -> str:
        """Return all dashboards, one below the other."""
        run = self._run()
        return "".join(
            f'<h2 id="{name}">{name}</h2><div class="board">'
            f"{''.join(draw(_id(name, i), each, run) for i, each in enumerate(widgets))}</div>"
            for name, widgets in self._boards()
        )

    def panels(self) -> dict[str, str]:
        """Return by its id what every widget shows that is drawn from metrics."""
        run = self._run()
        return {
            _id(name, number): inside(widget, run)
            for name, widgets in self._boards()
            for number, widget in enumerate(widgets)
            if widget["type"] in {"metric", "alarm"}
        }

    def call_widget(self, event: Mapping[str, Any]) -> str:
        """Return the HTML that the custom widget's function answers."""
        answer = self._stack.invoke("RenderWidgetFunction", event)
        return answer if isinstance(answer, str) else json.dumps(answer)

    def names(self) -> list[str]:
        """Return the names of the dashboards."""
        return [name for name, _ in self._boards()]

    def _boards(self) -> Iterator[Board]:
        cloudwatch, ids = self._stack.aws("cloudwatch"), self._stack.physical_ids
        for logical_id in ("Dashboard", "OnCallDashboard", "CostDashboard"):
            found = cloudwatch.get_dashboard(DashboardName=ids[logical_id])
            yield ids[logical_id], json.loads(found["DashboardBody"])["widgets"]

    def _run(self) -> Run:
        metrics, now = self._metrics.read(), time.time()
        first = metrics.first if metrics.first is not None else now
        window = Window(min(max(first, now - _SHOWN_SECONDS), now - _SHORTEST_SECONDS), now)
        pages = self._stack.aws("cloudwatch").get_paginator("describe_alarms")
        listed = pages.paginate(AlarmTypes=["MetricAlarm"])
        alarms = {a["AlarmArn"]: a for page in listed for a in page["MetricAlarms"]}

        def state(arn: str) -> AlarmState:
            if arn not in alarms or "MetricName" not in alarms[arn]:
                return AlarmState(arn.rpartition(":")[2], UNKNOWN, "It is not made locally.")
            found = alarm_state(alarms[arn], metrics, now)
            return AlarmState(self._logical_id(found.name), found.state, found.about)

        return Run(metrics, window, partial(self.call_widget), state)

    def _logical_id(self, physical_id: str) -> str:
        found = (name for name, id_ in self._stack.physical_ids.items() if id_ == physical_id)
        return next(found, physical_id)


def _id(board: str, number: int) -> str:
    return f"{board}-{number}"
