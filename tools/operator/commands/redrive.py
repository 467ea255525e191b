"""`redrive`: dead letters, looked at and moved back."""

from collections import Counter
from dataclasses import asdict
from typing import Any

import click
from rich.markup import escape

from .. import output
from ..dead_letters import DeadLetter, peek
from ..errors import WrongUseError
from ..move_letters import move_back
from ..queues import find_queue, queues
from ..settings import common_options
from .session import open_session, yes_option


@click.command()
@click.argument("queue")
@click.option("--dry-run", is_flag=True, help="Only list the dead letters; nothing moves.")
@click.option(
    "--limit", type=click.IntRange(1), default=1000, show_default=True, help="List so many at most."
)
@click.option(
    "--rate", type=click.IntRange(1, 500), metavar="N", help="Move so many a second at most."
)
@yes_option
@common_options
def redrive(queue: str, dry_run: bool, limit: int, rate: int | None, yes: bool) -> None:
    """Move the dead letters of QUEUE back to their queue.

    QUEUE is Authentication, Database, Availability, Outcome, Registration, Pull,
    AvailabilityRequest, Writeback or Erasure, in any casing and with or without "Queue" or
    "DeadLetterQueue"; with --dry-run, "all" too. Redrive when the cause is corrected. What is
    redriven twice does no harm.

    The list shows what each letter is about, its age, its reason and how often it was received,
    never what it holds.

    \b
    Examples:
      xporter-bridge redrive Pull --dry-run
      xporter-bridge redrive all --dry-run --json | jq length
    """
    session = open_session()
    is_all = queue.casefold() == "all"
    if is_all and not dry_run:
        raise WrongUseError("dead letters are moved one queue at a time", "name the queue")
    chosen = [*queues(session.target).values()] if is_all else [find_queue(session.target, queue)]
    letters: list[DeadLetter] = []
    with output.progress("dead letters") as advance:
        for each in chosen:
            letters += peek(session.target, each, limit, advance)
    document = [{**asdict(each), "age": age(each.age_seconds)} for each in letters]
    session.show(document, _table(letters) if letters else "There are no dead letters.")
    if dry_run or not letters:
        return
    session.confirm(f"Move the dead letters back to {chosen[0].name}Queue?", is_sure=yes)
    with output.progress("moved") as advance:
        moved = move_back(session.target, chosen[0], rate, advance)
    session.say(
        f"Moved {moved} dead letters back; `xporter-bridge doctor` shows whether they stay."
    )


def age(seconds: int) -> str:
    """Return a span as a person says it."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _table(letters: list[DeadLetter]) -> Any:
    groups = Counter(
        (each.queue, each.kind, each.estab or "", each.dataset or each.database or "", each.reason)
        for each in letters
    )
    oldest: dict[Any, int] = {}
    for each in letters:
        about = each.dataset or each.database or ""
        key = (each.queue, each.kind, each.estab or "", about, each.reason)
        oldest[key] = max(oldest.get(key, 0), each.age_seconds)
    return output.table(
        ("letters", "queue", "kind", "school", "about", "oldest", "reason"),
        (
            (str(count), *key[:4], age(oldest[key]), escape(key[4]))
            for key, count in groups.most_common()
        ),
    )
