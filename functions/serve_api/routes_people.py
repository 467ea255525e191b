"""Erased people of a school: request, list, lift."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Path

from functions.serve_api.openapi import answers
from functions.serve_api.parameters import Estab
from functions.serve_api.responses import accepted, dependencies_of
from xporter_bridge.api.people_views import (
    ErasedPeopleView,
    PersonBody,
    PersonErasureAccepted,
    TombstoneLifted,
    person_view,
)
from xporter_bridge.erasure.request_person import lift_tombstone, request_person
from xporter_bridge.timestamps import iso

router = Router()  # type: ignore[no-untyped-call]

ErasureId = Annotated[
    str, Path(pattern="^[0-9a-f]{32}$", description="The id that was answered to the POST.")
]


@router.post(
    "/v1/schools/<estab>/erased-people",
    summary="Erase a person",
    operation_id="erasePerson",
    tags=["people"],
    responses=answers(202, PersonErasureAccepted, 400, 404, 409, 415),
)
def erase_person(estab: Estab, asked: PersonBody) -> Response[PersonErasureAccepted]:
    """No later pull stores the person, and what is stored is deleted in every version.

    The same person again gets the same id.
    """
    deps = dependencies_of(router)
    stored = request_person(
        estab,
        (asked.kind, asked.id),
        deps.viewer.schools,
        deps.vault,
        deps.erasures,
        deps.now(),
    )
    return accepted(
        PersonErasureAccepted(
            estab=estab,
            id=stored.digest,
            kind=stored.kind,
            requested_at=iso(stored.requested_at),
        )
    )


@router.get(
    "/v1/schools/<estab>/erased-people",
    summary="Everybody who was erased from a school",
    operation_id="listErasedPeople",
    tags=["people"],
    responses=answers(200, ErasedPeopleView, 400, 404),
)
def list_erased_people(estab: Estab) -> ErasedPeopleView:
    """The tombstones, each with the certificate of its erasure; nobody is named."""
    deps = dependencies_of(router)
    school = deps.viewer.require_school(estab)
    tombstones = school.erased_people.tombstones if school.erased_people else ()
    held = deps.certificates.of_school(estab) if tombstones else {}
    people = [person_view(each, held.get(each.digest)) for each in tombstones]
    return ErasedPeopleView(estab=estab, count=len(people), people=people)


@router.delete(
    "/v1/schools/<estab>/erased-people/<erasure_id>",
    summary="Let an erased person back in",
    operation_id="liftErasure",
    tags=["people"],
    responses=answers(202, TombstoneLifted, 400, 404, 409),
)
def lift_erasure(estab: Estab, erasure_id: ErasureId) -> Response[TombstoneLifted]:
    """The next pulls ask for all rows, so that the person comes back if the school shares them."""
    deps = dependencies_of(router)
    lift_tombstone(estab, erasure_id, deps.viewer.schools, deps.erasures, deps.now())
    return accepted(TombstoneLifted(estab=estab, id=erasure_id))
