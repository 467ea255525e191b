"""What changed at any school, in one order."""

from __future__ import annotations

from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.serve_api.openapi import answers
from functions.serve_api.parameters import ChangeCursor, ChangeLimit
from functions.serve_api.responses import dependencies_of
from xporter_bridge.api.change_feed import ChangePage, change_page

router = Router()  # type: ignore[no-untyped-call]


@router.get(
    "/v1/changes",
    summary="What changed at any school",
    operation_id="listChanges",
    tags=["changes"],
    responses=answers(200, ChangePage, 400),
)
def list_changes(after: ChangeCursor = None, limit: ChangeLimit = 100) -> ChangePage:
    """The latest sequence of each dataset, the earliest committed first; erasures too.

    At least once: a change may come again, and none comes before it is half a minute old. Store
    `cursor`, and pass it as `after`; without `after`, the answers begin with the earliest change.
    """
    deps = dependencies_of(router)
    return change_page(deps.viewer.datasets.changes, after, limit, deps.now())
