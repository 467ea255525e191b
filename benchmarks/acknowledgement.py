"""Measures the time in which a receiver acknowledges a callback, warm and cold, and its parts.

Every function is imported in fresh processes from the artifact of `sam build`: as shipped, without
bytecode, and with bytecode written by Python itself. The receivers are also called, and one of them
is compared with alternatives. Run ``.venv/bin/python benchmarks/acknowledgement.py``. The last line
of stdout is JSON in milliseconds of processor time; calls of the receivers are in wall-clock time.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from receiver_comparison.shipped import FORMS, forms, import_ms, python  # noqa: E402
from receiver_comparison.side_by_side import compared  # noqa: E402

ROUNDS = 7
_LINE = re.compile(r"import time:\s*(\d+) \|\s*\d+ \|\s*([\w.]+)")
_OURS = {"xporter_bridge", "functions"}
_NAMED = ("botocore", "boto3", "s3transfer", "pydantic", "pydantic_core", "cryptography")
_NAMED += ("aws_lambda_powertools", "urllib3", "orjson", "isal")


def main() -> None:
    """Measure every function, print a table and the JSON."""
    functions = sorted(path.parent.name for path in ROOT.glob("functions/*/handler.py"))
    with forms() as builds:
        found = {}
        for name in functions:
            figures = _imported(builds, name)
            figures["spent_on"] = _spent_on(builds["shipped"], name)
            if name.startswith("receive_"):
                figures |= _called(builds["shipped"], name)
            found[name] = figures
            print(f"{name:26}{_told(figures)}", file=sys.stderr, flush=True)
    beside = compared(_environment())
    print(f"warm, microseconds of processor time: {beside}", file=sys.stderr, flush=True)
    print(json.dumps({"benchmark": "acknowledgement", **found, "side_by_side": beside}))


def _imported(builds: Mapping[str, Path], name: str) -> dict[str, object]:
    """Return the median time of each form, and the ratio of shipped to cached."""
    times: dict[str, list[float]] = {form: [] for form in FORMS}
    for _ in range(ROUNDS):
        for form in FORMS:
            times[form].append(import_ms(builds[form], name))
    medians = {form: median(each) for form, each in times.items()}
    rounded = {f"import_{form}": round(ms, 1) for form, ms in medians.items()}
    return {**rounded, "ratio": round(medians["shipped"] / medians["cached"], 3)}


def _spent_on(build: Path, name: str) -> dict[str, float]:
    """Return the time of the imports by package, without small packages."""
    said = python(build, name, "-X", "importtime", "-c", f"import functions.{name}.handler").stderr
    spent: Counter[str] = Counter()
    for self_us, module in _LINE.findall(said):
        package = module.partition(".")[0]
        owner = "ours" if package in _OURS else package if package in _NAMED else "the rest"
        spent[owner] += int(self_us)
    return {owner: round(us / 1000, 1) for owner, us in spent.most_common() if us > 1000}


def _called(build: Path, name: str) -> dict[str, float]:
    """Return the best times of the first call and of later calls."""
    rounds = [
        json.loads(python(build, name, "-m", "receiver_comparison.one_receiver", name).stdout)
        for _ in range(ROUNDS)
    ]
    return {figure: round(min(r[figure] for r in rounds), 2) for figure in rounds[0]}


def _environment() -> dict[str, str]:
    path = os.pathsep.join(map(str, (ROOT / "benchmarks", ROOT, ROOT / "layers" / "shared")))
    return {**os.environ, "PYTHONPATH": path}


def _told(figures: Mapping[str, object]) -> str:
    calls = "".join(
        f"  {name.replace('_', ' ')} {figures[name]:.2f}"
        for name in ("first_call", "warm_p50", "warm_p99")
        if name in figures
    )
    imports = " ".join(f"{form} {figures[f'import_{form}']:>6}" for form in FORMS)
    return f"{imports} ms, ratio {figures['ratio']}{calls}   {figures['spent_on']}"


if __name__ == "__main__":
    main()
