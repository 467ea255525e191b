"""What a person who exports data states about the export, before and after."""

from __future__ import annotations

import uuid
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Path

from functions.serve_api.openapi import answers
from functions.serve_api.parameters import Estab
from functions.serve_api.responses import accepted, dependencies_of
from xporter_bridge.api.export_views import ExportBody, ExportOutcomeBody, ExportStated
from xporter_bridge.errors import RequestRejectedError
from xporter_bridge.schools.refusal import why_refused

router = Router()  # type: ignore[no-untyped-call]

ExportId = Annotated[
    str, Path(pattern="^[0-9a-f]{32}$", description="The id that was answered to the POST.")
]


@router.post(
    "/v1/schools/<estab>/exports",
    summary="State an export",
    operation_id="beginExport",
    tags=["audit"],
    responses=answers(202, ExportStated, 400, 404, 409, 415),
)
def begin_export(estab: Estab, asked: ExportBody) -> Response[ExportStated]:  # noqa: ARG001 - noted
    """The audit trail has who exports what kind of data; the rows come from the bucket.

    Whoever gets 503 instead must not export: the statement could not be stored.
    """
    school = dependencies_of(router).viewer.require_school(estab)
    if school.is_gone:
        raise RequestRejectedError(409, why_refused(school))
    return accepted(ExportStated(estab=estab, id=uuid.uuid4().hex))


@router.post(
    "/v1/schools/<estab>/exports/<export_id>/outcome",
    summary="State how an export ended",
    operation_id="endExport",
    tags=["audit"],
    responses=answers(202, ExportStated, 400, 404, 415),
)
def end_export(
    estab: Estab,
    export_id: ExportId,
    asked: ExportOutcomeBody,  # noqa: ARG001 - the audit trail has it
) -> Response[ExportStated]:
    """The audit trail has the outcome and the counts."""
    dependencies_of(router).viewer.require_school(estab)
    return accepted(ExportStated(estab=estab, id=export_id))
