"""How long a receiver takes to acknowledge a callback, warm and cold, and what that time goes to.

Every function of ``functions/`` is imported in fresh processes (bytecode cached, the start of the
interpreter subtracted); the receivers are also called. ``.venv/bin/python
benchmarks/acknowledgement.py``; the last line of stdout is JSON, in milliseconds.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 5
_LINE = re.compile(r"import time:\s*(\d+) \|\s*\d+ \|\s*([\w.]+)")
_OURS = {"xporter_bridge", "functions"}
_NAMED = ("botocore", "boto3", "s3transfer", "pydantic", "pydantic_core", "cryptography")
_NAMED += ("aws_lambda_powertools", "urllib3", "orjson", "isal")


def main() -> None:
    """Measure every function, show a table, print the JSON."""
    functions = sorted(path.parent.name for path in ROOT.glob("functions/*/handler.py"))
    bare = _best_ms("pass")
    found = {}
    for name in functions:
        figures: dict[str, object] = {
            "import": round(_best_ms(f"import functions.{name}.handler") - bare, 1),
            "spent_on": _spent_on(name),
        }
        if name.startswith("receive_"):
            figures |= _called(name)
        found[name] = figures
        print(f"{name:26}{_told(figures)}", file=sys.stderr, flush=True)
    print(json.dumps({"benchmark": "acknowledgement", "interpreter": round(bare, 1), **found}))


def _best_ms(statement: str) -> float:
    """Return the wall time of the quickest of some fresh interpreters."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        _python("-c", statement)
        times.append((time.perf_counter() - began) * 1000)
    return min(times)


def _spent_on(name: str) -> dict[str, float]:
    """Return where the time of the imports goes, by package; the small ones are left out."""
    said = _python("-X", "importtime", "-c", f"import functions.{name}.handler").stderr
    spent: Counter[str] = Counter()
    for self_us, module in _LINE.findall(said):
        package = module.partition(".")[0]
        owner = "ours" if package in _OURS else package if package in _NAMED else "the rest"
        spent[owner] += int(self_us)
    return {owner: round(us / 1000, 1) for owner, us in spent.most_common() if us > 1000}


def _called(name: str) -> dict[str, float]:
    """Return the times of the first call and of the later ones: the best of the rounds."""
    rounds = [
        json.loads(_python("-m", "acknowledging.one_receiver", name).stdout) for _ in range(ROUNDS)
    ]
    return {figure: round(min(r[figure] for r in rounds), 2) for figure in rounds[0]}


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(map(str, (ROOT / "benchmarks", ROOT, ROOT / "layers" / "shared")))
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )


def _told(figures: dict[str, object]) -> str:
    calls = "".join(
        f"  {name.replace('_', ' ')} {figures[name]:.2f}"
        for name in ("first_call", "warm_p50", "warm_p99")
        if name in figures
    )
    return f"import {figures['import']:>6} ms{calls}   {figures['spent_on']}"


if __name__ == "__main__":
    main()
