"""``make fuzz``: invents input for the receivers and the parsers until the minutes are over.

The tests are those of ``make test``. There, each draws the same few examples every time; here, each
round draws many others. A failure ends the run, and pytest prints the smallest example and the
seed that lead to it.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence

from hypothesis import HealthCheck, settings

from tools.set_up import ROOT

FILES = (
    "tests/unit/test_hostile_answers.py",
    "tests/unit/test_hostile_documents.py",
    "tests/unit/test_exact_json.py",
    "tests/unit/xporter/test_retry_after.py",
    "tests/unit/callbacks/test_signed_urls.py",
    "tests/integration/test_hostile_callbacks.py",
)
_TIMES_AS_MANY = 20
_VARIABLE = "FUZZ"


def few_or_many(examples: int, *suppressed: HealthCheck) -> settings:
    """Return a test's settings: so many examples, always the same; in ``make fuzz``, others."""
    is_fuzz = bool(os.environ.get(_VARIABLE))
    return settings(
        max_examples=examples * _TIMES_AS_MANY if is_fuzz else examples,
        derandomize=not is_fuzz,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, *suppressed],
    )


def main(arguments: Sequence[str]) -> int:
    """Run rounds of the tests; return 0 if none failed."""
    minutes = float(arguments[0]) if arguments else 10.0
    began, number = time.monotonic(), 0
    while number == 0 or time.monotonic() - began < minutes * 60:
        number += 1
        seed = random.SystemRandom().randrange(2**32)
        command = [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", *FILES]
        ended = subprocess.run(
            [*command, f"--hypothesis-seed={seed}"],
            cwd=ROOT,
            env={**os.environ, _VARIABLE: "1"},
            capture_output=True,
            text=True,
        )
        passed = time.monotonic() - began
        _say(f"{passed:6.0f} s  round {number}, seed {seed}: {_result(ended)}")
        if ended.returncode:
            _say(ended.stdout)
            return 1
    return 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _result(ended: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in ended.stdout.splitlines() if " passed" in line or " failed" in line]
    return lines[-1].strip("= ") if lines else f"exit status {ended.returncode}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
