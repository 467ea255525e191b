"""The benchmarks call handlers by name, where no type checker follows: here they are called."""

import json
import os
import subprocess
import sys

import pytest

from tests.support.template import ROOT

RECEIVERS = ("authentication", "availability", "database", "writeback")
CONTESTANTS = (
    "receiver_comparison.plain",
    "receiver_comparison.powertools_resolver",
    "receiver_comparison.fastapi_mangum",
)


def printed(*arguments: str) -> str:
    paths = (ROOT / "benchmarks", ROOT, ROOT / "layers" / "shared")
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.mark.parametrize("kind", RECEIVERS)
def test_the_benchmark_of_the_acknowledgement_calls_every_receiver(kind: str) -> None:
    found = json.loads(printed("receiver_comparison.one_receiver", f"receive_{kind}"))
    assert set(found) == {"first_call", "warm_p50", "warm_p99"}


@pytest.mark.parametrize("contestant", CONTESTANTS)
def test_a_log_line_and_a_metric_cost_little_beside_a_function_that_writes_neither(
    contestant: str,
) -> None:
    # Counted, as time differs from run to run; benchmarks/acknowledgement.py measures that.
    ours = int(printed("receiver_comparison.counted", "functions.receive_database.handler"))
    assert ours <= 1.06 * int(printed("receiver_comparison.counted", contestant))
