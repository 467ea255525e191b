"""The state of an alarm by its own condition, over the metrics of the run.

MiniStack has states of its own, but takes the metrics of all queues and functions for one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import ge, gt, le, lt
from typing import Any

from tools.local_page.metrics import Metrics, Window, statistic
from tools.local_page.reasons import is_measured, reasons
from tools.stack.metric_lines import Metric

ON, OFF, UNKNOWN = "in alarm", "OK", "not known"
_COMPARISONS = {
    "GreaterThanOrEqualToThreshold": ge,
    "GreaterThanThreshold": gt,
    "LessThanOrEqualToThreshold": le,
    "LessThanThreshold": lt,
}


@dataclass(frozen=True)
class AlarmState:
    """Whether an alarm is on, and why it is not known."""

    name: str
    state: str
    about: str


def alarm_state(alarm: Mapping[str, Any], metrics: Metrics, now: float) -> AlarmState:
    """Evaluate an alarm on one metric, as DescribeAlarms returns it.

    A period that lies before the run counts neither way.
    """
    name, about = alarm["AlarmName"], alarm.get("AlarmDescription", "")
    pairs = tuple(sorted((d["Name"], d["Value"]) for d in alarm.get("Dimensions", ())))
    metric = Metric(alarm["Namespace"], alarm["MetricName"], pairs)
    if not is_measured(metric):
        return AlarmState(name, UNKNOWN, reasons([metric])[0])
    looked = [
        _is_breaching(alarm, metrics, metric, _period(alarm, now, number))
        for number in range(alarm["EvaluationPeriods"])
    ]
    needed = alarm.get("DatapointsToAlarm") or len(looked)
    if looked.count(True) >= needed:
        return AlarmState(name, ON, about)
    if looked.count(True) + looked.count(None) >= needed:
        return AlarmState(name, UNKNOWN, f"This run is younger than the alarm looks back. {about}")
    return AlarmState(name, OFF, about)


def _period(alarm: Mapping[str, Any], now: float, number: int) -> Window:
    until = now - number * alarm["Period"]
    return Window(until - alarm["Period"], until)


def _is_breaching(
    alarm: Mapping[str, Any], metrics: Metrics, metric: Metric, period: Window
) -> bool | None:
    """Return whether a period breaches the threshold; None if the run was not there for it."""
    is_whole = metrics.first is not None and metrics.first <= period.since
    values = metrics.values(metric, period)
    if not values:
        is_breaching = alarm.get("TreatMissingData") == "breaching"
    else:
        found = statistic(values, alarm.get("ExtendedStatistic") or alarm["Statistic"])
        is_breaching = bool(_COMPARISONS[alarm["ComparisonOperator"]](found, alarm["Threshold"]))
    # Too little of something may only mean that half of the period lies before the run.
    is_of_too_little = not values or alarm["ComparisonOperator"].startswith("LessThan")
    return None if is_breaching and is_of_too_little and not is_whole else is_breaching
