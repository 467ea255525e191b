"""`logs` and `tail`: events in order of time."""

import json
import re
import time
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import click
from rich.markup import escape

from .. import output
from ..log_lines import LogLine, Wanted, fetch, groups
from ..settings import common_options
from .session import ESTAB, Session, open_session

_LOOK_EVERY_SECONDS = 5.0
# A line can be read a moment after it is stamped, so each look begins a little before the last.
_LATE = timedelta(seconds=20)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_STYLES = {"WARNING": "yellow", "ERROR": "red"}


class Span(click.ParamType[timedelta]):
    """A time such as 30m, 12h, 7d."""

    name = "span"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Return the time; refuse what is none."""
        if isinstance(value, timedelta):
            return value
        found = re.fullmatch(r"(\d{1,4})([smhd])", str(value))
        if not found:
            self.fail(f"{value!r} is no time such as 30m, 12h or 7d", param, ctx)
        return timedelta(**{_UNITS[found[2]]: int(found[1])})


@click.command()
@click.argument("function", required=False)
@click.option("--event", metavar="NAME", help="Only this event, as pull_held.")
@click.option("--errors", is_flag=True, help="Only warnings and errors.")
@click.option(
    "--text",
    "texts",
    multiple=True,
    metavar="TEXT",
    help="Only lines with one of these texts, Lambda's own too.",
)
@click.option("--since", type=Span(), default="1h", show_default=True, metavar="SPAN")
@common_options
def logs(
    function: str | None, event: str | None, errors: bool, texts: tuple[str, ...], since: timedelta
) -> None:
    """Search what functions logged, all of them or FUNCTION alone.

    FUNCTION is a folder of functions/, as pull_dataset, or one of API Gateway's access logs:
    callbacks_access, company_access.

    Lines name schools, datasets, counts and reasons, never names, secrets or values. Needs
    logs:FilterLogEvents.

    \b
    Examples:
      xporter-bridge logs pull_dataset --event pull_held --since 1d
      xporter-bridge logs --text "Task timed out" --since 12h
    """
    session = open_session()
    where, now = groups(session.target, function), session.now
    with output.progress("logs", len(where)) as advance:
        wanted = Wanted(event=event, errors=errors, text=texts)
        found = fetch(session.target, where, now - since, now, wanted, advance)
    _show(session, found)


@click.command()
@click.argument("estab", type=ESTAB, required=False)
@click.option("--function", metavar="NAME", help="Only this function, as pull_dataset.")
@click.option("--since", type=Span(), default="10m", show_default=True, metavar="SPAN")
@click.option("--errors", is_flag=True, help="Only warnings and errors.")
@click.option("--for", "duration", type=Span(), metavar="SPAN", help="Stop after this time.")
@common_options
def tail(
    estab: str | None, function: str | None, since: timedelta, errors: bool, duration: Any
) -> None:
    """Follow what is logged, of one school or of all, until Ctrl-C.

    With --json, one document a line. Needs logs:FilterLogEvents.

    \b
    Examples:
      xporter-bridge tail 3281102
      xporter-bridge tail --function pull_dataset --errors
    """
    session = open_session()
    where = groups(session.target, function)
    end = time.monotonic() + duration.total_seconds() if duration is not None else None
    wanted = Wanted(estab=estab, errors=errors)
    begin, shown = session.now - since, set[str]()
    while True:
        now = session.now
        for line in fetch(session.target, where, begin, now, wanted):
            text = json.dumps(asdict(line), ensure_ascii=False)
            if text not in shown:
                shown.add(text)
                _print(line, text, is_json=session.is_json)
        if end is not None and time.monotonic() >= end:
            return
        shown = {text for text in shown if _is_recent(text, now)}
        begin = now - _LATE
        time.sleep(_LOOK_EVERY_SECONDS)


def _show(session: Session, found: list[LogLine]) -> None:
    document = [asdict(line) for line in found]
    if session.is_json or not found:
        session.show(document, "Nothing was logged.")
        return
    console = output.stdout()
    for line in found:
        console.print(drawn(line), soft_wrap=True)


def _is_recent(text: str, now: datetime) -> bool:
    at = datetime.fromisoformat(json.loads(text)["at"])
    return at > now - 2 * _LATE


def _print(line: LogLine, text: str, *, is_json: bool) -> None:
    if is_json:
        click.echo(text)
    else:
        output.stdout().print(drawn(line), soft_wrap=True)


def drawn(line: LogLine) -> str:
    """Return a line of a log as a person reads it."""
    facts = " ".join(f"{name}={_plain(value)}" for name, value in line.facts.items())
    event = escape(line.event)
    style = _STYLES.get(line.level, "bold")
    school = f" {line.estab}" if line.estab else ""
    return f"{line.at[:19].replace('T', ' ')}{school}  [{style}]{event}[/]  {escape(facts)}"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
