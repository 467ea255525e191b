"""Schools, their datasets, holds, and erasure."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.serve_api.openapi import answers
from functions.serve_api.parameters import (
    Cursor,
    DatasetName,
    Estab,
    Fields,
    Limit,
    Search,
    State,
    Troubled,
)
from functions.serve_api.responses import accepted, dependencies_of
from xporter_bridge.api.fleet_pages import SchoolFilter
from xporter_bridge.api.schemas import (
    ErasureAccepted,
    HoldDecided,
    HoldDecisionBody,
    Manifest,
    SchoolPage,
    SchoolView,
)
from xporter_bridge.erasure.erase import request_erasure
from xporter_bridge.errors import RequestRejectedError
from xporter_bridge.pulls.hold import decide
from xporter_bridge.timestamps import iso_or_none

router = Router()  # type: ignore[no-untyped-call]


@router.get(
    "/v1/schools",
    summary="All schools",
    operation_id="listSchools",
    tags=["schools"],
    responses=answers(200, SchoolPage, 400),
)
def list_schools(
    state: State = None,
    troubled: Troubled = None,
    q: Search = None,
    fields: Fields = None,
    limit: Limit = 25,
    cursor: Cursor = None,
) -> Response[dict[str, Any]]:
    """State, scopes, freshness, registrations and datasets of each school, paged.

    Troubled schools come in the order of their trouble, the worst first; all others in no order.
    A page may hold fewer schools than the limit, and even none: `cursor` says if more follow.
    """
    deps = dependencies_of(router)
    wanted = SchoolFilter(state, troubled, q or "")
    names = frozenset(filter(None, (fields or "").split(",")))
    if names - SchoolView.model_fields.keys():
        known = ", ".join(SchoolView.model_fields)
        raise RequestRejectedError(400, f"unknown field; known: {known}")
    page = deps.viewer.page(wanted, limit, cursor, deps.now(), names)
    kept: Any = {"schools": {"__all__": {"estab", *names}}, "cursor": True} if names else None
    return Response(200, "application/json", page.model_dump(mode="json", include=kept))


@router.get(
    "/v1/schools/<estab>",
    summary="One school",
    operation_id="getSchool",
    tags=["schools"],
    responses=answers(200, SchoolView, 400, 404),
)
def get_school(estab: Estab) -> SchoolView:
    """State, scopes, freshness, registrations and datasets of the school."""
    deps = dependencies_of(router)
    return deps.viewer.school(estab, deps.now())


@router.delete(
    "/v1/schools/<estab>",
    summary="Erase a school",
    operation_id="eraseSchool",
    tags=["schools"],
    responses=answers(202, ErasureAccepted, 400, 404),
)
def erase_school(estab: Estab) -> Response[ErasureAccepted]:
    """Deletes the school's key at once, then all its data; then its state is `erased`."""
    deps = dependencies_of(router)
    school = request_erasure(estab, deps.viewer.schools, deps.vault, deps.erasures, deps.now())
    return accepted(
        ErasureAccepted(
            estab=estab,
            state=school.state,
            erasure_requested_at=iso_or_none(school.erasure_requested_at),
        )
    )


@router.get(
    "/v1/schools/<estab>/datasets/<dataset>",
    summary="The current manifest of a dataset",
    operation_id="getManifest",
    tags=["datasets"],
    responses=answers(200, Manifest, 400, 404),
)
def get_manifest(estab: Estab, dataset: DatasetName) -> Manifest:
    """The same document as `latest.json` in the bucket."""
    return dependencies_of(router).viewer.manifest(estab, dataset)


@router.post(
    "/v1/schools/<estab>/datasets/<dataset>/hold",
    summary="End a hold",
    operation_id="decideHold",
    tags=["datasets"],
    responses=answers(202, HoldDecided, 400, 404, 409, 415),
)
def decide_hold(
    estab: Estab, dataset: DatasetName, asked: HoldDecisionBody
) -> Response[HoldDecided]:
    """Approving applies the held change set, rejecting drops it; 409 when nothing is held."""
    deps = dependencies_of(router)
    viewer = deps.viewer
    decide(estab, dataset, asked.decision, viewer.schools, viewer.datasets, deps.pulls, deps.now())
    return accepted(HoldDecided(estab=estab, dataset=dataset, decision=asked.decision))
