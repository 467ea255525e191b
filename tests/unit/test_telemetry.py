"""Our lines are those of Powertools, but for what they cost."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

import pytest
from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from xporter_bridge import telemetry

TRACE = "Root=1-67641b5a-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=0"
# What a call of ours may well pass: numbers, lists, our own ids, half a character, nothing.
FACTS: dict[str, Any] = {
    "estab": "3281102",
    "rows": 17,
    "share": 0.25,
    "tables": ["Students", "Staff"],
    "asked_at": datetime(2026, 11, 26, 3, 0, tzinfo=UTC),
    "place": PurePath("a/b"),
    "reason": None,
}

Printed = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    telemetry._threshold.cache_clear()
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", "INFO")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "xporter-bridge")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", TRACE)


def the_line(capsys: Printed) -> dict[str, Any]:
    (line,) = capsys.readouterr().out.splitlines()
    return dict(json.loads(line))


def without_time(line: dict[str, Any]) -> dict[str, Any]:
    assert datetime.fromisoformat(line["timestamp"]).tzinfo
    return {name: value for name, value in line.items() if name not in {"timestamp", "location"}}


@pytest.mark.parametrize(
    ("ours", "level"), [(telemetry.record, "info"), (telemetry.warn, "warning")]
)
def test_a_line_of_ours_says_what_one_of_powertools_says(
    ours: Callable[..., None], level: str, capsys: Printed
) -> None:
    # It keeps one handler per name, and with it the stdout of another test.
    theirs = Logger(service=f"xporter-bridge {level}", use_rfc3339=True, utc=True)
    theirs.append_keys(function_request_id="request-1", request_id="AbCdEfGhIjKlMnO=")
    known = {name: fact for name, fact in FACTS.items() if fact is not None}
    getattr(theirs, level)("pull_committed", extra=known)
    expected = {**the_line(capsys), "service": "xporter-bridge"}
    telemetry.bind("request-1", "AbCdEfGhIjKlMnO=")
    ours("pull_committed", **FACTS)
    line = the_line(capsys)
    assert without_time(line) == without_time(expected)
    assert line["location"].startswith("test_a_line_of_ours")
    assert len(line["timestamp"]) == len(expected["timestamp"])


def test_a_metric_of_ours_is_one_of_powertools(capsys: Printed) -> None:
    with single_metric("PullDuration", MetricUnit.Milliseconds, 1250) as metric:
        metric.add_dimension("Dataset", "students")
    expected = the_line(capsys)
    telemetry.count("PullDuration", "students", 1250)
    metric_line = the_line(capsys)
    assert abs(metric_line["_aws"].pop("Timestamp") - expected["_aws"].pop("Timestamp")) < 60_000
    assert metric_line == expected


def test_a_failure_is_logged_by_its_type_and_its_places(capsys: Printed) -> None:
    try:
        json.loads("{")
    except ValueError as error:
        telemetry.report("callback_failed", error, kind="database")
    line = the_line(capsys)
    assert (line["level"], line["error"], line["kind"]) == ("ERROR", "JSONDecodeError", "database")
    assert line["at"][0].startswith("test_telemetry.py:")


def test_nothing_below_the_level_of_the_template_is_logged(
    monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", "ERROR")
    telemetry._threshold.cache_clear()
    telemetry.record("request_answered")
    telemetry.warn("answer_mended")
    assert capsys.readouterr().out == ""
    telemetry._threshold.cache_clear()


@pytest.mark.parametrize("fact", ["half \ud800 a character", 2**80, {1: 2}])
def test_no_line_is_lost_for_a_fact_that_is_odd(fact: object, capsys: Printed) -> None:
    telemetry.record("pull_committed", odd=fact)
    assert the_line(capsys)["message"] == "pull_committed"


def test_a_metric_that_is_not_listed_or_has_no_namespace_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(KeyError):
        telemetry.count("Unheard", "of")
    monkeypatch.delenv("POWERTOOLS_METRICS_NAMESPACE")
    with pytest.raises(KeyError):
        telemetry.count("CallbackAccepted", "database")
