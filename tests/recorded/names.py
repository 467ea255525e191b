"""The names that others rely on, found in the code and the template as they are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from tests.support import template
from tests.support.template import ROOT
from xporter_bridge import telemetry

# The functions that log, and those that others wrap around them.
LOGGING = {"record", "warn", "report"}


def names_in_use() -> dict[str, Any]:
    """Return metrics, log events, environment variables, queues, tables and indexes."""
    return {
        "metrics": {
            name: [str(unit.value), dimension]
            for name, (unit, dimension) in sorted(telemetry.METRICS.items())
        },
        "log_events": sorted(log_events()),
        "environment": {
            function: sorted(template.environment(function))
            for function in sorted(template.functions())
        },
        "queues": sorted(template.resources("AWS::SQS::Queue")),
        "consumers": {queue: found[0] for queue, found in sorted(template.consumers().items())},
        "tables": {
            name: {
                "key": facts["KeySchema"],
                "indexes": facts.get("GlobalSecondaryIndexes", []),
                "ttl": facts.get("TimeToLiveSpecification"),
            }
            for name, facts in sorted(template.resources("AWS::DynamoDB::Table").items())
        },
    }


def log_events() -> set[str]:
    """Return every event name that the code logs, as a literal."""
    return {name for path in (*_sources(),) for name in _logged(ast.parse(path.read_text("utf-8")))}


def _sources() -> Iterator[Any]:
    yield from (ROOT / "layers/shared/xporter_bridge").rglob("*.py")
    yield from (ROOT / "functions").rglob("*.py")


def _logged(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            on, first = node.func.value, node.args[:1]
            if (
                node.func.attr in LOGGING
                and isinstance(on, ast.Name)
                and on.id == "telemetry"
                and first
            ):
                yield from (n.value for n in ast.walk(first[0]) if isinstance(n, ast.Constant))
