"""The condition of an alarm of template.yaml over recorded metrics, as CloudWatch evaluates it.

Pure: a recorded sample names resources by their logical ids, and so does what an alarm watches.
What no alarm of the template uses is refused, so that nothing is evaluated wrongly in silence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from operator import ge, gt, le, lt
from typing import Any

from tools.stack.metric_lines import Metric, Sample

STACK = "AWS::StackName"
Alarm = Mapping[str, Any]
Samples = Sequence[Sample]
_COMPARISONS = {
    "GreaterThanOrEqualToThreshold": ge,
    "GreaterThanThreshold": gt,
    "LessThanOrEqualToThreshold": le,
    "LessThanThreshold": lt,
}
_SELECT = re.compile(
    r"SELECT (?P<of>\w+)\((?P<name>\w+)\) "
    r'FROM SCHEMA\("\$\{AWS::StackName\}", "(?P<dimension>\w+)"\)'
)
_CALCULATION = re.compile(r"(?P<of>SUM|MAX)\(FILL\(METRICS\(\), 0\)\)")


class State(StrEnum):
    """The state of an alarm, in CloudWatch's words."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


@dataclass(frozen=True)
class _Period:
    since: float
    until: float


def state_of(
    alarm: Alarm,
    recorded: Samples,
    now: float,
    *,
    parameters: Mapping[str, Any] | None = None,
    before: State = State.OK,
) -> State:
    """Return the state of an alarm at the end of the period in which ``now`` lies.

    Args:
        now: Seconds since the epoch; periods begin at whole multiples of their length.
        parameters: The parameters of the template, for thresholds that refer to one.
        before: The state that an alarm keeps which ignores missing data.

    Raises:
        ValueError: The alarm uses what is not known here.
    """
    threshold = _number(alarm["Threshold"], parameters or {})
    is_beyond = _COMPARISONS[alarm["ComparisonOperator"]]
    values = [_value(alarm, recorded, each) for each in _periods(alarm, now)]
    missing = alarm.get("TreatMissingData", "missing")
    if missing not in {"missing", "ignore", "breaching", "notBreaching"}:
        raise ValueError(f"missing data may not be {missing}")
    breaching = [
        missing == "breaching" if value is None else bool(is_beyond(value, threshold))
        for value in values
    ]
    if missing in {"missing", "ignore"} and all(value is None for value in values):
        return before if missing == "ignore" else State.INSUFFICIENT_DATA
    needed = alarm.get("DatapointsToAlarm", len(values))
    return State.ALARM if sum(breaching) >= needed else State.OK


def is_rule_met(rule: str, is_on: Callable[[str], bool]) -> bool:
    """Tell whether a composite alarm is on, whose rule names alarms that are on, joined by OR.

    Raises:
        ValueError: The rule says anything else.
    """
    terms = [term.strip() for term in rule.split(" OR")]
    names = [re.fullmatch(r'ALARM\("\$\{(\w+)\}"\)', term) for term in terms]
    if not all(names):
        raise ValueError(f"a rule that is not known: {rule}")
    return any(is_on(name[1]) for name in names if name)


def _periods(alarm: Alarm, now: float) -> Iterator[_Period]:
    length = _length(alarm)
    latest = now // length * length
    for number in reversed(range(alarm["EvaluationPeriods"])):
        since = latest - number * length
        yield _Period(since, since + length)


def _length(alarm: Alarm) -> int:
    if "Period" in alarm:
        return int(alarm["Period"])
    lengths = {
        each.get("Period") or each.get("MetricStat", {}).get("Period") for each in alarm["Metrics"]
    } - {None}
    if len(lengths) != 1:
        raise ValueError("an alarm has one period")
    return int(lengths.pop())


def _value(alarm: Alarm, recorded: Samples, period: _Period) -> float | None:
    """Return the value that is compared with the threshold; None if the data are missing."""
    if "MetricName" in alarm:
        stat = alarm.get("ExtendedStatistic") or alarm["Statistic"]
        return _statistic(_in(period, recorded, _is(alarm)), stat)
    returned = [each for each in alarm.get("Metrics", ()) if each["ReturnData"]]
    if len(returned) != 1:
        raise ValueError("an alarm whose value is not known")
    expression = returned[0]["Expression"]
    if isinstance(expression, Mapping):
        return _selected(expression["Fn::Sub"], recorded, period)
    return _calculated(expression, alarm, recorded, period)


def _selected(query: str, recorded: Samples, period: _Period) -> float | None:
    found = _SELECT.fullmatch(query)
    if not found:
        raise ValueError(f"a query that is not known: {query}")

    def is_wanted(metric: Metric) -> bool:
        dimensions = [name for name, _ in metric.dimensions]
        return (metric.namespace, metric.name, dimensions) == (
            STACK,
            found["name"],
            [found["dimension"]],
        )

    return _statistic(_in(period, recorded, is_wanted), found["of"].capitalize())


def _calculated(expression: str, alarm: Alarm, recorded: Samples, period: _Period) -> float | None:
    found = _CALCULATION.fullmatch(expression)
    if not found:
        raise ValueError(f"a calculation that is not known: {expression}")
    stats = [each["MetricStat"] for each in alarm["Metrics"] if "MetricStat" in each]
    values = [
        _statistic(_in(period, recorded, _is(each["Metric"])), each["Stat"]) for each in stats
    ]
    known = [value for value in values if value is not None]
    # FILL has nothing to fill where none of the metrics has a value.
    if not known:
        return None
    return sum(known) if found["of"] == "SUM" else max(known)


def _is(watched: Mapping[str, Any]) -> Callable[[Metric], bool]:
    pairs = sorted((each["Name"], logical(each["Value"])) for each in watched.get("Dimensions", ()))
    wanted = Metric(logical(watched["Namespace"]), watched["MetricName"], tuple(pairs))
    return lambda metric: metric == wanted


def logical(value: Any) -> str:
    """Return the bare name of what a value of the template refers to; text as it is.

    Raises:
        ValueError: It refers to nothing in a way that is known.
    """
    match value:
        case str():
            return value
        case {"Ref": str(name)}:
            return name
        case {"Fn::GetAtt": [str(name), _]}:
            return name
    raise ValueError(f"a value that is not known: {value}")


def _in(period: _Period, recorded: Samples, is_wanted: Callable[[Metric], bool]) -> Iterable[float]:
    return [
        value
        for sample in recorded
        if period.since <= sample.at < period.until and is_wanted(sample.metric)
        for value in sample.values
    ]


def _statistic(found: Iterable[float], stat: str) -> float | None:
    values = sorted(found)
    if not values:
        return None
    if percentile := re.fullmatch(r"p(\d+(?:\.\d+)?)", stat):
        return values[max(ceil(float(percentile[1]) / 100 * len(values)), 1) - 1]
    known = {
        "Sum": sum(values),
        "Maximum": values[-1],
        "Minimum": values[0],
        "Average": sum(values) / len(values),
        "SampleCount": float(len(values)),
    }
    if stat not in known:
        raise ValueError(f"a statistic that is not known: {stat}")
    return known[stat]


def _number(threshold: Any, parameters: Mapping[str, Any]) -> float:
    if isinstance(threshold, Mapping):
        return float(parameters[threshold["Ref"]])
    return float(threshold)
