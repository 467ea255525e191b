"""The audit trail as the API shows it."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from pydantic import BaseModel

from xporter_bridge.audit.model import AuditEntry
from xporter_bridge.audit.trail import AuditTrail
from xporter_bridge.errors import RequestRejectedError
from xporter_bridge.timestamps import iso

# Between the subject and the position, which holds no such character.
_BETWEEN = "~"


class AuditEntryView(BaseModel):
    """One fact: `by` is the caller's ARN, `estab` is null for what concerns no single school."""

    at: str
    estab: str | None
    action: str
    outcome: str
    by: str
    id: str
    about: dict[str, str]


class AuditPage(BaseModel):
    """One page of the trail; `cursor` leads to the next and is null on the last page."""

    entries: list[AuditEntryView]
    cursor: str | None


def present_audit(
    trail: AuditTrail, subject: str | None, limit: int, cursor: str | None
) -> AuditPage:
    """Return one page of the trail.

    Args:
        subject: An estab or "stack": its entries, the latest first. None: all entries, in no order.

    Raises:
        RequestRejectedError: 400 for a cursor that is none, or one of another call.
    """
    start = _start(cursor, subject) if cursor else None
    found, following = trail.page(subject, limit, start)
    last = f"{following['subject']}{_BETWEEN}{following['position']}" if following else None
    return AuditPage(
        entries=[_view(entry) for entry in found],
        cursor=last and base64.urlsafe_b64encode(last.encode()).decode().rstrip("="),
    )


def _view(entry: AuditEntry) -> AuditEntryView:
    return AuditEntryView(
        at=iso(entry.at),
        estab=entry.subject if entry.subject.isdigit() else None,
        action=entry.action,
        outcome=entry.outcome,
        by=entry.by,
        id=entry.id,
        about=dict(entry.about),
    )


def _start(cursor: str, subject: str | None) -> Mapping[str, str]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError as error:
        raise RequestRejectedError(400, "invalid cursor") from error
    named, between, position = text.partition(_BETWEEN)
    if not (named and between and position) or subject not in {None, named}:
        raise RequestRejectedError(400, "invalid cursor, or one of a call with another subject")
    return {"subject": named, "position": position}
