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

# API Gateway's own: read only when one is named.
_ACCESS_LOGS = frozenset({"callbacks_access", "company_access"})
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


@dataclass(frozen=True)
class Wanted:
    """Which lines are wanted; one of ``text`` may stand in any line, Lambda's own too."""

    estab: str | None = None
    event: str | None = None
    errors: bool = False
    text: tuple[str, ...] = ()

    @property
    def pattern(self) -> str:
        """What CloudWatch Logs filters by."""
        if self.text:
            quoted = (text.replace("\\", "\\\\").replace('"', '\\"') for text in self.text)
            return " ".join(f'?"{text}"' for text in quoted)
        conditions = [
            f'$.estab = "{self.estab}"' if self.estab else "",
            f'$.message = "{self.event}"' if self.event else "",
            '($.level = "ERROR" || $.level = "WARNING")' if self.errors else "",
        ]
        return f"{{ {' && '.join(filter(None, conditions)) or '$.message = *'} }}"

    def read(self, function: str, event: Mapping[str, Any]) -> LogLine | None:
        """Return the line if it is wanted: an emulator may take any pattern for "everything"."""
        line = read(function, event)
        if self.text:
            raw = str(event["message"])
            is_wanted = any(text in raw for text in self.text)
            return (line or _raw(function, event)) if is_wanted else None
        if line is None or self.estab not in (None, line.estab):
            return None
        is_wanted = self.event in (None, line.event) and (not self.errors or line.level != "INFO")
        return line if is_wanted else None


def groups(target: Target, function: str | None = None) -> dict[str, str]:
    """Return the log group of each function by the function's name, or of one alone.

    Raises:
        WrongUseError: There is no such function.
    """
    known = {
        _snake(name.removesuffix("LogGroup")): physical
        for name, physical in target.of_type("AWS::Logs::LogGroup").items()
    }
    if function is None:
        return {name: group for name, group in known.items() if name not in _ACCESS_LOGS}
    if function not in known:
        raise WrongUseError(f"there is no function {function}", f"name one of {', '.join(known)}")
    return {function: known[function]}


def fetch(
    target: Target,
    where: Mapping[str, str],
    since: datetime,
    until: datetime,
    wanted: Wanted,
    advance: Callable[[int], None] = lambda _: None,
) -> list[LogLine]:
    """Return the lines of some functions between two times, in order."""
    found: list[LogLine] = []
    pages = target.client("logs").get_paginator("filter_log_events")
    window = {
        "startTime": int(since.timestamp() * 1000),
        "endTime": int(until.timestamp() * 1000),
        "filterPattern": wanted.pattern,
    }
    for function, group in where.items():
        with explained():
            for page in pages.paginate(logGroupName=group, **window):
                lines = (wanted.read(function, event) for event in page["events"])
                found += [line for line in lines if line]
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
    return LogLine(
        at=str(document.get("timestamp") or _at(event)),
        function=function,
        level=str(document.get("level", "INFO")),
        event=document["message"],
        estab=document.get("estab"),
        facts={name: value for name, value in document.items() if name not in _NOISE},
    )


def _raw(function: str, event: Mapping[str, Any]) -> LogLine:
    """Return a line of Lambda's own."""
    return LogLine(_at(event), function, "LAMBDA", str(event["message"]).strip(), None)


def _at(event: Mapping[str, Any]) -> str:
    at = datetime.fromtimestamp(int(event["timestamp"]) / 1000, UTC)
    return at.isoformat(timespec="milliseconds")


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
