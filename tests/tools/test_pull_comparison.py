"""The pull's benchmark runs: its stand-ins know everything that the pull needs today."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.template import ROOT

ROWS = 2_500
PULLED_ONCE = f"""
from pull_comparison.arena import arena
from pull_comparison.results import found
from pull_comparison.scenarios import Scenario
import sys

with arena({ROWS} + 2) as ring:
    result = ring.run(sys.argv[1], Scenario(rows={ROWS}))
    print(result.is_done, len(list(found(sys.argv[1], result.folder))))
"""


@pytest.mark.parametrize("contestant", ["ours", "floor"])
def test_a_contestant_pulls_every_row(contestant: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PULLED_ONCE, contestant],
        cwd=ROOT / "benchmarks",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["True", str(ROWS)], done.stderr
