"""`history`: what happened at a school, in order."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

import click
from rich.markup import escape

from .. import output
from ..log_lines import LogLine, Wanted, fetch, groups
from ..remembered import Entry, entries
from ..settings import common_options
from .logs import Span, drawn
from .session import ESTAB, Session, iso, open_session


@click.command()
@click.argument("estab", type=ESTAB)
@click.option("--since", type=Span(), default="7d", show_default=True, metavar="SPAN")
@click.option("--errors", is_flag=True, help="Only what went wrong.")
@click.option("--logs", is_flag=True, help="Also what every function logged; takes longer.")
@common_options
def history(estab: str, since: timedelta, errors: bool, logs: bool) -> None:
    """Say what happened at a school, in order.

    Shows its changes of state, the callbacks that announced data, and how pulls ended, as the
    product remembers them: up to 20 of a dataset, for 30 days. Attempts in a row that ended alike
    are one line. --logs adds the lines of the logs, which are kept for LogRetentionDays (30) and
    need logs:FilterLogEvents.

    \b
    Examples:
      xporter-bridge history 3281102
      xporter-bridge history 3281102 --since 12h --logs
      xporter-bridge history 3281102 --errors --json
    """
    session = open_session()
    begin = session.now - since
    known = [
        each
        for each in entries(session.api.get(f"/v1/schools/{estab}/history"))
        if each.at >= iso(begin) and (each.is_bad or not errors)
    ]
    lines = _logged(session, estab, since, errors=errors) if logs else []
    found: list[Entry | LogLine] = sorted([*known, *lines], key=lambda each: each.at)
    if session.is_json or not found:
        session.show([_document(each) for each in found], "Nothing is remembered of this time.")
        return
    console = output.stdout()
    for each in found:
        console.print(_line(each), soft_wrap=True)


def _logged(session: Session, estab: str, since: timedelta, *, errors: bool) -> list[LogLine]:
    where, now = groups(session.target), session.now
    with output.progress("logs", len(where)) as advance:
        wanted = Wanted(estab=estab, errors=errors)
        return fetch(session.target, where, now - since, now, wanted, advance)


def _document(each: Entry | LogLine) -> dict[str, Any]:
    return asdict(each) if isinstance(each, Entry) else {**asdict(each), "kind": "log"}


def _line(each: Entry | LogLine) -> str:
    if isinstance(each, LogLine):
        return drawn(each)
    style = "yellow" if each.is_bad else "bold"
    what = f"[{style}]{each.kind} {escape(each.what)}[/]"
    return f"{each.at[:19].replace('T', ' ')}  {what}  {escape(each.says)}"
