"""`audit`: who asked for what, with what outcome."""

from datetime import datetime, timedelta
from typing import Any

import click

from .. import output
from ..settings import common_options
from .session import ESTAB, Session, open_session

_PAGE = 100


@click.command(short_help="Print the audit trail: who asked for what, how it ended.")
@click.argument("estab", type=ESTAB, required=False)
@click.option("--stack-wide", is_flag=True, help="Only what concerns no single school: rotations.")
@click.option("--days", type=click.IntRange(1), help="Only the last so many days.")
@common_options
def audit(estab: str | None, stack_wide: bool, days: int | None) -> None:
    """Print the audit trail: pulls and writebacks asked for, holds decided, erasures, rotations.

    An act of a person is there twice, "asked" before anything was done, and its outcome. Without a
    school, the whole trail is read and sorted, the latest last; --json exports it.

    \b
    Examples:
      xporter-bridge audit 3281102
      xporter-bridge audit --days 31 --json
    """
    if estab and stack_wide:
        raise click.UsageError("name a school, or give --stack-wide")
    session = open_session()
    since = session.now - timedelta(days=days) if days else None
    entries = _read(session, estab or ("stack" if stack_wide else None), since)
    rows = [_row(each) for each in entries]
    table = output.table(("at", "estab", "action", "outcome", "by", "about"), rows)
    session.show(entries, table if rows else "No entry.")


def _read(session: Session, subject: str | None, since: datetime | None) -> list[dict[str, Any]]:
    """Return the entries in the order of time."""
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": _PAGE, **({"subject": subject} if subject else {})}
    with output.progress("entries") as advance:
        while True:
            page = session.api.get("/v1/audit", **query)
            young = [each for each in page["entries"] if _is_young(each, since)]
            found += young
            advance(len(page["entries"]))
            # The entries of a subject come with the latest first: the rest is older.
            is_over = subject is not None and len(young) < len(page["entries"])
            if is_over or not page["cursor"]:
                return sorted(found, key=lambda each: str(each["at"]))
            query["cursor"] = page["cursor"]


def _is_young(entry: dict[str, Any], since: datetime | None) -> bool:
    return since is None or datetime.fromisoformat(entry["at"]) >= since


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    about = ", ".join(f"{name} {value}" for name, value in entry["about"].items())
    return (
        output.moment(entry["at"]),
        entry["estab"] or "",
        entry["action"],
        output.styled(entry["outcome"]),
        entry["by"],
        about,
    )
