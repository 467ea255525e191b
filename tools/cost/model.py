"""What a month costs for so many schools: counts times prices, line by line."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PRICES, ASSUMPTIONS, COUNTS = (
    HERE / f"{name}.json" for name in ("prices", "assumptions", "counts")
)
_GB = 1024**3
_MINUTES_PER_DAY = 1440
# Functions that API Gateway calls.
_ANSWERING = ("receive_", "serve_api")
_SCHEDULED = ("schedule_registrations", "schedule_pulls", "watch_deadlines", "rotate_secrets")
Used = defaultdict[str, float]


@dataclass(frozen=True)
class Facts:
    """The inputs of a prediction; each is one file in this folder."""

    prices: Mapping[str, Any]
    assumptions: Mapping[str, Any]
    counts: Mapping[str, Any]

    @classmethod
    def read(cls) -> Facts:
        """Return the inputs from the repository's files."""
        return cls(*(json.loads(path.read_text()) for path in (PRICES, ASSUMPTIONS, COUNTS)))

    def assumed(self, name: str) -> float:
        """Return an assumption's value."""
        return float(self.assumptions[name]["value"])

    def price(self, name: str) -> float:
        """Return the price of one unit in USD."""
        entry = self.prices["prices"][name]
        return float(entry["each"]) if "each" in entry else float(entry["per_million"]) / 1_000_000


@dataclass(frozen=True)
class Line:
    """One line of a bill."""

    service: str
    what: str
    quantity: float
    cost: float


def bill(schools: int, facts: Facts) -> list[Line]:
    """Return a month's bill for so many schools, without any free tier."""
    month = _month(schools, facts)
    lines = [
        ("Lambda", "invocations", "lambda_request", month["invocations"]),
        ("Lambda", "GB-seconds", "lambda_gb_second", month["gb_seconds"]),
        ("API Gateway", "requests", "api_request", month["api_requests"]),
        ("SQS", "requests for messages", "sqs_request", month["sqs_requests"]),
        ("SQS", "idle polling", "sqs_request", month["idle_receives"]),
        ("DynamoDB", "writes", "dynamodb_write", month["dynamodb_writes"]),
        ("DynamoDB", "reads", "dynamodb_read", month["dynamodb_reads"]),
        ("DynamoDB", "GB stored", "dynamodb_gb_month", month["table_gb"]),
        ("DynamoDB", "GB recoverable", "dynamodb_pitr_gb_month", month["table_gb"]),
        ("S3", "writes", "s3_write", month["s3_writes"]),
        ("S3", "reads", "s3_read", month["s3_reads"]),
        ("S3", "GB stored", "s3_gb_month", month["s3_gb"]),
        ("EventBridge", "events", "event", month["events"]),
        ("EventBridge", "scheduled invocations", "scheduled_invocation", month["scheduled"]),
        ("KMS", "requests", "kms_request", month["kms_requests"]),
        ("KMS", "keys", "kms_key_month", month["keys"]),
        ("Secrets Manager", "reads", "secret_read", month["secret_reads"]),
        ("Secrets Manager", "secrets", "secret_month", month["secrets"]),
        ("CloudWatch", "GB of logs taken in", "log_gb", month["log_gb"]),
        ("CloudWatch", "GB of logs kept", "log_gb_month", month["log_gb"]),
        ("CloudWatch", "metrics", "metric_month", month["metrics"]),
        ("CloudWatch", "metrics of alarms", "alarm_metric_month", month["alarm_metrics"]),
        ("CloudWatch", "composite alarms", "composite_alarm_month", month["composite_alarms"]),
        ("CloudWatch", "dashboards", "dashboard_month", month["dashboards"]),
    ]
    return [
        Line(service, what, quantity, quantity * facts.price(name))
        for service, what, name, quantity in lines
    ]


def total(lines: list[Line]) -> float:
    """Return the sum of a bill."""
    return sum(line.cost for line in lines)


def _month(schools: int, facts: Facts) -> Used:
    days = facts.assumed("days_per_month")
    month: Used = defaultdict(float, facts.counts["template"]["fixed"])
    _add(month, _day(schools, facts), days)
    month["log_gb"] = month["log_bytes"] / _GB
    store = facts.counts["activities"]["store"]
    refreshed = facts.counts["activities"]["refresh with changes"]
    per_day = facts.assumptions["per_school_and_day"]["refresh with changes"]["value"]
    grown = refreshed["s3_bytes"] * per_day * facts.assumed("kept_days")
    month["s3_gb"] = schools * (store["s3_bytes"] + grown) / _GB
    month["table_gb"] = schools * store["table_bytes"] / _GB
    return month


def _day(schools: int, facts: Facts) -> Used:
    """Return the usage of a day, with schedules and idle polling."""
    activities, used = facts.counts["activities"], defaultdict[str, float](float)
    for name, often in facts.assumptions["per_school_and_day"].items():
        _add(used, activities[name], schools * often["value"])
    for function in _SCHEDULED:
        runs = facts.counts["template"]["runs_per_day"][function]
        _add(used, activities[function], runs)
        each = _slope(activities, function, facts.counts["fleet"])
        _add(used, each, runs * schools)
        used["scheduled"] += runs
    used["idle_receives"] = (
        facts.assumed("idle_receives_per_queue_and_day") * facts.counts["template"]["queues"]
    )
    readers = facts.counts["template"]["readers_of_secrets"]
    most = 2 * _MINUTES_PER_DAY * readers * facts.assumed("warm_environments_per_function")
    used["secret_reads"] = min(used["secret_reads"], most)
    _add(used, _derived(used, facts), 1)
    return used


def _add(used: Used, counts: Mapping[str, float], times: float) -> None:
    for name, value in counts.items():
        used[name] += value * times


def _slope(activities: Mapping[str, Any], function: str, fleet: int) -> dict[str, float]:
    """Return the usage that one more school adds to a run of a schedule without due work."""
    alone, among = activities[function], activities[f"{function} with {fleet} schools"]
    return {name: max(0, value - alone.get(name, 0)) / fleet for name, value in among.items()}


def _derived(used: Mapping[str, float], facts: Facts) -> Used:
    """Return what follows from invocations: seconds, requests to the APIs, lines of their logs."""
    found: Used = defaultdict(float)
    for name, value in used.items():
        kind, _, function = name.partition(":")
        seconds = {
            "invocations": facts.assumed("seconds_per_invocation"),
            "xporter_requests": facts.assumed("seconds_per_xporter_request"),
        }.get(kind)
        if not function or seconds is None:
            continue
        memory_gb = facts.counts["template"]["memory_mb"][function] / 1024
        found["gb_seconds"] += value * seconds * memory_gb
        if kind == "invocations":
            found["invocations"] += value
            found["api_requests"] += value * function.startswith(_ANSWERING)
    found["log_bytes"] = found["invocations"] * facts.assumed("log_bytes_per_invocation")
    found["log_bytes"] += found["api_requests"] * facts.assumed("log_bytes_per_api_request")
    return found
