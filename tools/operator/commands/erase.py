"""`erase`: what is not to be kept."""

import time
from typing import Any

import click

from .. import output
from ..errors import OperatorError
from ..settings import common_options
from .session import ESTAB, Session, open_session, yes_option

_LOOK_EVERY_SECONDS = 2.0


@click.group()
@common_options
def erase() -> None:
    """Delete what is kept of a school, in every version."""


@erase.command()
@click.argument("estab", type=ESTAB)
@click.option("--wait", is_flag=True, help="Wait until it is erased, at most --timeout seconds.")
@click.option("--timeout", type=click.IntRange(1), default=900, show_default=True)
@yes_option
@common_options
def school(estab: str, wait: bool, timeout: int, yes: bool) -> None:
    """Erase a school. It cannot be undone.

    Its key goes at once, so that secret and token cannot be read any more; then every version of
    every object, its datasets and its operations. Readers are told by school.erased. The school
    also has to revoke the authorisation on Xporter's side, or its next callback begins anew.

    \b
    Example:
      xporter-bridge erase school 3281102 --wait
    """
    session = open_session()
    found = session.api.get(f"/v1/schools/{estab}")
    kept = [each for each in found["datasets"] if each["sequence"] and each["state"] != "erased"]
    session.say(
        f"{estab} {found['name'] or ''} ({found['state']}): {len(kept)} datasets with all their "
        "versions, its writebacks and requests, its secret and its token."
    )
    session.confirm("Erase all of it? It cannot be undone.", is_sure=yes)
    answer = session.api.delete(f"/v1/schools/{estab}")
    if wait:
        answer = _erased(session, estab, timeout)
    state = "erased" if answer["state"] == "erased" else "being erased"
    session.show(
        {name: answer[name] for name in ("estab", "state", "erasure_requested_at")},
        f"{estab} is {state}.",
    )


def _erased(session: Session, estab: str, timeout: int) -> Any:
    until = time.monotonic() + timeout
    with output.progress("erasing") as advance:
        while time.monotonic() < until:
            found = session.api.get(f"/v1/schools/{estab}")
            if found["state"] == "erased":
                return found
            advance(0)
            time.sleep(_LOOK_EVERY_SECONDS)
    raise OperatorError(
        f"{estab} is not erased yet",
        "`xporter-bridge redrive Erasure --dry-run` shows whether it is stuck",
    )
