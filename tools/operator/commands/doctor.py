"""`doctor`: whether a stack works, and what to do where it does not."""

from dataclasses import asdict
from pathlib import Path

import click
from rich.markup import escape

from .. import output
from ..checks import NOTHING, Check, examine
from ..company import check_company
from ..errors import Exit
from ..outlook import OUTLOOK, check_cost
from ..permissions import check_permissions
from ..settings import common_options
from .session import Session, open_session


@click.command()
@click.option("--cost", is_flag=True, help="Also what the month costs (a question is $0.01).")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Check your own samconfig.toml and datasets.toml, a file or their folder, and no stack.",
)
@common_options
@click.pass_context
def doctor(context: click.Context, cost: bool, config: Path | None) -> None:
    """Check a stack from end to end.

    Checks the configuration, your permissions, the API, this machine's clock, Xporter, the
    callbacks' URL, secrets, schedules, queues, dead letters, alarms, who is told of alarms,
    versions, the quota of Lambda, and whether the next night will end by 08:00. Nothing is
    changed, no secret is read, and what an emulator cannot answer is said.

    With --config, your own configuration is checked before it is deployed, with the lines that
    are wrong; this needs no AWS. docs/parameters.md describes the folder.

    Exit status: 0 if all is well, 1 if something is wrong.

    \b
    Examples:
      xporter-bridge doctor --config company
      xporter-bridge doctor --json | jq -r '.checks[] | select(.ok | not) | .name + ": " + .do'
    """
    session = open_session()
    found = _of_company(config) if config else _of_stack(session, with_cost=cost)
    rows = ((_mark(each), each.name, _text(each)) for each in found)
    session.show({"checks": [asdict(each) for each in found]}, output.table(("", "", ""), rows))
    if not all(each.ok for each in found):
        context.exit(Exit.FOUND)


def _of_company(path: Path) -> list[Check]:
    return list(check_company(path)) or [Check(str(path), True, "Every line is as it should be.")]


def _of_stack(session: Session, *, with_cost: bool) -> list[Check]:
    target, others = session.target, (*OUTLOOK, *([("cost", check_cost)] if with_cost else []))
    _ = target.description  # no check says more than that there is no such stack
    with output.progress("checks") as advance:
        found = [check_permissions(target)]
        for check in examine(target, session.api, *others):
            found.append(check)
            advance(1)
    return found


def _mark(check: Check) -> str:
    if check.skipped:
        return "-"
    return output.styled("ok") if check.ok else output.styled("wrong")


def _text(check: Check) -> str:
    do = "" if check.ok and check.do == NOTHING else f"\n→ {check.do}"
    return escape(check.says + do)
