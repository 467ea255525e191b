"""The API as one application: its routes, its refusals, and their form."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from functions.serve_api import (
    audit,
    routes_audit,
    routes_changes,
    routes_exports,
    routes_history,
    routes_operations,
    routes_people,
    routes_schools,
)
from functions.serve_api.dependencies import ApiDependencies
from functions.serve_api.openapi import answers, methods_of, openapi, query_of
from functions.serve_api.problems import problem, problem_for
from functions.serve_api.request_bodies import with_checked_body, without_body
from xporter_bridge import dry_run, telemetry
from xporter_bridge.entrypoints import LambdaContext, Reply
from xporter_bridge.errors import RequestRejectedError

_ESTAB = re.compile(r"^/v1/schools/([0-9]{7})(?:/|$)")


@dry_run.possible
def answer(
    event: Mapping[str, Any],
    context: LambdaContext,
    open_dependencies: Callable[[], ApiDependencies],
) -> Reply:
    """Answer one request of an HTTP API; every fault becomes a problem response."""
    request_id = event["requestContext"]["requestId"]
    telemetry.bind(context.aws_request_id, request_id)
    app = application()
    app.append_context(open_dependencies=open_dependencies, request_id=request_id)  # type: ignore[no-untyped-call]
    try:
        checked = _checked(event, openapi(app))
    except RequestRejectedError as error:
        return _closed(_plain(problem_for(error, request_id)), event)
    entry = audit.asked(checked, openapi(app), datetime.now(UTC))
    if entry is None:
        return _closed(app.resolve(checked, context), event)  # type: ignore[arg-type]
    try:
        deps = open_dependencies()
        audit.note_asked(entry, deps.audit)
    except Exception as error:  # noqa: BLE001 - as the routes do, whose dependencies may be missing
        return _closed(_plain(problem_for(error, request_id)), event)
    reply = app.resolve(checked, context)  # type: ignore[arg-type]
    audit.note_answer(entry, reply, deps.audit, deps.now())
    return _closed(reply, event)


def _checked(event: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event with a checked body.

    Raises:
        RequestRejectedError: The body or a query parameter is none that the call takes.
    """
    try:
        checked = with_checked_body(event)
    except RequestRejectedError:
        if "POST" in methods_of(document, event["rawPath"]):
            raise
        checked = without_body(event)
    _require_known_query(event, document)
    return checked


@cache
def application() -> APIGatewayHttpResolver:
    """Return the application, made once per environment."""
    app = APIGatewayHttpResolver(enable_validation=True)
    app.include_router(routes_schools.router)
    app.include_router(routes_history.router)
    app.include_router(routes_operations.router)
    app.include_router(routes_people.router)
    app.include_router(routes_audit.router)
    app.include_router(routes_exports.router)
    app.include_router(routes_changes.router)

    @app.get(
        "/v1/openapi.json",
        summary="This document",
        operation_id="getOpenApi",
        tags=["about"],
        responses=answers(200, None),
    )
    def get_openapi() -> dict[str, Any]:
        """OpenAPI 3.1, made of the routes that answer."""
        return dict(openapi(app))

    @app.not_found
    def refuse_unknown(_: Exception) -> Response[str]:
        methods = methods_of(openapi(app), app.current_event.path)
        if not methods:
            return problem(404, "no such path", app.context["request_id"])
        if app.current_event.http_method in methods:
            # Some characters do not match any route of Powertools, even within a known path.
            detail = "the path contains an invalid id"
            return problem(400, detail, app.context["request_id"])
        allow = {"allow": ", ".join(methods)}
        detail = f"allowed methods: {allow['allow']}"
        return problem(405, detail, app.context["request_id"], headers=allow)

    @app.exception_handler(Exception)  # type: ignore[untyped-decorator]
    def refuse(error: Exception) -> Response[str]:
        return problem_for(error, app.context["request_id"])

    return app


def _require_known_query(event: Mapping[str, Any], document: Mapping[str, Any]) -> None:
    """Refuse a query parameter that the call does not take: a misspelt filter would filter nothing.

    Raises:
        RequestRejectedError: 400, naming what the call takes and nothing that was sent.
    """
    known = query_of(document, event["requestContext"]["http"]["method"], event["rawPath"])
    sent = {
        name for name, _ in parse_qsl(event.get("rawQueryString") or "", keep_blank_values=True)
    }
    if known and sent - set(known):
        raise RequestRejectedError(400, f"unknown query parameter; known: {', '.join(known)}")


def _closed(reply: Reply, event: Mapping[str, Any]) -> Reply:
    """Return the reply with the request's id, and leave one line about it in the log."""
    request_id = event["requestContext"]["requestId"]
    estab = _ESTAB.match(event["rawPath"])
    telemetry.record(
        "request_answered",
        method=event["requestContext"]["http"]["method"],
        status=reply["statusCode"],
        estab=estab and estab[1],
    )
    if reply["statusCode"] == 500:  # 503 is a fault of AWS, and passes
        telemetry.count("RequestFailed", "api")
    reply["headers"]["x-request-id"] = request_id
    return reply


def _plain(response: Response[str]) -> Reply:
    headers = {**response.headers, "Content-Type": response.content_type}
    return {"statusCode": response.status_code, "headers": headers, "body": response.body}
