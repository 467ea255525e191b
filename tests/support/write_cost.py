"""``make cost``: counts a simulated day anew, and writes docs/cost.md from it."""

from __future__ import annotations

import json
import os

from moto import mock_aws

from tests.support.moto_cloud import REGION
from tests.support.simulated_day import counted
from tests.support.xporter import Xporter
from tools.cost.card import card
from tools.cost.model import COUNTS, Facts
from tools.set_up import ROOT
from tools.simulator.http.server import RunningSimulator

PAGE = ROOT / "docs" / "cost.md"


def main() -> None:
    """Write both files."""
    os.environ |= {"AWS_DEFAULT_REGION": REGION, "POWERTOOLS_METRICS_NAMESPACE": "tests"}
    with RunningSimulator() as simulator, mock_aws():
        counts = counted(Xporter(simulator.url))
    COUNTS.write_text(json.dumps(counts, indent=1) + "\n")
    PAGE.write_text(card(Facts.read()), encoding="utf-8")


if __name__ == "__main__":
    main()
