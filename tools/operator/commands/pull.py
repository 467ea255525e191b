"""`pull`: one dataset, every dataset of a school, or an endpoint with parameters."""

import time
from typing import Any

import click
from rich.markup import escape

from .. import output
from ..errors import Exit, OperatorError, WrongUseError
from ..settings import common_options
from .session import ESTAB, Session, open_session

_OPEN = frozenset({"queued", "waiting", "pulling"})
_LOOK_EVERY_SECONDS = 1.0


@click.command()
@click.argument("estab", type=ESTAB)
@click.argument("dataset", required=False)
@click.option("--endpoint", metavar="NAME", help="An endpoint of Xporter instead of a dataset.")
@click.option("--parameter", "-p", "parameters", multiple=True, metavar="NAME=VALUE")
@click.option("--option", "-o", "options", multiple=True, metavar="NAME")
@click.option("--wait", is_flag=True, help="Wait for the end, at most --timeout seconds.")
@click.option("--timeout", type=click.IntRange(1), default=900, show_default=True)
@common_options
@click.pass_context
def pull(
    context: click.Context,
    estab: str,
    dataset: str | None,
    endpoint: str | None,
    parameters: tuple[str, ...],
    options: tuple[str, ...],
    wait: bool,
    timeout: int,
) -> None:
    """Pull DATASET of a school now, or all of its datasets.

    Exit status: with --wait, 1 if a pull failed or is held.

    \b
    Examples:
      xporter-bridge pull 3281102
      xporter-bridge pull 3281102 students --wait
      xporter-bridge pull 3281102 --endpoint attendancefordate -p date=2026-11-20 --wait
    """
    session = open_session()
    if endpoint and dataset:
        raise WrongUseError("a dataset and an endpoint exclude each other", "give one of them")
    if not endpoint and (parameters or options):
        raise WrongUseError("only an endpoint takes parameters and options", "give --endpoint")
    if endpoint:
        asked: list[dict[str, Any]] = [
            {"endpoint": endpoint, "parameters": _pairs(parameters), "options": list(options)}
        ]
    else:
        asked = [{"dataset": name} for name in ([dataset] if dataset else _all(session, estab))]
    path = f"/v1/schools/{estab}/pulls"
    found = [session.api.get(f"{path}/{session.api.post(path, body)['id']}") for body in asked]
    if wait:
        found = _ended(session, path, found, timeout)
    session.show(found, _table(found))
    if wait and any(each["state"] != "completed" for each in found):
        context.exit(Exit.FOUND)


def _all(session: Session, estab: str) -> list[str]:
    """Return the datasets that are kept of the school and that it shares."""
    school = session.api.get(f"/v1/schools/{estab}")
    names = [
        each["dataset"]
        for each in school["datasets"]
        if not each["parameters"] and each["state"] not in {"not_covered", "erased"}
    ]
    if not names:
        raise OperatorError(
            f"{estab} shares no dataset", f"`xporter-bridge explain {estab}` says why"
        )
    return names


def _pairs(parameters: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for each in parameters:
        name, equals, value = each.partition("=")
        if not name or not equals:
            raise WrongUseError(f"--parameter {each} is no NAME=VALUE", "as in -p date=2026-11-20")
        pairs[name] = value
    return pairs


def _ended(
    session: Session, path: str, found: list[dict[str, Any]], timeout: int
) -> list[dict[str, Any]]:
    """Return the pulls once all of them have ended, or the time is up."""
    until = time.monotonic() + timeout
    with output.progress("pulls", len(found)) as advance:
        done = 0
        while True:
            still = [each["state"] in _OPEN for each in found]
            advance(still.count(False) - done)
            done = still.count(False)
            if not any(still) or time.monotonic() >= until:
                return found
            time.sleep(_LOOK_EVERY_SECONDS)
            found = [
                session.api.get(f"{path}/{each['id']}") if is_open else each
                for each, is_open in zip(found, still, strict=True)
            ]


def _table(found: list[dict[str, Any]]) -> Any:
    return output.table(
        ("dataset", "state", "pull", "why"),
        (
            (
                each["dataset"],
                output.styled(each["state"]),
                each["id"],
                escape(each["reason"] or ""),
            )
            for each in found
        ),
    )
