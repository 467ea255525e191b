from pathlib import Path

import pytest

from tools.local_page.log_metrics import LogMetrics
from tools.local_page.metrics import Metrics, Window, statistic
from tools.stack.metric_lines import Metric, Sample, metric_line, samples

ROWS = Metric("ours", "Rows", (("Dataset", "staff"),))
ALL = Window(0, 1e12)


def test_a_line_that_is_written_is_read_again() -> None:
    line = metric_line("AWS/Lambda", {"FunctionName": "f"}, {"Errors": 0.0, "Duration": 7.5}, 12.5)
    pairs = (("FunctionName", "f"),)
    assert list(samples(f"SomeLogGroup: {line}")) == [
        Sample(Metric("AWS/Lambda", "Errors", pairs), 12.5, (0.0,)),
        Sample(Metric("AWS/Lambda", "Duration", pairs), 12.5, (7.5,)),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "REPORT RequestId: 1\tDuration: 5 ms",
        '{"_aws":{"Timestamp":1',
        '{"_aws":{"Timestamp":1,"CloudWatchMetrics":[{"Namespace":"n","Metrics":[{}]}]}}',
        '{"_aws":7}',
    ],
)
def test_what_is_no_metric_or_was_cut_is_passed_over(line: str) -> None:
    assert list(samples(line)) == []


def test_a_log_is_read_on_from_where_it_ended_even_within_a_line(tmp_path: Path) -> None:
    log, line = tmp_path / "stack.log", metric_line("ours", {"Dataset": "staff"}, {"Rows": 3}, 1)
    log.write_text(f"begun\n{line}{line[:40]}")
    reader = LogMetrics(log)
    assert reader.read().series(ROWS, "Sum", 60, ALL) == [(0, 3)]
    with log.open("a") as file:
        file.write(line[40:])
    assert reader.read().series(ROWS, "Sum", 60, ALL) == [(0, 6)]
    assert reader.read().series(ROWS, "Sum", 60, ALL) == [(0, 6)]


def test_a_period_has_the_statistic_of_its_values_and_no_other() -> None:
    metrics = Metrics(Sample(ROWS, at, (value,)) for at, value in ((59, 1), (60, 2), (119, 4)))
    assert metrics.series(ROWS, "Sum", 60, ALL) == [(0, 1), (60, 6)]
    assert metrics.series(ROWS, "Maximum", 60, Window(60, 100)) == [(60, 2)]
    assert metrics.series(Metric("ours", "Rows"), "Sum", 60, ALL) == []


@pytest.mark.parametrize(
    ("stat", "value"),
    [("Sum", 10), ("Average", 2.5), ("Minimum", 1), ("Maximum", 4), ("p50", 2), ("p99", 4)],
)
def test_statistics_are_those_of_cloudwatch(stat: str, value: float) -> None:
    assert statistic([4, 1, 3, 2], stat) == value


def test_a_statistic_that_is_not_known_or_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="TM90"):
        statistic([1], "TM90")
    with pytest.raises(ValueError, match="no values"):
        statistic([], "Sum")


def test_samples_of_the_day_before_are_forgotten() -> None:
    metrics = Metrics(Sample(ROWS, at, (1,)) for at in (0, 86_300, 86_500))
    assert metrics.first == 86_300
