"""`replay`: the effect of database callbacks, once more."""

from collections.abc import Iterable, Iterator
from typing import Any

import click

from .. import output
from ..errors import OperatorError
from ..findings import PULLED
from ..queues import send_all
from ..settings import common_options
from .session import ESTAB, Session, iso, open_session, yes_option

_KINDS = ("database", "authentication", "availability", "writeback")
# Why a callback of the other kinds cannot come again, and what to do instead.
_NOT_STORED = {
    "authentication": "authentication callbacks are not kept, as each holds the school's secret",
    "availability": "availability callbacks are not kept",
    "writeback": "outcome callbacks are not kept",
}
_INSTEAD = {
    "authentication": (
        "let the school or Xporter's support send it again, or `xporter-bridge redrive "
        "Authentication` if it is a dead letter"
    ),
    "availability": (
        "wait, as the request ends by itself at its deadline, or `xporter-bridge redrive "
        "Availability` if it is a dead letter"
    ),
    "writeback": (
        "wait, as the mark is read back from the MIS at its deadline, or `xporter-bridge redrive "
        "Outcome` if it is a dead letter"
    ),
}


@click.command(short_help="Do what database callbacks would do; first say what that is.")
@click.argument("estabs", type=ESTAB, nargs=-1)
@click.option("--kind", type=click.Choice(_KINDS), default="database", show_default=True)
@click.option("--database", metavar="NAME", help="Only this database, as XodSchoolData.")
@click.option("--dry-run", is_flag=True, help="Only list what would be replayed.")
@yes_option
@common_options
def replay(
    estabs: tuple[str, ...], kind: str, database: str | None, dry_run: bool, yes: bool
) -> None:
    """Do what database callbacks of ESTABS would do, as if they came now.

    Without ESTABS, of every school that is connected. Every dataset of the database is pulled that
    was not pulled since; a replay is not taken for a repetition of the callback before it.

    Callbacks themselves are not stored, so neither their number nor their time can be replayed, and
    callbacks of the other kinds not at all: --kind says what to do instead.

    \b
    Examples:
      xporter-bridge replay --dry-run
      xporter-bridge replay 3281102 --database XodSchoolData --dry-run --json
    """
    if kind in _NOT_STORED:
        raise OperatorError(_NOT_STORED[kind], _INSTEAD[kind])
    session = open_session()
    found = [*_databases(_schools(session, estabs), database)]
    session.show(found, _table(found) if found else "No connected school has such a database.")
    if dry_run or not found:
        return
    session.confirm(f"Replay {len(found)} callbacks?", is_sure=yes)
    messages = (
        {"estab": each["estab"], "database": each["database"], "received_at": iso(session.now)}
        for each in found
    )
    with output.progress("callbacks", len(found)) as advance:
        sent = send_all(
            session.target, session.target.physical_id("DatabaseQueue"), messages, advance
        )
    session.say(f"Replayed {sent} callbacks; `xporter-bridge status` shows the datasets.")


def _schools(session: Session, estabs: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    with output.progress("schools", len(estabs) or None) as advance:
        if estabs:
            for estab in dict.fromkeys(estabs):
                yield session.api.get(f"/v1/schools/{estab}")
                advance(1)
            return
        for page in session.api.schools():
            yield from page
            advance(len(page))


def _databases(schools: Iterable[dict[str, Any]], database: str | None) -> Iterator[dict[str, Any]]:
    for school in schools:
        if school["state"] not in PULLED or school["erasure_requested_at"]:
            continue
        for each in school["freshness"]:
            name = each["database"]
            if database and database.casefold() != name.casefold():
                continue
            yield {
                "kind": "database",
                "estab": school["estab"],
                "database": name,
                "datasets": [d["dataset"] for d in school["datasets"] if d["database"] == name],
                "checked_at": each["checked_at"],
            }


def _table(found: list[dict[str, Any]]) -> Any:
    return output.table(
        ("school", "database", "datasets", "checked at"),
        (
            (
                each["estab"],
                each["database"],
                str(len(each["datasets"])),
                output.moment(each["checked_at"]) or "never",
            )
            for each in found
        ),
    )
