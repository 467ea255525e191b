"""The OpenAPI document of the API, made of its routes on request."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from pydantic import BaseModel

from functions.serve_api.problems import CONTENT_TYPE
from xporter_bridge.api.schemas import Problem

_MEANINGS = {
    400: "The request is invalid; `errors` says where.",
    404: "There is no such school, dataset, pull or writeback.",
    409: "The school's or the dataset's state does not allow it; `detail` says why.",
    413: "The payload is too large.",
    415: "The body is not JSON.",
    500: "An internal error.",
    503: "A dependency failed; try again.",
}
_DESCRIPTION = (
    "For the company's own software. Requests are signed with SigV4 (service `execute-api`). "
    "Errors are `application/problem+json`; every answer carries `x-request-id`."
)


def answers(status: int, model: type[BaseModel] | None, *refusals: int) -> dict[int, Any]:
    """Return how a route documents its one success, its refusals, and internal errors.

    Args:
        model: What the success carries; None for any object.
    """
    content = {"model": model} if model else {"schema": {"type": "object"}}
    success = {
        "description": HTTPStatus(status).phrase,
        "content": {"application/json": content},
    }
    return {status: success} | {
        status: {
            "description": _MEANINGS[status],
            "content": {CONTENT_TYPE: {"model": Problem}},
        }
        for status in (*refusals, 500, 503)
    }


# The names under which schemas were first published: clients are generated from them.
_PUBLISHED = {
    "HoldDecisionBody": "HoldAsked",
    "PullRequestBody": "PullAsked",
    "WritebackRequestBody": "WritebackAsked",
    "FieldError": "Fault",
    "WaitOutcome": "Outcome",
}


@cache
def openapi(application: APIGatewayHttpResolver) -> Mapping[str, Any]:
    """Return the document, made once per application; shared, so nobody changes it.

    Powertools adds the refusals of its own validation, which this API never sends.
    """
    text = application.get_openapi_json_schema(
        title="Xporter Bridge", version="1", description=_DESCRIPTION
    )
    for ours, published in _PUBLISHED.items():
        text = re.sub(rf'"(#/components/schemas/)?{ours}"', rf'"\1{published}"', text)
    document: dict[str, Any] = json.loads(text)
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
    for name in ("HTTPValidationError", "ResponseValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)
    document["components"]["schemas"] = dict(sorted(document["components"]["schemas"].items()))
    return document


def methods_of(document: Mapping[str, Any], path: str) -> list[str]:
    """Return the methods that the API knows at a path; empty for a path that it does not."""
    for template, operations in document["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            return sorted(method.upper() for method in operations)
    return []


def query_of(document: Mapping[str, Any], method: str, path: str) -> list[str] | None:
    """Return the query parameters that a call takes; None where the API does not know the call."""
    for template, operations in document["paths"].items():
        if method.lower() in operations and re.fullmatch(
            re.sub(r"\{\w+\}", "[^/]+", template), path
        ):
            parameters = operations[method.lower()].get("parameters", [])
            return [each["name"] for each in parameters if each["in"] == "query"]
    return None
