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
# Several row groups.
BIG_ENOUGH = 60_000


def pulled(rows: int, directory: Path, xporter: Xporter, formats: str) -> float:
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
            formats,
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
        timeout=540,
    )
    said = json.loads(done.stdout.splitlines()[-1])
    assert (said["rows"]["StudentExclusions"], said["sequence"]) == (rows, 2)
    assert ("StudentExclusions" in said["parquet"]) == ("parquet" in formats)
    return float(said["peak_kb"]) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_twenty_times_the_rows_take_at_most_a_third_more_memory(
    xporter: Xporter, tmp_path: Path
) -> None:
    small = pulled(SMALL, tmp_path / "small", xporter, "ndjson")
    big = pulled(BIG, tmp_path / "big", xporter, "ndjson")
    assert big <= 1.3 * small, f"{small:.0f} MB for {SMALL} rows, {big:.0f} MB for {BIG}"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_a_parquet_file_of_any_size_takes_a_few_row_groups_more(
    xporter: Xporter, tmp_path: Path
) -> None:
    without = pulled(BIG_ENOUGH, tmp_path / "ndjson", xporter, "ndjson")
    both = pulled(BIG_ENOUGH, tmp_path / "both", xporter, "ndjson+parquet")
    assert both <= without + 60, f"{without:.0f} MB as NDJSON, {both:.0f} MB with Parquet"
