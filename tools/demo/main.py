"""The demo: starts a stack, runs the steps on it, and prints what was seen."""

import os
import signal
import sys
import time
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from tools.demo.context import Journey
from tools.demo.progress import Ended, run
from tools.demo.report import schools_table, steps_table
from tools.demo.steps import STEPS
from tools.demo.steps.request_data import AVAILABILITY_DEADLINE_SECONDS
from tools.local_page.picture import leave_dashboards
from tools.local_page.serve import local_page
from tools.stack.clock import Clock
from tools.stack.function_logs import INTERVAL_SECONDS
from tools.stack.local_stack import LocalStack
from tools.stack.processes import listen
from tools.stack.settings import StackSettings
from tools.stack.start import local_stack


def main() -> int:
    """Run the demo; return 0 only if every step was verified."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the stack ends with it
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `make demo &` ignores it
    clock, settings = Clock(), _settings()
    with (
        clock.ticking(),
        listen(settings.page_port) as listening,
        local_stack(settings, progress=clock.say) as stack,
        local_page(stack, listening) as page,
    ):
        ended = _show(stack, clock)
        clock.say("drawing the dashboards …")
        stack.trigger("schedule_registrations")  # counts the schools, by its schedule every hour
        time.sleep(2 * INTERVAL_SECONDS)  # until its metrics are copied to the log
        pictures = leave_dashboards(page, Path(stack.log_file).parent)
        clock.say(pictures)
        took_seconds = clock.seconds
        print(_verdict(ended, took_seconds, stack.log_file), flush=True)
        if os.environ.get("KEEP") == "1":
            _keep(page, clock)
        clock.doing = "stopping the stack"
    return 0 if all(each.is_verified for each in ended) else 1


def _show(stack: LocalStack, clock: Clock) -> list[Ended]:
    """Run the steps and print the tables."""
    with closing(Journey.on(stack)) as journey:
        ended = run(STEPS, journey, clock)
        print(f"\n{schools_table(journey)}\n\n{steps_table(ended)}\n", flush=True)
    return ended


def _verdict(ended: list[Ended], took_seconds: float, log_file: str) -> str:
    if failed := [each for each in ended if not each.is_verified]:
        return f"failed: {failed[0].name}. The log is\n{log_file}"
    return f"Every step was verified, in {took_seconds:.0f} s. The log is\n{log_file}"


def _keep(page: str, clock: Clock) -> None:
    """Leave the stack up until Ctrl-C, which is how this is meant to end."""
    clock.say(
        f"the stack stays up, with its page at {page} and the dashboards at {page}/dashboards"
    )
    with suppress(KeyboardInterrupt):
        clock.say("Ctrl-C ends it")
        clock.rest()
        while True:
            time.sleep(60)
    clock.say("stopping …")


def _settings() -> StackSettings:
    """Return the settings of `make help`, with the wait for an availability callback scaled."""
    deadline = {"AvailabilityDeadlineSeconds": str(AVAILABILITY_DEADLINE_SECONDS)}
    return replace(StackSettings.from_env(os.environ), parameters=deadline)
