"""Encodes the editable dashboards as ``DashboardBody`` of the template."""

import json
from collections.abc import Iterator
from typing import Any

import yaml

from tools.dashboards.expansion import Expansion

SOURCES = ("dashboards/fleet.yaml", "dashboards/on-call.yaml", "dashboards/cost.yaml")
COLUMNS = 24


def begin(source: str) -> str:
    """Return the line after which ``source`` is written."""
    return f"      # begin: written by `make dashboard` from {source}\n"


def end(source: str) -> str:
    """Return the line before which ``source`` is written."""
    return f"      # end: written by `make dashboard` from {source}\n"


def with_body(template: str, name: str, source: str) -> str:
    """Return the template with the dashboard ``source`` between the two marker lines.

    Args:
        template: The text of template.yaml; macros of the source name its resources.
        name: The path of the source, as the markers name it.
        source: The text of the source.

    Raises:
        ValueError: The template does not contain each marker exactly once.
    """
    if template.count(begin(name)) != 1 or template.count(end(name)) != 1:
        raise ValueError(f"template.yaml needs these lines exactly once:\n{begin(name)}{end(name)}")
    before, rest = template.split(begin(name))
    after = rest.split(end(name))[1]
    dashboard = yaml.safe_load(source)
    expansion = Expansion.of(template)
    made = (compact(each) for each in widgets(dashboard, expansion))
    lines = ",\n".join(" " * 12 + expansion.links(each) for each in made)
    title = json.dumps(dashboard["name"])
    body = (
        f"      DashboardName: !Sub {title}\n"
        "      DashboardBody: !Sub\n        - |\n"
        f'          {{"widgets": [\n{lines}\n          ]}}\n'
        f"        - {_variables(expansion)}\n"
    )
    return before + begin(name) + body + end(name) + after


def compact(widget: dict[str, Any]) -> str:
    """Return one widget as JSON on one line."""
    return json.dumps(widget, separators=(",", ":"), ensure_ascii=False)


def widgets(dashboard: dict[str, Any], expansion: Expansion) -> Iterator[dict[str, Any]]:
    """Yield CloudWatch's form of every widget, from the top left to the bottom right.

    Raises:
        ValueError: The widgets of a row cannot share the columns equally.
    """
    top = 0
    for row in dashboard["rows"]:
        width, left_over = divmod(COLUMNS, len(row["widgets"]))
        if left_over:
            raise ValueError(f"{len(row['widgets'])} widgets cannot share {COLUMNS} columns")
        for position, widget in enumerate(row["widgets"]):
            yield {
                "type": widget["type"],
                "x": position * width,
                "y": top,
                "width": width,
                "height": row["height"],
                "properties": _properties(widget, dashboard["defaults"], expansion),
            }
        top += row["height"]


def _properties(
    widget: dict[str, Any], defaults: dict[str, Any], expansion: Expansion
) -> dict[str, Any]:
    own = {key: value for key, value in widget.items() if key != "type"}
    if widget["type"] == "alarm":
        return {**own, "alarms": expansion.alarms(own["alarms"])}
    if widget["type"] != "metric":
        return own
    properties = {"title": own.pop("title"), **defaults, **own}
    period = properties["period"]
    entries = properties.pop("metrics")
    metrics = [line for entry in entries for line in expansion.metrics(entry, period)]
    return {**properties, "metrics": metrics}


def _variables(expansion: Expansion) -> str:
    found = (f"{name}: {value}" for name, value in expansion.conditional.items())
    return "\n          ".join(found) or "{}"
