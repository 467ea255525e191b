"""The schemas of erased people: requests, tombstones and certificates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field

from xporter_bridge.api.schemas import RequestBody
from xporter_bridge.schools.erased_people import PersonTombstone
from xporter_bridge.timestamps import iso, iso_or_none
from xporter_bridge.xporter.people import PersonKind


class PersonBody(RequestBody):
    """A person to erase; ``id`` is Xporter's Id in Students, Contacts or Staff."""

    kind: PersonKind
    id: Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S")]


class SequenceErasureView(BaseModel):
    """What one new sequence of a dataset holds no more, by table; ``sha256`` of the snapshots."""

    rows: Mapping[str, int]
    mentions: Mapping[str, int]
    sha256: Mapping[str, str]


class CertificateView(BaseModel):
    """What was deleted; ``sha256`` is that of all other fields as JSON with sorted names.

    ``datasets`` are by name and sequence. ``dead_letters`` is missing where earlier versions wrote
    the certificate. Point-in-time recovery of the tables remembers items as
    they were until ``backups_until``.
    """

    id: str
    estab: str
    kind: PersonKind
    requested_at: str
    erased_at: str | None
    verified_at: str | None
    backups_until: str | None
    objects: int
    operations: int
    dead_letters: int | None = Field(default=None, exclude_if=lambda count: count is None)
    datasets: Mapping[str, Mapping[str, SequenceErasureView]]
    sha256: str


class ErasedPersonView(BaseModel):
    """One erased person, without any name or Id of the person; ``id`` is a keyed digest.

    ``erased_at`` is null until the stored data is deleted, and ``verified_at`` until the last look.
    """

    id: str
    kind: PersonKind
    requested_at: str
    erased_at: str | None
    verified_at: str | None
    certificate: CertificateView | None = None


class ErasedPeopleView(BaseModel):
    """Everybody who was erased from a school and not let back in."""

    estab: str
    count: int
    people: list[ErasedPersonView]


class PersonErasureAccepted(BaseModel):
    """The erasure goes on by itself; ``id`` finds it in the list."""

    estab: str
    id: str
    kind: PersonKind
    requested_at: str


class TombstoneLifted(BaseModel):
    """The person may be stored again; the next pull asks for all rows."""

    estab: str
    id: str


def person_view(person: PersonTombstone, certificate: Mapping[str, Any] | None) -> ErasedPersonView:
    """Return one erased person as the API shows it."""
    return ErasedPersonView(
        id=person.digest,
        kind=person.kind,
        requested_at=iso(person.requested_at),
        erased_at=iso_or_none(person.erased_at),
        verified_at=iso_or_none(person.verified_at),
        certificate=CertificateView(**certificate) if certificate else None,
    )
