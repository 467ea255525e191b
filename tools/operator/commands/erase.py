"""`erase`: what is not to be kept."""

import time
from typing import Any

import click

from .. import output
from ..errors import OperatorError
from ..settings import common_options
from .session import ESTAB, Session, open_session, yes_option

_LOOK_EVERY_SECONDS = 2.0
_TIMES = ("requested_at", "erased_at", "verified_at")
_WORDS = {"pupil": "pupil", "contact": "contact", "staff": "member of staff"}


@click.group(short_help="Delete what is kept of a school or of one person.")
@common_options
def erase() -> None:
    """Delete what is kept of a school or of one person, in every version."""


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


@erase.command()
@click.argument("estab", type=ESTAB)
@click.argument("kind", type=click.Choice(["pupil", "contact", "staff"]))
@click.argument("identity", metavar="ID")
@click.option("--wait", is_flag=True, help="Wait until it is erased, at most --timeout seconds.")
@click.option("--timeout", type=click.IntRange(1), default=900, show_default=True)
@yes_option
@common_options
def person(estab: str, kind: str, identity: str, wait: bool, timeout: int, yes: bool) -> None:
    """Erase one person of a school, by Xporter's Id.

    No later pull stores the person. What is stored is deleted in every version: rows about the
    person, mentions in lists, superseded sequences, held changes, data requested for the person,
    and writebacks that have not ended or are dead letters. Readers are told by dataset.changed and
    person.erased. Names in free text are not found.

    \b
    Example:
      xporter-bridge erase person 3281102 pupil 9919 --wait
    """
    session = open_session()
    found = session.api.get(f"/v1/schools/{estab}")
    kept = [each for each in found["datasets"] if each["sequence"] and each["state"] != "erased"]
    session.say(
        f"{estab} {found['name'] or ''} ({found['state']}): {len(kept)} datasets are searched for "
        f"this {_WORDS[kind]}. Those that hold the person get a new sequence, and lose every "
        "earlier one and what is held. Later pulls leave the person out until you lift the erasure."
    )
    session.confirm("Erase this person?", is_sure=yes)
    path = f"/v1/schools/{estab}/erased-people"
    answer = session.api.post(path, {"kind": kind, "id": identity})
    if not wait:
        text = (
            f"The erasure {answer['id']} goes on; `xporter-bridge erase people {estab}` shows it."
        )
        session.show(answer, text)
        return
    done = _person_erased(session, path, answer["id"], timeout)
    session.show(done, f"The person is erased; the certificate has the id {done['id']}.")


@erase.command(short_help="List who was erased from a school, by ids that name nobody.")
@click.argument("estab", type=ESTAB)
@common_options
def people(estab: str) -> None:
    """List who was erased from a school, as ids that name nobody, with the certificates.

    \b
    Example:
      xporter-bridge erase people 3281102 --json | jq '.people[].certificate'
    """
    session = open_session()
    found = session.api.get(f"/v1/schools/{estab}/erased-people")
    rows = (
        (
            each["id"],
            each["kind"],
            *(output.moment(each[name]) for name in _TIMES),
            _deleted(each["certificate"]),
        )
        for each in found["people"]
    )
    columns = ("id", "kind", "requested", "erased", "last look", "deleted")
    empty = f"Nobody is erased from {estab}."
    session.show(found, output.table(columns, rows) if found["people"] else empty)


@erase.command()
@click.argument("estab", type=ESTAB)
@click.argument("erasure")
@yes_option
@common_options
def lift(estab: str, erasure: str, yes: bool) -> None:
    """Let an erased person back in; ERASURE is the id of the erasure.

    Every dataset is pulled anew: the person comes back if the school still shares the person.

    \b
    Example:
      xporter-bridge erase lift 3281102 5d41402abc4b2a76b9719d911017c592
    """
    session = open_session()
    session.say(f"{estab}: every dataset is pulled anew, and stores this person again.")
    session.confirm("Lift the erasure?", is_sure=yes)
    answer = session.api.delete(f"/v1/schools/{estab}/erased-people/{erasure}")
    session.show(answer, f"The erasure {erasure} is lifted.")


def _person_erased(session: Session, path: str, erasure: str, timeout: int) -> Any:
    until = time.monotonic() + timeout
    with output.progress("erasing") as advance:
        while time.monotonic() < until:
            listed = session.api.get(path)["people"]
            found = next((each for each in listed if each["id"] == erasure), None)
            if found and found["erased_at"]:
                return found
            advance(0)
            time.sleep(_LOOK_EVERY_SECONDS)
    raise OperatorError(
        "the person is not erased yet",
        "`xporter-bridge redrive Erasure --dry-run` shows whether the erasure is stuck",
    )


def _deleted(certificate: Any) -> str:
    """Say what a certificate has, as one number of rows and one of mentions."""
    if not certificate:
        return ""
    made = [each for of in certificate["datasets"].values() for each in of.values()]
    rows, mentions = (
        sum(sum(each[name].values()) for each in made) for name in ("rows", "mentions")
    )
    return f"{rows} rows, {mentions} mentions"


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
