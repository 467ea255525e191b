"""The samples of a run, and CloudWatch's statistics of them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from tools.stack.metric_lines import Metric, Sample

Point = tuple[float, float]  # the beginning of a period in seconds since the epoch, and the value
KEPT_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Window:
    """From when until when metrics are shown, in seconds since the epoch."""

    since: float
    until: float


class Metrics:
    """Samples in memory, of one day at most."""

    def __init__(self, samples: Iterable[Sample] = ()) -> None:
        self._samples: dict[Metric, list[Sample]] = defaultdict(list)
        for sample in samples:
            self.add(sample)

    def __iter__(self) -> Iterator[Metric]:
        """Yield every metric that has a sample, in the order of their names."""
        return iter(sorted(self._samples, key=lambda m: (m.namespace, m.name, m.dimensions)))

    @property
    def first(self) -> float | None:
        """The time of the earliest sample."""
        return min((s.at for each in self._samples.values() for s in each), default=None)

    def add(self, sample: Sample) -> None:
        """Keep a sample, and forget what is a day older."""
        kept = self._samples[sample.metric]
        kept.append(sample)
        if kept[0].at < sample.at - KEPT_SECONDS:
            kept[:] = [each for each in kept if each.at >= sample.at - KEPT_SECONDS]

    def series(self, metric: Metric, stat: str, period: int, window: Window) -> list[Point]:
        """Return one point for each period that has samples; periods begin as CloudWatch's do."""
        periods: dict[float, list[float]] = defaultdict(list)
        for sample in self._samples.get(metric, ()):
            if window.since <= sample.at <= window.until:
                periods[sample.at // period * period].extend(sample.values)
        return [(begin, statistic(values, stat)) for begin, values in sorted(periods.items())]

    def values(self, metric: Metric, window: Window) -> list[float]:
        """Return every value within the window."""
        found = self._samples.get(metric, ())
        return [v for s in found if window.since < s.at <= window.until for v in s.values]


def statistic(values: Sequence[float], stat: str) -> float:
    """Return a statistic by CloudWatch's name; a percentile is the nearest value.

    Raises:
        ValueError: The statistic is none that the dashboards or alarms use, or there is no value.
    """
    if not values:
        raise ValueError("no values")
    if stat.startswith("p"):
        rank = ceil(float(stat[1:]) / 100 * len(values))
        return sorted(values)[max(rank, 1) - 1]
    match stat:
        case "Sum":
            return sum(values)
        case "Maximum":
            return max(values)
        case "Minimum":
            return min(values)
        case "Average":
            return sum(values) / len(values)
    raise ValueError(f"the statistic {stat} is not known here")
