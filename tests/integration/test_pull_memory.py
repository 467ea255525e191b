"""A table of any size is pulled in the same memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.template import ROOT
from tests.support.xporter import Xporter

SMALL, BIG = 10_000, 200_000


def pulled(rows: int, directory: Path, xporter: Xporter) -> float:
    """Pull so many rows, and then what changed, in a process of its own; return its peak in MB."""
    directory.mkdir()
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.support.pull_once",
            str(rows),
            str(directory),
            xporter.url,
        ],
        cwd=ROOT,
        env={
            "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/shared'}",
            "POWERTOOLS_LOG_LEVEL": "ERROR",
            "POWERTOOLS_METRICS_NAMESPACE": "tests",
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    said = json.loads(done.stdout.splitlines()[-1])
    assert (said["rows"]["StudentExclusions"], said["sequence"]) == (rows, 2)
    return float(said["peak_kb"]) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_twenty_times_the_rows_take_at_most_a_third_more_memory(
    xporter: Xporter, tmp_path: Path
) -> None:
    small = pulled(SMALL, tmp_path / "small", xporter)
    big = pulled(BIG, tmp_path / "big", xporter)
    assert big <= 1.3 * small, f"{small:.0f} MB for {SMALL} rows, {big:.0f} MB for {BIG}"
