"""`schools`: the fleet as a list."""

from typing import Any

import click
from rich.markup import escape

from .. import output
from ..diagnosis import diagnose
from ..findings import Code, Facts
from ..settings import common_options
from .session import open_session


@click.command()
@click.option("--state", metavar="STATE", help="Only schools in this state, as live or paused.")
@click.option("--search", metavar="TEXT", help="Only numbers and names that hold this text.")
@click.option("--trouble", is_flag=True, help="Only schools with which something is wrong.")
@common_options
def schools(state: str | None, search: str | None, trouble: bool) -> None:
    """List schools with what is wrong with them, those in trouble first.

    Lost webhooks are seen by old data alone here; `explain` also looks at the callbacks.

    \b
    Examples:
      xporter-bridge schools --trouble
      xporter-bridge schools --state paused --json | jq -r '.[].estab'
    """
    session = open_session()
    found = []
    with output.progress("schools") as advance:
        for page in session.api.schools():
            shown = [
                school
                for school in page
                if state in (None, school["state"]) and _matches(school, search)
            ]
            findings = [diagnose(Facts(each["estab"], each, session.now)) for each in shown]
            found += [
                _summary(school, [finding.code for finding in each])
                for school, each in zip(shown, findings, strict=True)
            ]
            advance(len(page))
    if trouble:
        found = [each for each in found if each["codes"] != [Code.NONE]]
    found.sort(key=lambda each: (each["codes"] == [Code.NONE], each["estab"]))
    session.show(found, _table(found) if found else "There are none.")


def _matches(school: dict[str, Any], search: str | None) -> bool:
    text = f"{school['estab']} {school['name'] or ''}".casefold()
    return not search or search.casefold() in text


def _summary(school: dict[str, Any], codes: list[Code]) -> dict[str, Any]:
    return {
        "estab": school["estab"],
        "name": school["name"],
        "state": school["state"],
        "codes": [str(code) for code in codes],
        "as_of": min((each["as_of"] or "" for each in school["freshness"]), default="") or None,
        "checked_at": min((each["checked_at"] or "" for each in school["freshness"]), default="")
        or None,
    }


def _table(found: list[dict[str, Any]]) -> Any:
    return output.table(
        ("school", "name", "state", "data of", "what is wrong"),
        (
            (
                each["estab"],
                escape(each["name"] or ""),
                output.styled(each["state"]),
                output.moment(each["as_of"]),
                "" if each["codes"] == [Code.NONE] else ", ".join(each["codes"]),
            )
            for each in found
        ),
    )
