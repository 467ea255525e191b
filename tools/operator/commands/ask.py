"""`ask`: schools are looked at anew: scopes, webhooks, and every dataset."""

import time
from collections.abc import Callable

import click

from .. import output
from ..functions import invoke
from ..queues import send_all, waiting_or_under_way
from ..settings import common_options
from ..target import Target
from .session import ESTAB, iso, open_session, yes_option

_LOOK_EVERY_SECONDS = 1.0
# Messages move from one queue to the next: twice nothing in a row is the end.
_QUIET_LOOKS = 2


@click.command(short_help="Check scopes and webhooks of schools; register what is missing.")
@click.argument("estabs", type=ESTAB, nargs=-1)
@click.option("--everyone", is_flag=True, help="Every connected school.")
@click.option("--no-pulls", is_flag=True, help="Only scopes and webhooks; no dataset is pulled.")
@click.option("--no-wait", is_flag=True, help="Do not wait for the end.")
@click.option("--timeout", type=click.IntRange(1), default=43200, show_default=True)
@yes_option
@common_options
def ask(
    estabs: tuple[str, ...], everyone: bool, no_pulls: bool, no_wait: bool, timeout: int, yes: bool
) -> None:
    """Check scopes and webhooks of schools, register what is missing, and pull every dataset.

    After callbacks were lost, after a rotation or a move of the domain. Five schools at a time; a
    repetition pulls only datasets whose last pull began before it. Stopping the command stops the
    waiting, not the work.

    \b
    Examples:
      xporter-bridge ask 3281102 3281103
      xporter-bridge ask --everyone --no-pulls
    """
    if bool(estabs) == everyone:
        raise click.UsageError("name schools, or give --everyone")
    session = open_session()
    target = session.target
    if everyone:
        session.confirm("Ask every connected school?", is_sure=yes)
        event = {"everyone": True, "pulls": not no_pulls}
        sent = int(invoke(target, "schedule_registrations", event)["due"])
    else:
        since = {} if no_pulls else {"pulls_since": iso(session.now)}
        messages = [
            {"estab": estab, "look_at_scopes": True, **since} for estab in dict.fromkeys(estabs)
        ]
        url = target.physical_id("RegistrationQueue")
        sent = send_all(target, url, messages, lambda _: None)
    is_over = None
    if not no_wait:
        with output.progress("messages that wait") as advance:
            is_over = _wait(target, advance, timeout)
    over = {None: "under way", True: "done", False: "still under way"}[is_over]
    session.show({"schools": sent, "finished": is_over}, f"{sent} schools asked: {over}.")


def _wait(target: Target, advance: Callable[[int], None], timeout: int) -> bool:
    """Wait until the queues of registrations and pulls are empty; False if time is up first."""
    urls = [target.physical_id(name) for name in ("RegistrationQueue", "PullQueue")]
    until, quiet, before = time.monotonic() + timeout, 0, 0
    while quiet < _QUIET_LOOKS:
        if time.monotonic() >= until:
            return False
        time.sleep(_LOOK_EVERY_SECONDS)
        left = sum(waiting_or_under_way(target, url) for url in urls)
        quiet = 0 if left else quiet + 1
        advance(max(0, before - left))
        before = left
    return True
