"""The common part of all routes: their dependencies, and the reply 202."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from pydantic import BaseModel

from functions.serve_api.dependencies import ApiDependencies

T = TypeVar("T", bound=BaseModel)


def dependencies_of(router: Router) -> ApiDependencies:
    """Return the dependencies, made only now, so that anything it lacks becomes a 500."""
    deps: ApiDependencies = router.context["open_dependencies"]()
    return deps


def accepted(body: T, headers: Mapping[str, str] | None = None) -> Response[T]:
    """Return 202: stored durably, and carried out by somebody else."""
    return Response(
        status_code=202,
        content_type="application/json",
        headers=dict(headers or {}),
        body=body,
    )
