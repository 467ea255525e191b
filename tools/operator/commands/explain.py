"""`explain`: one screen on one school."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

import click
from rich.markup import escape
from rich.padding import Padding

from .. import output
from ..diagnosis import diagnose
from ..errors import Exit, OperatorError, RefusedError
from ..findings import Code, Facts, Finding, said
from ..heard import breaker_opened_at, heard_at
from ..reasons import sentence
from ..settings import common_options
from .session import ESTAB, Session, open_session


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
    school = _school(session, estab)
    heard, opened_at = _read_table(session, estab) if school else (None, None)
    findings = diagnose(Facts(estab, school, session.now, heard, opened_at))
    document = _document(estab, school, findings)
    session.show(document, *_drawn(document, heard))
    if [each.code for each in findings] != [Code.NONE]:
        context.exit(Exit.FOUND)


def _school(session: Session, estab: str) -> dict[str, Any] | None:
    try:
        school: dict[str, Any] = session.api.get(f"/v1/schools/{estab}")
    except RefusedError as error:
        if error.http_status == 404:
            return None
        raise
    return school


def _read_table(session: Session, estab: str) -> tuple[Any, datetime | None]:
    """Read when Xporter last called, and the breaker; a diagnosis without them beats none."""
    try:
        found, opened_at = heard_at(session.target, estab), breaker_opened_at(session.target)
    except OperatorError as error:
        session.say(f"The time of the last callbacks could not be read: {error}.")
        return None, None
    if found is None:
        session.say(
            "You are not allowed dynamodb:Query on the datasets table: a lost webhook is only "
            "recognised by old data."
        )
    return found, opened_at


def _document(estab: str, school: dict[str, Any] | None, findings: list[Finding]) -> dict[str, Any]:
    shown = school or {
        "estab": estab,
        "name": None,
        "state": "unknown",
        "cause": None,
        "next_step": "waits for the school's authorisation",
        "freshness": [],
        "datasets": [],
    }
    return {**shown, "diagnosis": [asdict(each) for each in findings]}


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


def _why(dataset: dict[str, Any]) -> str:
    why = sentence(dataset["reason"]) if dataset["reason"] else ""
    again = f"next attempt {output.moment(dataset['retry_at'])}" if dataset["retry_at"] else ""
    return "; ".join(filter(None, (why, again)))
