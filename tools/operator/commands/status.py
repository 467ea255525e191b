"""`status`: the fleet in one screen."""

from collections import Counter
from typing import Any

import click

from .. import output
from ..settings import common_options
from .session import open_session

_SCHOOLS = ("live", "installed", "authorised", "invited", "paused", "revoked", "erased")
_DATASETS = ("current", "pending", "held", "failed", "not_covered", "erased")


@click.command()
@common_options
def status() -> None:
    """Count schools by state, and datasets by state.

    Reads every school through the API, a hundred at a time; 25,000 schools take some minutes.

    \b
    Examples:
      xporter-bridge status
      xporter-bridge status --json | jq .schools.paused
    """
    session = open_session()
    schools, datasets, stale = Counter(_zeros(_SCHOOLS)), Counter(_zeros(_DATASETS)), 0
    with output.progress("schools") as advance:
        for page in session.api.schools():
            schools.update(school["state"] for school in page)
            datasets.update(each["state"] for school in page for each in school["datasets"])
            stale += sum(any(each["is_stale"] for each in s["freshness"]) for s in page)
            advance(len(page))
    document = {
        "schools": dict(schools),
        "datasets": dict(datasets),
        "schools_total": schools.total(),
        "datasets_total": datasets.total(),
        "schools_with_stale_data": stale,
    }
    session.show(
        document,
        _counts("school", schools),
        "",
        _counts("dataset", datasets),
        "",
        f"Schools with stale data: {stale}",
    )


def _zeros(states: tuple[str, ...]) -> dict[str, int]:
    return dict.fromkeys(states, 0)


def _counts(what: str, counts: Counter[str]) -> Any:
    rows = ((output.styled(state), str(count)) for state, count in counts.items() if count)
    return output.table((f"{what}s", str(counts.total())), rows)
