"""Logs and metrics of the whole system: stable event names, bounded dimensions, no personal data.

Whoever logs passes facts by name; estabs, counts and our own ids are facts, while bodies, query
strings, headers, names, secrets and tokens never are. ``METRICS`` is the complete list of what
the code emits, and a test holds it against the dashboard and the alarms in the template.
"""

from __future__ import annotations

import traceback
from functools import cache
from pathlib import PurePath

from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.metrics import MetricUnit

# Who called us, as seen from inside the logger: its ``location`` is of no use otherwise.
_CALLER = 3

# Name -> unit, dimension. Every dimension takes a handful of values, never one per school.
METRICS: dict[str, tuple[MetricUnit, str]] = {
    "CallbackAccepted": (MetricUnit.Count, "Kind"),
    "CallbackRejected": (MetricUnit.Count, "Reason"),
    "CallbackFailed": (MetricUnit.Count, "Kind"),
    "MessageParked": (MetricUnit.Count, "Function"),
    "SchoolStateChanged": (MetricUnit.Count, "State"),
    "SchoolsInState": (MetricUnit.Count, "State"),
    "ScopesMissing": (MetricUnit.Count, "Extent"),
    "DatasetsSilent": (MetricUnit.Count, "Database"),
    "RegistrationMade": (MetricUnit.Count, "Database"),
    "RegistrationFailed": (MetricUnit.Count, "Database"),
    "XporterRefused": (MetricUnit.Count, "Call"),
    "PullCommitted": (MetricUnit.Count, "Dataset"),
    "PullUnchanged": (MetricUnit.Count, "Dataset"),
    "PullHeld": (MetricUnit.Count, "Dataset"),
    "PullFailed": (MetricUnit.Count, "Dataset"),
    "PullRestarted": (MetricUnit.Count, "Dataset"),
    "PullDuration": (MetricUnit.Milliseconds, "Dataset"),
    "RowsPulled": (MetricUnit.Count, "Dataset"),
    "PagesPulled": (MetricUnit.Count, "Dataset"),
    "BaselineDiffered": (MetricUnit.Count, "Dataset"),
    "ColumnDrift": (MetricUnit.Count, "Dataset"),
    "AvailabilityEnded": (MetricUnit.Count, "Outcome"),
    "WritebackEnded": (MetricUnit.Count, "Outcome"),
    "EventPublished": (MetricUnit.Count, "Type"),
    "DataErased": (MetricUnit.Count, "Cause"),
    "DeadlinePassed": (MetricUnit.Count, "Kind"),
}


@cache
def logger() -> Logger:
    """Return the one logger; its level is ``POWERTOOLS_LOG_LEVEL``, set by the template."""
    return Logger(service="xporter-bridge", use_rfc3339=True, utc=True, serialize_stacktrace=False)


def bind(request_id: str) -> None:
    """Put the id of Lambda's request on every line, as Lambda's own lines have it."""
    logger().append_keys(function_request_id=request_id)


def record(event: str, **facts: object) -> None:
    """Log that something happened, once per unit of work."""
    logger().info(event, extra=_described(facts), stacklevel=_CALLER)


def warn(event: str, **facts: object) -> None:
    """Log that something was refused or went wrong and was dealt with."""
    logger().warning(event, extra=_described(facts), stacklevel=_CALLER)


def report(event: str, error: BaseException, **facts: object) -> None:
    """Log a failure by its type and place.

    The text of an unknown exception may quote what it failed on, so it is never logged.
    """
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    places = [f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    described = _described({"error": type(error).__name__, "at": places, **facts})
    logger().error(event, extra=described, stacklevel=_CALLER)


def count(name: str, dimension: str, value: float = 1) -> None:
    """Emit one metric in embedded metric format.

    Its namespace is ``POWERTOOLS_METRICS_NAMESPACE``, which the template sets to the stack's name.

    Raises:
        KeyError: The name is not in ``METRICS``.
        SchemaValidationError: The environment names no namespace.
    """
    unit, dimension_name = METRICS[name]
    with single_metric(name=name, unit=unit, value=value) as metric:
        metric.add_dimension(name=dimension_name, value=dimension)


def _described(facts: dict[str, object]) -> dict[str, object]:
    return {name: fact for name, fact in facts.items() if fact is not None}
