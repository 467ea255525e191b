"""`explain`: one screen on one school."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

import click
from rich.markup import escape
from rich.padding import Padding

from .. import output
from ..breaker import breaker_opened_at
from ..diagnosis import diagnose
from ..errors import Exit, OperatorError, RefusedError
from ..findings import Code, Facts, Finding, said
from ..reasons import sentence
from ..remembered import Entry, entries, heard_at
from ..settings import common_options
from .session import ESTAB, Session, open_session

_LATELY = 8


@click.command()
@click.argument("estab", type=ESTAB)
@common_options
@click.pass_context
def explain(context: click.Context, estab: str) -> None:
    """Say where a school stands, why, and what to do.

    Answers "is this school connected, how old is its data, whose fault is it?" from what is stored:
    the state of the connection, both clocks of freshness, every dataset, and a diagnosis.

    \b
    Codes of the diagnosis:
      paused             the school is still choosing whom to include
      revoked            Xporter refuses the school's secret
      scope_missing      the school does not share something, or not any more
      xporter_failing    Xporter refuses, fails, or limits the rate
      mis_not_refreshed  Xporter on Demand at the school does not reach the MIS
      webhook_lost       no webhook is registered, or none comes
      our_fault          the fault is in this product
      held               a mass change waits for a decision
      fleet_breaker      pulls of all schools are held back, as most of them fail
      never_authorised   no authorisation, or one that is not complete
      erased             erased on request
      none               nothing is wrong

    Exit status: 0 if the code is none, else 1.

    \b
    Examples:
      xporter-bridge explain 3281102
      xporter-bridge explain 3281102 --json | jq -r '.diagnosis[].code'
    """
    session = open_session()
    school = _found(session, f"/v1/schools/{estab}")
    history = _found(session, f"/v1/schools/{estab}/history") if school else None
    heard = heard_at(history) if history else None
    opened_at = _breaker(session) if school else None
    findings = diagnose(Facts(estab, school, session.now, heard, opened_at))
    lately = entries(history)[-_LATELY:] if history else []
    document = _document(estab, school, findings, lately)
    session.show(document, *_drawn(document, heard))
    if [each.code for each in findings] != [Code.NONE]:
        context.exit(Exit.FOUND)


def _found(session: Session, path: str) -> dict[str, Any] | None:
    """Return a document of the API; None if there is none, as with an earlier version."""
    try:
        document: dict[str, Any] = session.api.get(path)
    except RefusedError as error:
        if error.http_status == 404:
            return None
        raise
    return document


def _breaker(session: Session) -> datetime | None:
    """Read whether all pulls are held back; a diagnosis without it beats none."""
    try:
        return breaker_opened_at(session.target)
    except OperatorError as error:
        session.say(f"Whether pulls of all schools are held back could not be read: {error}.")
        return None


def _document(
    estab: str, school: dict[str, Any] | None, findings: list[Finding], lately: list[Entry]
) -> dict[str, Any]:
    shown = school or {
        "estab": estab,
        "name": None,
        "state": "unknown",
        "cause": None,
        "next_step": "waits for the school's authorisation",
        "freshness": [],
        "datasets": [],
    }
    said_of_it = [asdict(each) for each in findings]
    return {**shown, "diagnosis": said_of_it, "lately": [asdict(each) for each in lately]}


def _drawn(document: dict[str, Any], heard: Any) -> list[Any]:
    name = f"  {escape(document['name'])}" if document.get("name") else ""
    since = f" since {said(document['state_since'])}" if document.get("state_since") else ""
    drawn: list[Any] = [
        f"[bold]{document['estab']}[/]{name}  {output.styled(document['state'])}{since}",
        *([f"Next: {escape(document['next_step'])}.", ""] if document["state"] != "live" else [""]),
        "[bold]Diagnosis[/]",
    ]
    for each in document["diagnosis"]:
        drawn.append(Padding(f"[bold]{each['code']}[/]  {escape(each['says'])}", (0, 0, 0, 2)))
        drawn.append(Padding(f"→ {escape(each['do'])}", (0, 0, 0, 4)))
    if document["freshness"]:
        drawn += ["", "[bold]Freshness[/]", _freshness(document)]
    if document["datasets"]:
        drawn += ["", "[bold]Datasets[/]", _datasets(document, heard or {})]
    if document["lately"]:
        drawn += ["", "[bold]Lately[/]", _happened(document["lately"])]
    return drawn


def _freshness(document: dict[str, Any]) -> Any:
    registered = {each["database"]: each["registered_at"] for each in document["registrations"]}
    return output.table(
        ("database", "data of", "checked", "stale", "webhook since"),
        (
            (
                each["database"],
                output.moment(each["as_of"]) or "not said",
                output.moment(each["checked_at"]) or "never",
                f"[yellow]{escape(each['reason'] or 'yes')}[/]" if each["is_stale"] else "no",
                output.moment(registered.get(each["database"])) or "[yellow]none[/]",
            )
            for each in document["freshness"]
        ),
    )


def _datasets(document: dict[str, Any], heard: dict[str, Any]) -> Any:
    return output.table(
        ("dataset", "state", "sequence", "announced at", "why"),
        (
            (
                each["dataset"],
                output.styled(each["state"]),
                str(each["sequence"]),
                output.moment(heard.get(each["dataset"])) or "never",
                escape(_why(each)),
            )
            for each in document["datasets"]
        ),
    )


def _happened(lately: list[dict[str, Any]]) -> Any:
    rows = (
        (output.moment(each["at"]), f"{each['kind']} {each['what']}", escape(each["says"]))
        for each in reversed(lately)
    )
    return output.table(("at", "what", ""), rows)


def _why(dataset: dict[str, Any]) -> str:
    why = sentence(dataset["reason"]) if dataset["reason"] else ""
    again = f"next attempt {output.moment(dataset['retry_at'])}" if dataset["retry_at"] else ""
    return "; ".join(filter(None, (why, again)))
