"""The night of a whole fleet, simulated: what the design costs when everything comes at once.

Real, and called as the functions' handlers call them: ``pulls.plan.plan`` for every callback,
``ingestion.run.pull`` from one end to the other for every message (place, lease, session and
token, change set, staged page, comparison, commit, publication, outbox, back-off), the watchdog's
``enqueue_overdue`` every minute within its time, once for each shard, ``registrations.schedule``
every hour and ``registrations.register`` for its messages, over the real repositories, queue,
vault's seals and snapshot store.

Not real: AWS is the tests' dictionaries (``tests/support/fakes.py``), with virtual time for every
call; SQS delivers in order, Lambda starts at once and polls without end, DynamoDB never throttles
and its indices are never late. Xporter is ``nights/xporter.py``: each answer is one page, which
says "nothing new" or brings one row of twenty. The receiver is one message, there are no
operations, and the fleet begins as copies of one school that was pulled in earnest. An invocation
sees others' writes at most 0.1 s late. The figures assumed are in ``nights/parameters.py``.

*keys*: no callback comes; the signing key is rotated, every school's registrations are made anew.
Growth is the same scenario with other numbers of ``--schools``.

``.venv/bin/python benchmarks/night.py [--schools 2500] [--scenario all] [--places 0]``; the last
line of stdout is the result as JSON. Without ``--places`` it is a small model of a fleet of 25,000:
2,500 schools, a tenth, get a tenth of the template's 20 places, of the other consumers, and of the
watchdog's time, so that the night has the same hours. With it, everything is as deployed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "shared")]

from nights.parameters import FLEET, SCENARIOS, Night  # noqa: E402
from nights.results import figures, table  # noqa: E402
from nights.world import World  # noqa: E402


def main() -> None:
    """Let the nights pass, show a table, print the JSON."""
    given = _arguments()
    scenarios = SCENARIOS if given.scenario == "all" else (given.scenario,)
    found = []
    for scenario in scenarios:
        began = time.monotonic()
        world = World(Night(scenario, given.schools, given.places, given.seed), _say)
        world.run()
        seconds = round(time.monotonic() - began, 1)
        found.append({**figures(world), "took_seconds": seconds})
    _say(table(found))
    print(json.dumps({"benchmark": "night", "nights": found}))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--schools", type=int, default=2_500, help=f"up to {FLEET:,}")
    parser.add_argument("--scenario", choices=(*SCENARIOS, "all"), default="ordinary")
    parser.add_argument(
        "--places", type=int, default=0, help="pulls at a time; 0: a fleet's, in proportion"
    )
    parser.add_argument("--seed", type=int, default=11)
    given = parser.parse_args()
    if not 1 <= given.schools <= FLEET:
        parser.error(f"--schools is 1 to {FLEET}")
    return given


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
