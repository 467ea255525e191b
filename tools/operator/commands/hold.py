"""`hold`: mass changes that wait for a person."""

from collections.abc import Iterator
from typing import Any

import click
from rich.markup import escape

from .. import output
from ..errors import NotAllowedError, OperatorError
from ..held_changes import HeldChange
from ..settings import common_options
from .session import ESTAB, Session, open_session, yes_option


@click.group()
@common_options
def hold() -> None:
    """List, show and decide on held changes.

    A change set that would delete or update an unlikely share of a table is held, while readers
    keep the data of before. Undecided, it is pulled anew after a week and held again.
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
            found += [each for school in page for each in _holds_of(school)]
            advance(len(page))
    session.show(found, _table(found) if found else "Nothing is held.")


@hold.command()
@click.argument("estab", type=ESTAB)
@click.argument("datasets", nargs=-1)
@click.option("--ids", is_flag=True, help="Also the ids of the rows that would go.")
@common_options
def show(estab: str, datasets: tuple[str, ...], ids: bool) -> None:
    """Show which rows would change, as counts by table and year group.

    Of DATASETS, or of all that is held. No row is shown, and ids only with --ids. Needs
    dynamodb:GetItem on the datasets table; year groups and ids also need s3:GetObject on both
    buckets, and kms:Decrypt.

    \b
    Examples:
      xporter-bridge hold show 3281102 students
      xporter-bridge hold show 3281102 students --ids --json
    """
    session = open_session()
    found = _chosen(session, estab, datasets)
    for each in found:
        change = HeldChange(session.target, estab, each["dataset"])
        each["tables"] = change.tables()
        for table in each["tables"]:
            table["year_groups"] = _year_groups(session, change, table["table"])
            if ids:
                table["deleted_ids"] = change.deleted_ids(table["table"])
    session.show(found, _table(found), "", *_drawn(found))


def _year_groups(session: Session, change: HeldChange, table: str) -> list[dict[str, Any]]:
    """Return the counts by year group; none, and a remark, for a caller who may not read rows."""
    try:
        return change.year_groups(table)
    except NotAllowedError as error:
        session.say(f"{table} is not counted by year group: {error}")
        return []


def _drawn(found: list[dict[str, Any]]) -> Iterator[Any]:
    """Draw the counts by table, then those by year group, then the ids."""
    rows = (
        (
            each["dataset"],
            table["table"],
            str(table["rows_before"]),
            str(table["rows_after"]),
            str(table["upserts"]),
            str(table["deletes"]),
        )
        for each in found
        for table in each["tables"]
    )
    columns = ("dataset", "table", "rows now", "rows then", "new or changed", "deleted")
    yield output.table(columns, rows)
    tables = [table for each in found for table in each["tables"]]
    by_year = [
        (
            table["table"],
            escape(group["year_group"]),
            str(group["rows_before"]),
            str(group["upserts"]),
            str(group["deletes"]),
        )
        for table in tables
        for group in table["year_groups"]
    ]
    if by_year:
        yield ""
        yield output.table(
            ("table", "year group", "rows now", "new or changed", "deleted"), by_year
        )
    for table in tables:
        if table.get("deleted_ids"):
            yield ""
            yield escape(f"deleted of {table['table']}: {', '.join(table['deleted_ids'])}")


@hold.command()
@click.argument("estab", type=ESTAB)
@click.argument("datasets", nargs=-1)
@yes_option
@common_options
def approve(estab: str, datasets: tuple[str, ...], yes: bool) -> None:
    """Apply what is held: of DATASETS, or all of the school.

    \b
    Example:
      xporter-bridge hold approve 3281102 students
    """
    _decide("approve", estab, datasets, is_sure=yes)


@hold.command()
@click.argument("estab", type=ESTAB)
@click.argument("datasets", nargs=-1)
@yes_option
@common_options
def reject(estab: str, datasets: tuple[str, ...], yes: bool) -> None:
    """Drop what is held: of DATASETS, or all of the school. The next pull compares anew."""
    _decide("reject", estab, datasets, is_sure=yes)


def _decide(decision: str, estab: str, datasets: tuple[str, ...], *, is_sure: bool) -> None:
    session = open_session()
    found = _chosen(session, estab, datasets)
    if not session.is_json:
        output.stderr().print(_table(found))
    session.confirm(f"{decision.capitalize()} {_count(found)}?", is_sure=is_sure)
    answers = [
        session.api.post(
            f"/v1/schools/{estab}/datasets/{each['dataset']}/hold", {"decision": decision}
        )
        for each in found
    ]
    session.show(answers, f"{_count(found)}: {decision} is under way.")


def _chosen(session: Session, estab: str, datasets: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the holds that are meant.

    Raises:
        OperatorError: Something of them is not held.
    """
    held = {each["dataset"]: each for each in _holds_of(session.api.get(f"/v1/schools/{estab}"))}
    missing = [name for name in datasets if name not in held]
    if missing or not held:
        names = ", ".join(missing) or "nothing"
        says = f"{names} of {estab} is held" if not missing else f"{names} of {estab} is not held"
        raise OperatorError(
            says, f"held are {', '.join(held)}" if held else "there is nothing to decide"
        )
    return [held[name] for name in datasets or held]


def _count(found: list[dict[str, Any]]) -> str:
    return f"{len(found)} held change{'' if len(found) == 1 else 's'}"


def _holds_of(school: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for each in school["datasets"]:
        if each["hold"]:
            yield {"estab": school["estab"], "dataset": each["dataset"], **each["hold"]}


def _table(found: list[dict[str, Any]]) -> Any:
    return output.table(
        ("school", "dataset", "since", "held anew at", "why"),
        (
            (
                each["estab"],
                each["dataset"],
                output.moment(each["since"]),
                output.moment(each["expires_at"]),
                escape("; ".join(each["reasons"])),
            )
            for each in found
        ),
    )
