"""Simulates the night of a whole fleet, with callbacks of all schools at the same time.

The following parts are real, and are called as the handlers call them: ``pulls.plan.plan`` for
every callback; ``ingestion.pull_school.pull`` for every message (slot, lease, session and token,
change set, staged page, comparison, commit, publication, outbox, back-off); the watchdog's
``enqueue_overdue`` every minute within its time, once for each shard; ``registrations.schedule``
every hour and ``registrations.register`` for its messages. They use the real repositories, queue,
encryption and snapshot store.

The following parts are simulated. AWS is the dictionaries of the tests (``tests/support/fakes.py``)
with virtual time for every call: SQS delivers in order, Lambda starts at once and polls without
pause, DynamoDB never throttles, and its indices are never late. Xporter is ``nights/xporter.py``:
each response is one page without changes or with one changed row of twenty. A receiver sends one
message, each school has one operation that is overdue (``nights/operations.py``), and the fleet
begins as copies of one school with real data. An invocation sees the writes of others at most
0.1 s late. ``nights/parameters.py`` has the assumptions.

*deploy*: a new version takes over ten minutes after three; each of its environments starts cold.
*keys*: no callback comes; the signing key is rotated, every school's registrations are made anew.
*onboarding*: no school is known; all authorise us within ten minutes, and are pulled for the first
time, 20 rows a table.
Growth is the same scenario with other numbers of ``--schools``.

Run ``.venv/bin/python benchmarks/night.py [--schools 2500] [--scenario all] [--places 0]
[--plots docs/night]``; the last line of stdout is the result as JSON, and ``--plots`` draws each
night as an SVG. Without ``--places``, it is a small model of a fleet of
25,000: 2,500 schools get a tenth of the template's 20 concurrent pulls, of the other consumers, and
of the watchdog's time, so that the night has the same hours. With ``--places``, the consumers and
the watchdog's time are as deployed.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "shared")]

from nights.parameters import FLEET, SCENARIOS, Night  # noqa: E402
from nights.plot import svg  # noqa: E402
from nights.results import figures, table  # noqa: E402
from nights.world import World  # noqa: E402


def main() -> None:
    """Simulate the nights, print a table and the JSON."""
    given = _arguments()
    # What lives is the fleet: to search it for garbage again and again took a fifth of the time.
    gc.disable()
    scenarios = SCENARIOS if given.scenario == "all" else (given.scenario,)
    found = []
    for scenario in scenarios:
        began = time.monotonic()
        world = World(Night(scenario, given.schools, given.places, given.seed), _say)
        world.run()
        seconds = round(time.monotonic() - began, 1)
        if given.plots:
            _draw(given.plots, world)
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
    parser.add_argument("--plots", type=Path, help="a folder for an SVG of each night")
    given = parser.parse_args()
    if not 1 <= given.schools <= FLEET:
        parser.error(f"--schools is 1 to {FLEET}")
    return given


def _draw(folder: Path, world: World) -> None:
    night = world.night
    title = (
        f"{night.scenario}: {night.schools:,} schools, {night.pulls_at_a_time} pulls at a time, "
        f"seed {night.seed}"
    )
    folder.mkdir(parents=True, exist_ok=True)
    drawn = svg(title, world.samples.taken)
    (folder / f"{night.scenario}.svg").write_text(drawn, encoding="utf-8")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
