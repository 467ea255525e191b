"""Metrics as lines of the stack's log, in the embedded metric format of CloudWatch.

The functions write their own metrics so. The gateway and the emulator write AWS's metrics in the
same form, so that the log has every metric of a run. Standard library only: MiniStack's
interpreter imports it.
"""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_BEGIN = '{"_aws":'


@dataclass(frozen=True)
class Metric:
    """What CloudWatch calls a metric; ``dimensions`` are pairs of name and value, by name."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Sample:
    """Values of one metric at one moment, in seconds since the epoch."""

    metric: Metric
    at: float
    values: tuple[float, ...]


def metric_line(
    namespace: str,
    dimensions: Mapping[str, str],
    values: Mapping[str, float],
    at: float | None = None,
) -> str:
    """Return the line, with its end, for metrics of the same dimensions.

    Args:
        at: Seconds since the epoch; now if it is not given.
    """
    described = {
        "Namespace": namespace,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name} for name in values],
    }
    milliseconds = int((time.time() if at is None else at) * 1000)
    document = {
        "_aws": {"Timestamp": milliseconds, "CloudWatchMetrics": [described]},
        **dimensions,
        **values,
    }
    return json.dumps(document, separators=(",", ":")) + "\n"


def samples(line: str) -> Iterator[Sample]:
    """Yield what a line of the log measures; nothing if the line is of another kind."""
    begin = line.find(_BEGIN)
    if begin < 0:
        return
    try:
        document = json.loads(line[begin:])
        at = document["_aws"]["Timestamp"] / 1000
        for described in document["_aws"]["CloudWatchMetrics"]:
            for named in described["Metrics"]:
                value = document[named["Name"]]
                values = tuple(map(float, value if isinstance(value, list) else [value]))
                for names in described["Dimensions"]:
                    pairs = tuple(sorted((name, str(document[name])) for name in names))
                    yield Sample(Metric(described["Namespace"], named["Name"], pairs), at, values)
    except (ValueError, KeyError, TypeError):
        return  # half a line, which a process that was killed left behind
