"""Notes in the audit trail who asks for a change, before it is made, and the answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from xporter_bridge import dry_run, telemetry
from xporter_bridge.audit.model import AuditEntry, named
from xporter_bridge.audit.trail import AuditTrail
from xporter_bridge.entrypoints import Reply
from xporter_bridge.errors import XporterBridgeError

_CHANGES = {"post", "put", "patch", "delete"}
_PART = re.compile(r"\{(\w+)\}")
# The forms of the ids in paths; what has another form is refused, and never noted.
_FORMS = {
    "estab": "[0-9]{7}",
    "dataset": "[A-Za-z0-9][A-Za-z0-9_.-]{0,149}",
    "erasure_id": "[0-9a-f]{32}",
}
_DECISIONS = {"approve", "reject"}
# What the answer of a call names by an id.
_MADE = {"requestPull": "pull", "requestWriteback": "writeback", "erasePerson": "erasure"}


def asked(
    event: Mapping[str, Any], document: Mapping[str, Any], now: datetime
) -> AuditEntry | None:
    """Return the entry of a request that changes something of a school; None for any other.

    Of the body, only the decision on a hold is noted, and only if it is one of the two.

    Args:
        document: The API's OpenAPI document, which names each call.
    """
    context = event["requestContext"]
    method = context["http"]["method"].lower()
    found = _call(method, event["rawPath"], document) if method in _CHANGES else None
    if found is None:
        return None
    action, ids = found
    decision = _decision(event.get("body")) if action == "decideHold" else ""
    about = {**ids, **({"decision": decision} if decision else {})}
    estab = about.pop("estab")
    caller = context.get("authorizer", {}).get("iam", {}).get("userArn")
    return AuditEntry(estab, now, context["requestId"], action, "asked", named(caller), about)


def note_asked(entry: AuditEntry, trail: AuditTrail) -> None:
    """Store the entry; nothing is to be done if that fails.

    Raises:
        TransientError: The entry is not stored.
    """
    if not dry_run.is_on():  # the call itself shows more of a new version
        trail.add(entry)


def note_answer(entry: AuditEntry, reply: Reply, trail: AuditTrail, now: datetime) -> None:
    """Store how a request was answered; the answer is given even if that fails."""
    about = {**entry.about, "status": str(reply["statusCode"]), **_made(entry, reply)}
    outcome = "accepted" if reply["statusCode"] < 300 else "refused"
    try:
        trail.add(replace(entry, at=now, outcome=outcome, about=about))
    except XporterBridgeError as error:
        telemetry.report("audit_incomplete", error, estab=entry.subject, action=entry.action)


def _call(method: str, path: str, document: Mapping[str, Any]) -> tuple[str, dict[str, str]] | None:
    for template, operations in document["paths"].items():
        pattern = _PART.sub(lambda part: f"(?P<{part[1]}>{_FORMS.get(part[1], '[^/]+')})", template)
        found = re.fullmatch(pattern, path)
        if found and method in operations and "estab" in found.groupdict():
            return operations[method]["operationId"], found.groupdict()
    return None


def _decision(body: Any) -> str:
    try:
        said = json.loads(body)["decision"]
    except (TypeError, ValueError, KeyError):
        return ""
    return said if said in _DECISIONS else ""


def _made(entry: AuditEntry, reply: Reply) -> dict[str, str]:
    """Return the id of the pull, writeback or erasure of a person that was accepted."""
    name = _MADE.get(entry.action)
    if reply["statusCode"] != 202 or name is None:
        return {}
    return {name: json.loads(reply["body"])["id"]}
