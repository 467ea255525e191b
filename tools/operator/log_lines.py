"""What the functions logged: JSON lines with a stable event and facts by name, nothing personal."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .aws_errors import explained
from .errors import WrongUseError
from .target import Target

_ACCESS_LOGS = frozenset({"CallbacksAccessLogGroup", "CompanyAccessLogGroup"})
# What stands on every line and says nothing of what happened.
_NOISE = frozenset(
    {
        "estab",
        "function",
        "function_request_id",
        "level",
        "location",
        "message",
        "request_id",
        "service",
        "timestamp",
        "xray_trace_id",
    }
)


@dataclass(frozen=True)
class LogLine:
    """One line of a function's log."""

    at: str
    function: str
    level: str
    event: str
    estab: str | None
    facts: Mapping[str, Any] = field(default_factory=dict)


def groups(target: Target, function: str | None = None) -> dict[str, str]:
    """Return the log group of each function by the function's name, or of one alone.

    Raises:
        WrongUseError: There is no such function.
    """
    known = {
        _snake(name.removesuffix("LogGroup")): physical
        for name, physical in target.of_type("AWS::Logs::LogGroup").items()
        if name not in _ACCESS_LOGS
    }
    if function is None:
        return known
    if function not in known:
        raise WrongUseError(f"there is no function {function}", f"name one of {', '.join(known)}")
    return {function: known[function]}


def fetch(
    target: Target,
    where: Mapping[str, str],
    since: datetime,
    until: datetime,
    *,
    estab: str | None = None,
    errors: bool = False,
    advance: Callable[[int], None] = lambda _: None,
) -> list[LogLine]:
    """Return the lines of some functions between two times, in order."""
    found = []
    pages = target.client("logs").get_paginator("filter_log_events")
    window = {
        "startTime": int(since.timestamp() * 1000),
        "endTime": int(until.timestamp() * 1000),
        "filterPattern": _pattern(estab, errors=errors),
    }
    for function, group in where.items():
        with explained():
            for page in pages.paginate(logGroupName=group, **window):
                lines = (read(function, event) for event in page["events"])
                # An emulator may take any pattern for "everything".
                found += [line for line in lines if line and _fits(line, estab, errors=errors)]
        advance(1)
    return sorted(found, key=lambda line: line.at)


def read(function: str, event: Mapping[str, Any]) -> LogLine | None:
    """Return a line of ours; None for Lambda's own and for metrics."""
    try:
        document = json.loads(event["message"])
    except ValueError:
        return None
    if not isinstance(document, dict) or not isinstance(document.get("message"), str):
        return None
    at = datetime.fromtimestamp(int(event["timestamp"]) / 1000, UTC)
    return LogLine(
        at=str(document.get("timestamp") or at.isoformat(timespec="milliseconds")),
        function=function,
        level=str(document.get("level", "INFO")),
        event=document["message"],
        estab=document.get("estab"),
        facts={name: value for name, value in document.items() if name not in _NOISE},
    )


def _pattern(estab: str | None, *, errors: bool) -> str:
    of_school = f'$.estab = "{estab}"' if estab else ""
    of_level = '($.level = "ERROR" || $.level = "WARNING")' if errors else ""
    conditions = " && ".join(filter(None, (of_school, of_level))) or "$.message = *"
    return f"{{ {conditions} }}"


def _fits(line: LogLine, estab: str | None, *, errors: bool) -> bool:
    return (estab is None or line.estab == estab) and (not errors or line.level != "INFO")


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
