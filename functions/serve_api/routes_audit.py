"""What an auditor reads: who asked for what, and which fields are stored."""

from __future__ import annotations

from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.serve_api.openapi import answers
from functions.serve_api.parameters import AuditCursor, AuditLimit, Subject
from functions.serve_api.responses import dependencies_of
from xporter_bridge.api.audit_views import AuditPage, present_audit
from xporter_bridge.api.inventory_views import InventoryView, present_inventory

router = Router()  # type: ignore[no-untyped-call]


@router.get(
    "/v1/audit",
    summary="Who asked for what, with what outcome",
    operation_id="listAudit",
    tags=["audit"],
    responses=answers(200, AuditPage, 400),
)
def list_audit(
    subject: Subject = None, limit: AuditLimit = 100, cursor: AuditCursor = None
) -> AuditPage:
    """Of a school or of `stack`, the latest first; without a subject everything, in no order."""
    return present_audit(dependencies_of(router).audit, subject, limit, cursor)


@router.get(
    "/v1/inventory",
    summary="Which fields are stored",
    operation_id="getInventory",
    tags=["audit"],
    responses=answers(200, InventoryView),
)
def get_inventory() -> InventoryView:
    """The configured datasets with their scopes, tables, stored fields and fields left out."""
    return present_inventory(dependencies_of(router).viewer.config)
