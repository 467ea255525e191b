"""Errors in the form of RFC 9457, for every fault of a request or of our own."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from xporter_bridge import telemetry
from xporter_bridge.api.schemas import FieldError, Problem
from xporter_bridge.errors import RequestRejectedError, TransientError
from xporter_bridge.schools.trouble_index import IndexNotReadyError

CONTENT_TYPE = "application/problem+json"
_TELL_NOTHING = "internal error; quote the instance to whoever operates this"


def problem(
    status: int,
    detail: str,
    request_id: str,
    *,
    errors: list[FieldError] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response[str]:
    """Return one error. ``detail`` is for a person and quotes nothing that was sent."""
    document = Problem(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=request_id,
        errors=errors or [],
    )
    return Response(
        status_code=status,
        content_type=CONTENT_TYPE,
        headers=dict(headers or {}),
        body=document.model_dump_json(),
    )


def problem_for(error: Exception, request_id: str) -> Response[str]:
    """Return the problem that the caller sees; our own faults are logged."""
    if isinstance(error, RequestRejectedError):
        return problem(error.status, error.detail, request_id)
    if isinstance(error, RequestValidationError):
        faults = [_fault(entry) for entry in error.errors()]
        return problem(400, "the request is invalid", request_id, errors=faults)
    if isinstance(error, TransientError):
        telemetry.warn("request_failed", request_id=request_id, reason=error.reason)
        detail = _detail(error)
        return problem(503, detail, request_id, headers={"retry-after": "1"})
    telemetry.report("request_failed", error, request_id=request_id)
    return problem(500, _TELL_NOTHING, request_id)


def _detail(error: TransientError) -> str:
    if isinstance(error, IndexNotReadyError):
        return (
            "a deployment has added an index, which DynamoDB is making: try again in some minutes"
        )
    return "try again; with the same Idempotency-Key if it is a writeback"


def _fault(entry: Mapping[str, Any]) -> FieldError:
    # Only places and rules: what pydantic says may quote the input in its context.
    return FieldError(
        at=".".join(str(part)[:60] for part in entry["loc"]), message=str(entry["msg"])
    )
