"""The commands of `python -m tools.stack`: up, build STAGE [FOLDER], trigger FUNCTION."""

import argparse
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from tools.local_page.serve import local_page
from tools.stack.build import build_for_deployment
from tools.stack.clock import Clock
from tools.stack.local_stack import LocalStack
from tools.stack.processes import listen
from tools.stack.settings import StackSettings
from tools.stack.start import local_stack, say

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main() -> int:
    """Run one command."""
    commands = argparse.ArgumentParser(prog="python -m tools.stack", description=__doc__)
    commands.add_argument("command", choices=("up", "build", "trigger"))
    commands.add_argument(
        "name",
        nargs="?",
        default="",
        help="a stage of samconfig.toml, or a scheduled function: schedule_registrations",
    )
    commands.add_argument(
        "company", nargs="?", type=Path, help="the folder of a company's own configuration"
    )
    arguments = commands.parse_args()
    match arguments.command:
        case "up":
            up(StackSettings.from_env(os.environ))
        case "build":
            build_for_deployment(sys.stderr.buffer, arguments.name, arguments.company)
        case "trigger":
            directory = StackSettings.from_env(os.environ).directory
            print(LocalStack.attach(directory).trigger(arguments.name))
    return 0


def up(settings: StackSettings) -> None:
    """Run a stack until a signal arrives or the parent process ends."""
    parent = os.getppid()
    for number in STOPPING:
        signal.signal(number, _stop)
    clock = Clock()
    with (
        clock.ticking(),
        listen(settings.page_port) as listening,
        local_stack(settings, progress=clock.say) as stack,
        local_page(stack, listening) as page,
    ):
        print(stack.ready_line(), flush=True)
        clock.say(f"ready, with its page at {page} and the dashboards at {page}/dashboards")
        clock.say("Ctrl-C stops it")
        clock.rest()
        while os.getppid() == parent:
            time.sleep(1)


def _stop(_number: int, _frame: FrameType | None) -> None:
    """Stop everything; a second signal does not interrupt this."""
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
    say("stopping …")
    sys.exit(0)
