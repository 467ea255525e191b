"""`schools`: the fleet as a list."""

from typing import Any

import click
from rich.markup import escape

from .. import output
from ..diagnosis import diagnose
from ..findings import Code, Facts
from ..settings import common_options
from .session import open_session


@click.command(short_help="List schools and what is wrong with them, the worst first.")
@click.option("--state", metavar="STATE", help="Only schools in this state, as live or paused.")
@click.option("--search", metavar="TEXT", help="Only numbers and names that hold this text.")
@click.option("--trouble", is_flag=True, help="Only schools that need a person, worst first.")
@common_options
def schools(state: str | None, search: str | None, trouble: bool) -> None:
    """List schools with what is wrong with them, those in trouble first.

    The API filters, so --trouble, --state and a number are quick in a fleet of any size; --search
    by a part of a name reads every school. Lost webhooks are seen by old data alone here;
    `explain` also looks at the callbacks.

    \b
    Examples:
      xporter-bridge schools --trouble
      xporter-bridge schools --state paused --json | jq -r '.[].estab'
    """
    session = open_session()
    asked = {"state": state, "q": search, "troubled": "true" if trouble else None}
    found = []
    with output.progress("schools") as advance:
        for page in session.api.schools(**{name: each for name, each in asked.items() if each}):
            findings = [diagnose(Facts(each["estab"], each, session.now)) for each in page]
            found += [
                _summary(school, [finding.code for finding in each])
                for school, each in zip(page, findings, strict=True)
            ]
            advance(len(page))
    if not trouble:  # The API has put the worst first.
        found.sort(key=lambda each: (each["codes"] == [Code.NONE], each["estab"]))
    session.show(found, _table(found) if found else "There are none.")


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
