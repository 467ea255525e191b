"""Encodes the editable dashboard as ``DashboardBody`` of the template."""

import json
from collections.abc import Iterator
from typing import Any

import yaml

SOURCE = "dashboards/fleet.yaml"
COLUMNS = 24
BEGIN = f"      # begin: written by `make dashboard` from {SOURCE}\n"
END = "      # end: written by `make dashboard`\n"


def with_body(template: str, source: str) -> str:
    """Return the template with the dashboard of ``source`` between the two marker lines.

    ``ValueError`` if the template does not contain each marker exactly once.
    """
    if template.count(BEGIN) != 1 or template.count(END) != 1:
        raise ValueError(f"template.yaml needs these two lines exactly once:\n{BEGIN}{END}")
    before, rest = template.split(BEGIN)
    after = rest.split(END)[1]
    lines = ",\n".join(" " * 10 + compact(widget) for widget in widgets(yaml.safe_load(source)))
    body = f'      DashboardBody: !Sub |\n        {{"widgets": [\n{lines}\n        ]}}\n'
    return before + BEGIN + body + END + after


def compact(widget: dict[str, Any]) -> str:
    """Return one widget as JSON on one line."""
    return json.dumps(widget, separators=(",", ":"), ensure_ascii=False)


def widgets(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield CloudWatch's form of every widget, from the top left to the bottom right.

    ``ValueError`` if the widgets of a row cannot share the columns equally.
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
                "properties": _properties(widget, dashboard["defaults"]),
            }
        top += row["height"]


def _properties(widget: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    own = {key: value for key, value in widget.items() if key != "type"}
    if widget["type"] != "metric":
        return own
    properties = {"title": own.pop("title"), **defaults, **own}
    period = properties["period"]
    metrics = [_metric(entry, period) for entry in properties.pop("metrics")]
    return {**properties, "metrics": metrics}


def _metric(entry: list[Any] | dict[str, Any], period: int) -> list[Any]:
    if isinstance(entry, list):
        return entry
    search = entry["search"]
    names = search["names"]
    wanted = " OR ".join(f'MetricName="{name}"' for name in names)
    found = f'{{"${{AWS::StackName}}",{search["dimension"]}}} {wanted}'
    expression = f"SEARCH('{found}', '{search.get('stat', 'Sum')}', {period})"
    # CloudWatch requires an identifier that starts with a lower-case letter.
    return [{"expression": expression, "id": names[0][0].lower() + names[0][1:]}]
