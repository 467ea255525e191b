"""What is remembered of a school: callbacks, attempts at pulls, changes of its state."""

from __future__ import annotations

from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.serve_api.openapi import answers
from functions.serve_api.parameters import DatasetName, Estab
from functions.serve_api.responses import dependencies_of
from xporter_bridge.api.history_views import AttemptsView, CallbacksView, HistoryView

router = Router()  # type: ignore[no-untyped-call]


@router.get(
    "/v1/schools/<estab>/datasets/<dataset>/attempts",
    summary="The latest attempts at the pull of a dataset",
    operation_id="listAttempts",
    tags=["history"],
    responses=answers(200, AttemptsView, 400, 404),
)
def list_attempts(estab: Estab, dataset: DatasetName) -> AttemptsView:
    """At most 20 of the last 30 days, the latest first; attempts that ended alike are counted."""
    deps = dependencies_of(router)
    return deps.viewer.attempts(estab, dataset, deps.now())


@router.get(
    "/v1/schools/<estab>/callbacks",
    summary="The latest callbacks that announced data of a school",
    operation_id="listCallbacks",
    tags=["history"],
    responses=answers(200, CallbacksView, 400, 404),
)
def list_callbacks(estab: Estab) -> CallbacksView:
    """By database, of the last 30 days; of several callbacks before one pull, the latest."""
    deps = dependencies_of(router)
    return deps.viewer.callbacks(estab, deps.now())


@router.get(
    "/v1/schools/<estab>/history",
    summary="What happened at a school",
    operation_id="getHistory",
    tags=["history"],
    responses=answers(200, HistoryView, 400, 404),
)
def get_history(estab: Estab) -> HistoryView:
    """Its changes of state, its callbacks, and the attempts at all its datasets."""
    deps = dependencies_of(router)
    return deps.viewer.history(estab, deps.now())
