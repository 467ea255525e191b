"""What template.yaml has that is paid for by the month, or that says how often something runs."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from tests.support import template

_MINUTES = {"minute": 1, "minutes": 1, "hour": 60, "hours": 60, "day": 1440, "days": 1440}
# AWS charges an alarm for each metric that its query looks at, which is not known before.
METRICS_OF_A_QUERY = 10


def priced(metrics: int) -> dict[str, Any]:
    """Return the template's part of the counts; ``metrics`` are those that the day emitted."""
    alarms = template.resources("AWS::CloudWatch::Alarm").values()
    return {
        "fixed": {
            "metrics": metrics,
            "alarm_metrics": sum(map(_metrics_of, alarms)),
            "composite_alarms": len(template.resources("AWS::CloudWatch::CompositeAlarm")),
            "dashboards": len(template.resources("AWS::CloudWatch::Dashboard")),
            "keys": len(template.resources("AWS::KMS::Key")),
            "secrets": len(template.resources("AWS::SecretsManager::Secret")),
        },
        "queues": len(template.consumers()),
        "readers_of_secrets": sum(map(_reads_secrets, template.functions())),
        "runs_per_day": dict(sorted(_runs().items())),
        "memory_mb": {
            name: properties.get("MemorySize", _global("MemorySize"))
            for name, properties in sorted(template.functions().items())
        },
    }


def _metrics_of(alarm: dict[str, Any]) -> int:
    if "Metrics" not in alarm:
        return 1
    queries = [str(entry.get("Expression", "")) for entry in alarm["Metrics"]]
    named = sum("MetricStat" in entry for entry in alarm["Metrics"])
    return named + METRICS_OF_A_QUERY * sum("SELECT" in query for query in queries)


def _reads_secrets(function: str) -> bool:
    return "secretsmanager:GetSecretValue" in str(template.statements(function))


def _runs() -> Counter[str]:
    found: Counter[str] = Counter()
    for name, properties in template.functions().items():
        for event in properties.get("Events", {}).values():
            rate = event["Properties"].get("ScheduleExpression")
            if rate:
                number, unit = re.fullmatch(r"rate\((\d+) (\w+)\)", rate).groups()  # type: ignore[union-attr]
                found[name] += 1440 // (int(number) * _MINUTES[unit])
    return found


def _global(name: str) -> Any:
    return template.load()["Globals"]["Function"][name]
