"""Pulls on request, and writebacks."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.serve_api.openapi import answers
from functions.serve_api.parameters import Estab, IdempotencyKey, OperationId
from functions.serve_api.responses import accepted, dependencies_of
from xporter_bridge.api.schemas import (
    Accepted,
    PullRequestBody,
    PullView,
    WritebackRequestBody,
    WritebackView,
)
from xporter_bridge.availability import accept as availability
from xporter_bridge.erasure.request_person import require_not_erased
from xporter_bridge.writebacks import accept as writebacks

router = Router()  # type: ignore[no-untyped-call]


@router.post(
    "/v1/schools/<estab>/pulls",
    summary="Pull a dataset, or an endpoint with parameters",
    operation_id="requestPull",
    tags=["pulls"],
    responses=answers(202, Accepted, 400, 404, 409, 415),
)
def request_pull_of(estab: Estab, asked: PullRequestBody) -> Response[Accepted]:
    """Asked again while it is open, the same request gets the same id."""
    deps = dependencies_of(router)
    school = deps.viewer.require_school(estab)
    require_not_erased(school, asked.endpoint or "", asked.parameters, deps.vault)
    pull = availability.accept(
        school,
        deps.availability,
        dataset=asked.dataset,
        endpoint=asked.endpoint,
        parameters=asked.parameters,
        options=asked.options,
    )
    where = f"/v1/schools/{estab}/pulls/{pull.id}"
    return accepted(Accepted(id=pull.id), {"location": where})


@router.get(
    "/v1/schools/<estab>/pulls/<pull_id>",
    summary="What became of a pull",
    operation_id="getPull",
    tags=["pulls"],
    responses=answers(200, PullView, 400, 404),
)
def get_pull(estab: Estab, pull_id: OperationId) -> PullView:
    """Its state, and its manifest once readers find the data."""
    return dependencies_of(router).viewer.pull(estab, pull_id)


@router.post(
    "/v1/schools/<estab>/writebacks",
    summary="Write to the school's MIS",
    operation_id="requestWriteback",
    tags=["writebacks"],
    responses=answers(202, Accepted, 400, 404, 409, 413, 415),
)
def request_writeback(
    estab: Estab, asked: WritebackRequestBody, idempotency_key: IdempotencyKey
) -> Response[Accepted]:
    """The same key and payload get the same id; the same key with another payload gets 409."""
    deps = dependencies_of(router)
    school = deps.viewer.require_school(estab)
    writeback = writebacks.accept(school, asked.kind, asked.payload, idempotency_key, deps.writing)
    where = f"/v1/schools/{estab}/writebacks/{writeback.id}"
    return accepted(Accepted(id=writeback.id), {"location": where})


@router.get(
    "/v1/schools/<estab>/writebacks/<writeback_id>",
    summary="What became of a writeback",
    operation_id="getWriteback",
    tags=["writebacks"],
    responses=answers(200, WritebackView, 400, 404),
)
def get_writeback(estab: Estab, writeback_id: OperationId) -> WritebackView:
    """`queued`, `sent`, `completed`, `failed` or `unknown`, with Xporter's answer by part."""
    return dependencies_of(router).viewer.writeback(estab, writeback_id)
