"""The benchmarks call handlers by name, where no type checker follows: here they are called."""

import json
import os
import subprocess
import sys

import pytest

from tests.support.template import ROOT

RECEIVERS = ("authentication", "availability", "database", "writeback")


@pytest.mark.parametrize("kind", RECEIVERS)
def test_the_benchmark_of_the_acknowledgement_calls_every_receiver(kind: str) -> None:
    paths = (ROOT / "benchmarks", ROOT, ROOT / "layers" / "shared")
    ended = subprocess.run(
        [sys.executable, "-m", "acknowledging.one_receiver", f"receive_{kind}"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))},
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(json.loads(ended.stdout)) == {"first_call", "warm_p50", "warm_p99"}
