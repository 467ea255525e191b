"""Logs and metrics of the whole system: stable event names, bounded dimensions, no personal data.

Callers pass facts by name: estabs, counts and our own ids. They never pass bodies, query strings,
headers, names, secrets or tokens. ``METRICS`` is the complete list of emitted metrics; a test
compares it with the dashboard and the alarms in the template.

The lines have the format of Powertools, and a test compares them. Powertools' own Logger and
Metrics took a quarter of an acknowledgement and of its cold start (docs/performance.md).
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from pathlib import PurePath

import orjson

from xporter_bridge import dry_run

_LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}


class MetricUnit(StrEnum):
    """The units of our metrics in CloudWatch."""

    Count = "Count"
    Milliseconds = "Milliseconds"


# Name -> unit, dimension. Every dimension has a handful of values, never one per school.
METRICS: dict[str, tuple[MetricUnit, str]] = {
    "CallbackAccepted": (MetricUnit.Count, "Kind"),
    "CallbackRejected": (MetricUnit.Count, "Reason"),
    "CallbackFailed": (MetricUnit.Count, "Kind"),
    "RequestFailed": (MetricUnit.Count, "Kind"),
    "MessageParked": (MetricUnit.Count, "Function"),
    "MessageFailed": (MetricUnit.Count, "Function"),
    "SchoolStateChanged": (MetricUnit.Count, "State"),
    "SchoolsInState": (MetricUnit.Count, "State"),
    "ScopesMissing": (MetricUnit.Count, "Extent"),
    "DatasetsSilent": (MetricUnit.Count, "Database"),
    "CallbackContradicted": (MetricUnit.Count, "Database"),
    "MisNotRefreshed": (MetricUnit.Count, "Database"),
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
    "IdentityRepeated": (MetricUnit.Count, "Dataset"),
    "DeletionUnmet": (MetricUnit.Count, "Dataset"),
    "ParquetFailed": (MetricUnit.Count, "Dataset"),
    "AvailabilityEnded": (MetricUnit.Count, "Outcome"),
    "WritebackEnded": (MetricUnit.Count, "Outcome"),
    "EventPublished": (MetricUnit.Count, "Type"),
    "DataErased": (MetricUnit.Count, "Cause"),
    "SchoolEnd": (MetricUnit.Count, "Step"),
    "DeadlinePassed": (MetricUnit.Count, "Kind"),
    "WatchCut": (MetricUnit.Count, "Kind"),
    "NightLateMinutes": (MetricUnit.Count, "Queue"),
    "SecretRotated": (MetricUnit.Count, "Secret"),
    "OldSecretAccepted": (MetricUnit.Count, "Secret"),
}


def bind(function_request_id: str, request_id: str | None = None) -> None:
    """Add the ids of this invocation to every later line.

    Args:
        function_request_id: Lambda's request id, which Lambda's own lines have too.
        request_id: API Gateway's request id, which its access log has too, if API Gateway
            caused the invocation.
    """
    trace = os.environ.get("_X_AMZN_TRACE_ID", "").partition(";")[0].removeprefix("Root=")
    ids = {"request_id": request_id, "function_request_id": function_request_id}
    _bound().clear()
    _bound().update(_known({**ids, "xray_trace_id": trace or None}))


def record(event: str, **facts: object) -> None:
    """Log an event, about once per unit of work."""
    _log("INFO", event, facts)


def warn(event: str, **facts: object) -> None:
    """Log a refusal or a fault that was handled."""
    _log("WARNING", event, facts)


def report(event: str, error: BaseException, **facts: object) -> None:
    """Log a failure by its type and place.

    The text of an unknown exception may quote data, so it is never logged.
    """
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    places = [f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    _log("ERROR", event, {"error": type(error).__name__, "at": places, **facts})


def count(name: str, dimension: str, value: float = 1) -> None:
    """Emit one metric in embedded metric format, unless this is a dry run.

    The namespace is ``POWERTOOLS_METRICS_NAMESPACE``, which the template sets to the stack's name.

    Raises:
        KeyError: The name is not in ``METRICS``, or the environment names no namespace.
    """
    unit, dimension_name = METRICS[name]
    if dry_run.is_on():
        return
    described = {
        "Namespace": os.environ["POWERTOOLS_METRICS_NAMESPACE"],
        "Dimensions": [[dimension_name]],
        "Metrics": [{"Name": name, "Unit": unit}],
    }
    metric = {
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [described]},
        dimension_name: dimension,
        name: [float(value)],
    }
    _print(metric)


def _log(level: str, event: str, facts: Mapping[str, object]) -> None:
    if _LEVELS[level] < _threshold():
        return
    caller = sys._getframe(2)  # noqa: SLF001 - as the standard library's own logging does
    _print(
        {
            "level": level,
            "location": f"{caller.f_code.co_name}:{caller.f_lineno}",
            "message": event,
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "service": "xporter-bridge",
            **_bound(),
            **_known(facts),
            **({"dry_run": True} if dry_run.is_on() else {}),
        }
    )


@cache
def _bound() -> dict[str, object]:
    """Return the fields of every line; an environment has one invocation at a time."""
    return {}


def _known(facts: Mapping[str, object]) -> dict[str, object]:
    return {name: fact for name, fact in facts.items() if fact is not None}


@cache
def _threshold() -> int:
    """Return the lowest level to log: ``POWERTOOLS_LOG_LEVEL``, which the template sets."""
    return _LEVELS[os.environ.get("POWERTOOLS_LOG_LEVEL", "INFO")]


def _print(line: Mapping[str, object]) -> None:
    try:
        text = orjson.dumps(line, default=str, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()
    except TypeError:  # a number or half a character that orjson refuses: no line is lost for it
        text = json.dumps(line, default=str)
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
