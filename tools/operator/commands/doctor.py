"""`doctor`: whether a stack works, and what to do where it does not."""

from dataclasses import asdict

import click
from rich.markup import escape

from .. import output
from ..checks import Check, examine
from ..errors import Exit
from ..outlook import OUTLOOK, check_cost
from ..permissions import check_permissions
from ..settings import common_options
from .session import open_session


@click.command()
@click.option("--cost", is_flag=True, help="Also what the month costs (a question is $0.01).")
@common_options
@click.pass_context
def doctor(context: click.Context, cost: bool) -> None:
    """Check a stack from end to end.

    Checks the configuration, your permissions, the API, this machine's clock, Xporter, the
    callbacks' URL, secrets, schedules, queues, dead letters, alarms, who is told of alarms,
    versions, the quota of Lambda, and whether the next night will end by 08:00. Nothing is
    changed, no secret is read, and what an emulator cannot answer is said.

    Exit status: 0 if all is well, 1 if something is wrong.

    \b
    Example:
      xporter-bridge doctor --json | jq -r '.checks[] | select(.ok | not) | .name + ": " + .do'
    """
    session = open_session()
    target, api = session.target, session.api
    found: list[Check] = []
    _ = target.description  # no check says more than that there is no such stack
    with output.progress("checks") as advance:
        found.append(check_permissions(target))
        for check in examine(target, api, *OUTLOOK, *([("cost", check_cost)] if cost else [])):
            found.append(check)
            advance(1)
    rows = ((_mark(each), each.name, _text(each)) for each in found)
    session.show({"checks": [asdict(each) for each in found]}, output.table(("", "", ""), rows))
    if not all(each.ok for each in found):
        context.exit(Exit.FOUND)


def _mark(check: Check) -> str:
    if check.skipped:
        return "-"
    return output.styled("ok") if check.ok else output.styled("wrong")


def _text(check: Check) -> str:
    do = "" if check.ok else f"\n→ {check.do}"
    return escape(check.says + do)
