"""The dashboards of the template with every resource named by its logical id."""

import json
import re
from collections.abc import Iterator
from typing import Any

from cfnlint.decode import cfn_yaml

from tools.set_up import ROOT

NAMES = ("Dashboard", "OnCallDashboard", "CostDashboard")
STACK = "xporter-bridge"


def board(name: str) -> list[dict[str, Any]]:
    """Return the widgets of a dashboard."""
    resources = cfn_yaml.load(str(ROOT / "template.yaml"))["Resources"]
    body, _ = resources[name]["Properties"]["DashboardBody"]["Fn::Sub"]
    text = re.sub(r"\$\{Alarms\d+\}", "", body).replace("${AWS::StackName}", STACK)
    resolved = re.sub(r"\$\{(\w+)(?:\.\w+)?\}", r"\1", text)
    widgets: list[dict[str, Any]] = json.loads(resolved)["widgets"]
    return widgets


def metric_widgets() -> Iterator[dict[str, Any]]:
    """Yield every widget of metrics of the three dashboards."""
    for name in NAMES:
        yield from (each for each in board(name) if each["type"] == "metric")
