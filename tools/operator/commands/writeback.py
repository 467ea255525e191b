"""`writeback`: what was written to a school's MIS, and what became of it."""

from typing import Any

import click
from rich.markup import escape

from .. import output
from ..aws_errors import explained
from ..errors import Exit
from ..settings import common_options
from .session import ESTAB, open_session


@click.group()
@common_options
def writeback() -> None:
    """List and show writebacks: states and counts, never marks."""


@writeback.command("list", short_help="List the writebacks of a school of the last 90 days.")
@click.argument("estab", type=ESTAB)
@click.option(
    "--state", metavar="STATE", help="Only these: queued, sent, completed, failed, unknown."
)
@common_options
def list_writebacks(estab: str, state: str | None) -> None:
    """List the writebacks of a school that ended less than 90 days ago, the newest first.

    Needs dynamodb:Query on the operations table.
    """
    session = open_session()
    query: dict[str, Any] = {
        "TableName": session.target.output("OperationsTableName"),
        "KeyConditionExpression": "estab = :estab AND begins_with(operation, :kind)",
        "ExpressionAttributeValues": {":estab": {"S": estab}, ":kind": {"S": "writeback-"}},
        "ProjectionExpression": "operation, #kind, #state, reason, created_at",
        "ExpressionAttributeNames": {"#kind": "kind", "#state": "state"},
    }
    with explained():
        pages = session.target.client("dynamodb").get_paginator("query").paginate(**query)
        items = [item for page in pages for item in page["Items"]]
    found = [
        {"id": _text(item, "operation"), **{name: _text(item, name) or None for name in _SHOWN}}
        for item in items
        if state in (None, _text(item, "state"))
    ]
    found.sort(key=lambda each: each["created_at"] or "", reverse=True)
    session.show(found, _table(found) if found else "There are none.")


@writeback.command(short_help="Show a writeback: its parts, attempts, Xporter's answer.")
@click.argument("estab", type=ESTAB)
@click.argument("writeback_id")
@common_options
@click.pass_context
def show(context: click.Context, estab: str, writeback_id: str) -> None:
    """Show a writeback: each part, its attempts, Xporter's answer, what reading back found.

    Exit status: 1 if it failed or is unknown.
    """
    session = open_session()
    found = session.api.get(f"/v1/schools/{estab}/writebacks/{writeback_id}")
    rows = (
        (
            part["date"] or "",
            str(part["rows"]),
            output.styled(part["state"]),
            str(part["attempts"]),
            escape(part["reason"] or ""),
        )
        for part in found["parts"]
    )
    reason = f": {escape(found['reason'])}" if found["reason"] else ""
    session.show(
        found,
        f"{found['kind']} of {found['estab']}: {output.styled(found['state'])}{reason}",
        output.table(("date", "rows", "state", "attempts", "why"), rows),
    )
    if found["state"] in {"failed", "unknown"}:
        context.exit(Exit.FOUND)


_SHOWN = ("kind", "state", "reason", "created_at")


def _text(item: dict[str, Any], name: str) -> str:
    return str(item.get(name, {}).get("S", ""))


def _table(found: list[dict[str, Any]]) -> Any:
    return output.table(
        ("requested", "kind", "state", "id", "why"),
        (
            (
                output.moment(each["created_at"]),
                str(each["kind"]),
                output.styled(str(each["state"])),
                each["id"],
                escape(each["reason"] or ""),
            )
            for each in found
        ),
    )
