"""`trigger`: a scheduled function, now."""

import click

from ..functions import SCHEDULES, invoke
from ..settings import common_options
from .session import open_session


@click.command()
@click.argument("schedule", type=click.Choice(list(SCHEDULES)))
@click.option(
    "--ends",
    type=click.IntRange(min=1),
    help="With watch_deadlines: take the next steps towards the ends of schools that are paused or "
    "revoked for long, and let this run erase so many.",
)
@common_options
def trigger(schedule: str, ends: int | None) -> None:
    """Run a scheduled function now and say what it found due.

    \b
    SCHEDULE is one of:
      watch_deadlines         overdue schools, datasets, requests and writebacks
      schedule_registrations  schools whose webhooks and scopes are due for a look
      schedule_pulls          schools that are asked for data by the clock
      rotate_secrets          an old callback key that no school bears any more

    Locally no schedule runs by itself. A run too many does no harm.
    """
    session = open_session()
    if ends and schedule != "watch_deadlines":
        raise click.UsageError("--ends goes with watch_deadlines")
    found = invoke(session.target, schedule, {"ends": ends} if ends else {})
    counts = found if isinstance(found, dict) else {}
    session.show(found, ", ".join(f"{name} {count}" for name, count in counts.items()) or "done")
