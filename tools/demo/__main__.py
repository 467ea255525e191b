"""`make demo`: starts a stack, runs the steps on it, and prints what was seen."""

import os
import signal
import sys
from contextlib import closing
from dataclasses import replace

from tools.demo.context import Journey
from tools.demo.progress import Clock, run
from tools.demo.report import schools_table, steps_table
from tools.demo.steps import STEPS
from tools.demo.steps.request_data import AVAILABILITY_DEADLINE_SECONDS
from tools.stack.errors import StackError
from tools.stack.settings import StackSettings
from tools.stack.start import local_stack


def main() -> int:
    """Run the demo; return 0 only if every step was verified."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the stack ends with it
    clock = Clock()
    try:
        with (
            local_stack(_settings(), progress=clock.say) as stack,
            closing(Journey.on(stack)) as journey,
        ):
            ended = run(STEPS, journey, clock)
            print(f"\n{schools_table(journey)}\n\n{steps_table(ended)}\n", flush=True)
    except StackError as error:
        clock.say(f"error: {error}")
        return 1
    if failed := [each for each in ended if not each.is_verified]:
        print(f"failed: {failed[0].name}. The log is {stack.log_file}", flush=True)
        return 1
    print(f"Every step was verified, in {clock.seconds:.0f} s. The log is {stack.log_file}")
    return 0


def _settings() -> StackSettings:
    """Return the settings of `make help`, with the wait for an availability callback scaled."""
    deadline = {"AvailabilityDeadlineSeconds": str(AVAILABILITY_DEADLINE_SECONDS)}
    return replace(StackSettings.from_env(os.environ), parameters=deadline)


if __name__ == "__main__":
    sys.exit(main())
