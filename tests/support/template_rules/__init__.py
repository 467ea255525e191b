"""Rules of AWS that neither its schemas nor a linter know, each with the page that says so."""

from tests.support.template_rules import (
    alarms,
    dashboards,
    events,
    functions,
    keys,
    limits,
    logs,
    metrics_insights,
    names,
    queues,
    recursion,
    roles,
    secrets,
)
from tests.support.template_rules.rule import RULES, Rule

__all__ = [
    "RULES",
    "Rule",
    "alarms",
    "dashboards",
    "events",
    "functions",
    "keys",
    "limits",
    "logs",
    "metrics_insights",
    "names",
    "queues",
    "recursion",
    "roles",
    "secrets",
]
