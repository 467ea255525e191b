"""`probe`: the first meeting with a real Xporter."""

import sys
from collections import Counter
from dataclasses import asdict
from typing import Any

import click
from rich.markup import escape

from .. import output
from ..assumptions import Judged, Verdict, judge
from ..errors import Exit, WrongUseError
from ..settings import common_options
from ..sightings import Sightings, look, shapes
from ..xporter_calls import Xporter
from .session import ESTAB, Session, iso, open_session

_STYLES = {Verdict.CONFIRMED: "green", Verdict.CONTRADICTED: "red", Verdict.NOT_SEEN: "dim"}


@click.command()
@click.option("--estab", type=ESTAB, required=True, help="The school, which has authorised you.")
@click.option(
    "--xporter-url",
    metavar="URL",
    envvar="XPORTER_URL",
    show_envvar=True,
    help="Xporter's host, with https.",
)
@click.option(
    "--relying-party",
    metavar="ID",
    envvar="RELYING_PARTY",
    show_envvar=True,
    help="Your application's id at Xporter.",
)
@click.option(
    "--secret",
    envvar="XPORTER_SECRET",
    show_envvar=True,
    help="The school's secret; asked for if not given. Other users of this machine see options.",
)
@common_options
@click.pass_context
def probe(
    context: click.Context,
    estab: str,
    xporter_url: str | None,
    relying_party: str | None,
    secret: str | None,
) -> None:
    """Hold what is assumed of Xporter against a real account.

    Asks about a dozen questions that change nothing, and says of each numbered assumption of
    docs/xporter-api.md: confirmed, contradicted, or not seen. Needs no stack and no AWS.

    The report has names of tables, columns and headers, types, and counts; no value of any row,
    no secret and no token. `--json` prints all of it, the shapes of the tables included.

    Exit status: 0 if nothing is contradicted, else 1.

    \b
    Examples, with XPORTER_URL and RELYING_PARTY set:
      xporter-bridge probe --estab 3281102
      xporter-bridge probe --estab 3281102 --json > probe.json
    """
    session = open_session()
    if not xporter_url or not relying_party:
        raise WrongUseError(
            "Xporter or your application is not named",
            "give --xporter-url and --relying-party; `xporter-bridge probe --help` says how",
        )
    xporter = Xporter(xporter_url, estab)
    token = xporter.take_token(relying_party, secret or _asked())
    found = look(xporter, estab, token)
    judged = judge(found, session.now)
    session.show(_report(session, xporter_url, found, judged), *_drawn(judged))
    if any(each.verdict is Verdict.CONTRADICTED for each in judged):
        context.exit(Exit.FOUND)


def _asked() -> str:
    if not sys.stdin.isatty():
        raise WrongUseError("no secret is given, and nobody can answer", "set XPORTER_SECRET")
    return str(click.prompt("The school's secret", hide_input=True, err=True))


def _report(
    session: Session, xporter_url: str, found: Sightings, judged: list[Judged]
) -> dict[str, Any]:
    headers = frozenset().union(*(seen.headers for seen in found.data))
    return {
        "at": iso(session.now),
        "estab": found.estab,
        "xporter_url": xporter_url,
        "resource": found.resource,
        "assumptions": [asdict(each) for each in judged],
        "shapes": shapes(found),
        "headers": sorted(headers),
    }


def _drawn(judged: list[Judged]) -> list[Any]:
    counts = Counter(each.verdict for each in judged)
    said = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict)
    rows = (
        (
            each.number,
            f"[{_STYLES[each.verdict]}]{each.verdict}[/]",
            escape(f"{each.title}. {each.says}"),
        )
        for each in judged
    )
    return [output.table(("", "", ""), rows), "", f"{said}; docs/xporter-api.md has the numbers."]
