"""`make storm`, `make soak` and `make chaos`: a local stack under load, then the proof.

The last line of stdout is one JSON object. Exit status: 0 if every school equals the truth, no
message is a dead letter and, for the soak, resources are constant; else 1.
"""

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import closing
from typing import Any

from tools.demo.context import Journey
from tools.demo.errors import StepFailedError
from tools.load.chaos import chaos
from tools.load.soak import soak
from tools.load.storm import storm
from tools.stack.clock import Clock
from tools.stack.errors import StackError
from tools.stack.settings import StackSettings
from tools.stack.start import local_stack

# A message whose function was killed comes back after its queue's visibility timeout, and a pull
# after its lease has ended and the watchdog has looked.
_WAIT_SECONDS = 900


def main() -> int:
    """Run one kind of load on a stack of its own."""
    given = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the stack ends with it
    os.environ.setdefault("WAIT_SECONDS", str(_WAIT_SECONDS))
    clock = Clock()
    run = _run_of(given)
    try:
        with (
            local_stack(StackSettings.from_env(os.environ), progress=clock.say) as stack,
            closing(Journey.on(stack)) as journey,
            clock.ticking(),
        ):
            found = run(journey, clock.say)
    except (StackError, StepFailedError) as error:
        clock.say(f"error: {error}")
        return 1
    print(json.dumps({**found, "took_seconds": round(clock.seconds)}), flush=True)
    is_good = found["dead_letters"] == 0 and found.get("is_constant", True)
    return 0 if is_good else 1


def _run_of(given: argparse.Namespace) -> Callable[[Journey, Callable[[str], None]], Any]:
    if given.kind == "storm":
        return lambda journey, say: storm(
            journey, say, schools=given.schools, duplicates=given.duplicates
        )
    kind = {"soak": soak, "chaos": chaos}[given.kind]
    return lambda journey, say: kind(journey, say, minutes=given.minutes)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.load", description="Load a local stack.")
    parser.add_argument("kind", choices=("storm", "soak", "chaos"))
    parser.add_argument("--minutes", type=float, default=10, help="of the soak or the chaos")
    parser.add_argument("--schools", type=int, default=200, help="of the storm")
    parser.add_argument("--duplicates", type=int, default=30, help="calls of each webhook")
    given = parser.parse_args()
    if given.minutes <= 0 or given.schools < 1 or given.duplicates < 1:
        parser.error("numbers are positive")
    return given


if __name__ == "__main__":
    sys.exit(main())
