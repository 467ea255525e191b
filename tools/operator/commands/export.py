"""`export`: what is published of a school, or of one person, as one file to hand over."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from .. import output
from ..archive import Person, write
from ..aws_errors import explained
from ..errors import OperatorError, WrongUseError
from ..people import PersonKind
from ..published import PublishedData
from ..settings import common_options
from .session import ESTAB, Session, iso, open_session


@click.command(short_help="Export what is published of a school, or of one person.")
@click.argument("estab", type=ESTAB)
@click.option(
    "--person",
    type=(click.Choice([kind.value for kind in PersonKind]), str),
    metavar="KIND ID",
    help="Only the rows that name this pupil, contact or member of staff.",
)
@click.option(
    "--output",
    "-o",
    "to",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The zip to write; only you may read it.",
)
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there.")
@common_options
def export(estab: str, person: tuple[str, str] | None, to: Path, overwrite: bool) -> None:
    """Export what is published of a school, or of one person by Xporter's Id, as a zip.

    The zip has NDJSON for each table, and manifest.json: school, time, the sequence of each
    dataset, rows and sha256 of each file. The rows of a person are those that an erasure of the
    person would delete or change. A row may name others too: look through it before you hand it
    over. The audit trail says first that you export, and then how many rows; if that cannot be
    stored, nothing is exported. Needs s3:GetObject, s3:ListBucket, and GET and POST on the API.

    \b
    Examples:
      xporter-bridge export 3281102 -o school.zip
      xporter-bridge export 3281102 --person pupil 9919 -o pupil.zip
    """
    if to.exists() and not overwrite:
        raise WrongUseError(f"{to} is there already", "give --overwrite, or another file")
    session = open_session()
    wanted = Person(PersonKind(person[0]), person[1].strip()) if person else None
    school = _school(session, estab)
    about = {
        "stack": session.target.name,
        "estab": estab,
        "school": school["name"],
        "exported_at": iso(session.now),
        "person": {"kind": wanted.kind, "id": wanted.identity} if wanted else None,
    }
    with _stated(session, estab, wanted) as counts:
        document = _exported(session, estab, to, about, wanted)
        rows = sum(each["rows"] for each in document["files"])
        counts.update(files=len(document["files"]), rows=rows)
    session.show(
        {"output": str(to), "rows": rows, **document},
        f"{rows} rows of {len(document['files'])} tables in {to}",
    )


@contextmanager
def _stated(session: Session, estab: str, person: Person | None) -> Iterator[dict[str, int]]:
    """State the export before anything is read, and afterwards how it ended; who, IAM says.

    The person is not named. An export whose outcome is missing was interrupted.

    Yields:
        Where the counts of what was written are put.
    """
    place = f"/v1/schools/{estab}/exports"
    begun = session.api.post(place, {"kind": "person" if person else "school"})
    counts: dict[str, int] = {}
    outcome = "failed"
    try:
        yield counts
        outcome = "completed"
    finally:
        said = {"outcome": outcome, **counts}
        session.api.post(f"{place}/{begun['id']}/outcome", said)


def _exported(
    session: Session, estab: str, to: Path, about: dict[str, Any], wanted: Person | None
) -> dict[str, Any]:
    """Write what is published, and return the manifest of the zip."""
    published = PublishedData(session.target)
    manifests = [published.document(estab, name) for name in published.datasets(estab)]
    if not any(manifest["tables"] for manifest in manifests):
        raise OperatorError(
            f"nothing is published of {estab}", f"`xporter-bridge explain {estab}` says why"
        )
    document = _saved(to, about, manifests, wanted, published)
    if wanted and not document["files"]:
        to_know = _erased_of(session, estab, wanted)
        raise OperatorError(f"no row of {estab} names this {_word(wanted)}", to_know)
    return document


def _school(session: Session, estab: str) -> Any:
    """Return the school as the API shows it, unless it is erased."""
    found = session.api.get(f"/v1/schools/{estab}")
    if found["state"] == "erased" or found["erasure_requested_at"]:
        is_over = found["state"] == "erased"
        at = found["erasure_requested_at"]
        since = f" (requested at {at})" if at else ""
        says = f"{estab} {'was erased' if is_over else 'is being erased'}{since}"
        raise OperatorError(says, "nothing of it can be exported")
    return found


def _saved(
    to: Path,
    about: dict[str, Any],
    manifests: list[dict[str, Any]],
    person: Person | None,
    published: PublishedData,
) -> dict[str, Any]:
    """Write the zip beside its place, and put it there once it is complete and holds something."""
    total = sum(each["rows"] for manifest in manifests for each in manifest["tables"].values())
    part = to.with_name(f"{to.name}.part")
    with output.progress("rows", total) as advance:

        def read(key: str, sha256: str) -> Iterable[bytes]:
            for line in published.rows(key, sha256):
                advance(1)
                yield line

        try:
            with os.fdopen(_for_the_caller_alone(part), "wb") as file, explained():
                document = write(file, about, manifests, person, read)
            if document["files"]:
                part.replace(to)
        except OSError as error:
            raise OperatorError(f"{to} cannot be written", error.strerror or str(error)) from error
        finally:
            part.unlink(missing_ok=True)
    return document


def _for_the_caller_alone(path: Path) -> int:
    """Open a new file that nobody else may read; one that a killed command left is deleted."""
    path.unlink(missing_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def _word(person: Person) -> str:
    return "member of staff" if person.kind is PersonKind.STAFF else str(person.kind)


def _erased_of(session: Session, estab: str, person: Person) -> str:
    """Say whether the person may have been erased; the product does not know who was."""
    erased = session.api.get(f"/v1/schools/{estab}/erased-people")["people"]
    count = sum(each["kind"] == person.kind for each in erased)
    if not count:
        return "check kind and Id; nobody of this kind was erased"
    return (
        f"erasures of this kind: {count}, perhaps of this person; "
        f"`xporter-bridge erase people {estab}` lists them without names"
    )
