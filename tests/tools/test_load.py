"""What a soak says of resources, and what the command line refuses."""

import subprocess
import sys

import pytest

from tools.load.resources import Sample
from tools.load.soak import _growth
from tools.set_up import ROOT


def sampled(second: int, megabytes: float) -> Sample:
    return Sample(second, 4, megabytes, 10, 2, 50, 0)


def test_memory_that_grows_is_seen_and_the_first_quarter_does_not_count() -> None:
    steady = [sampled(n, 30 if n < 2 else 60) for n in range(8)]
    assert _growth(steady)["megabytes"] == 1
    growing = [sampled(n, 60 + 5 * n) for n in range(8)]
    assert _growth(growing)["megabytes"] > 1.15
    assert _growth(growing)["files"] == 1


def test_too_few_samples_prove_nothing() -> None:
    assert _growth([sampled(0, 60)]) == {}


@pytest.mark.parametrize(
    "wrong", [["flood"], ["soak", "--minutes", "0"], ["storm", "--schools", "x"]]
)
def test_bad_arguments_are_refused_before_anything_starts(wrong: list[str]) -> None:
    command = [sys.executable, "-m", "tools.load", *wrong]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert "error" in ended.stderr
    assert "Traceback" not in ended.stderr
