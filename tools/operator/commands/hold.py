"""`hold`: mass changes that wait for a person."""

from collections.abc import Iterator
from typing import Any

import click
from rich.markup import escape

from .. import output
from ..settings import common_options
from .session import open_session


@click.group()
@common_options
def hold() -> None:
    """List, show and decide on held changes.

    A change set that would delete or update an unlikely share of a table is held, while readers
    keep the data of before. Undecided, it is dropped after a week.
    """


@hold.command("list")
@common_options
def list_holds() -> None:
    """List every hold of every school.

    \b
    Example:
      xporter-bridge hold list --json | jq -r '.[] | [.estab, .dataset] | @tsv'
    """
    session = open_session()
    with output.progress("schools") as advance:
        found = []
        for page in session.api.schools():
            found += [each for school in page for each in holds_of(school)]
            advance(len(page))
    if not found and not session.is_json:
        session.show(found, "Nothing is held.")
        return
    session.show(found, _table(found))


def holds_of(school: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the holds of a school as the API shows it."""
    for each in school["datasets"]:
        if each["hold"]:
            yield {"estab": school["estab"], "dataset": each["dataset"], **each["hold"]}


def _table(found: list[dict[str, Any]]) -> Any:
    return output.table(
        ("school", "dataset", "since", "dropped at", "why"),
        (
            (
                each["estab"],
                each["dataset"],
                each["since"][:16].replace("T", " "),
                each["expires_at"][:10],
                escape("; ".join(each["reasons"])),
            )
            for each in found
        ),
    )
