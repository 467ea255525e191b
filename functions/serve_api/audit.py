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
    "export_id": "[0-9a-f]{32}",
}
# What is noted of a body, by call: these fields, if they have one of these values or are counts.
_SAID: dict[str, dict[str, set[str]]] = {
    "decideHold": {"decision": {"approve", "reject"}},
    "beginExport": {"kind": {"school", "person"}},
    "endExport": {"outcome": {"completed", "failed"}, "files": set(), "rows": set()},
}
# What the answer of a call names by an id.
_MADE = {
    "requestPull": "pull",
    "requestWriteback": "writeback",
    "erasePerson": "erasure",
    "beginExport": "export_id",
}


def asked(
    event: Mapping[str, Any], document: Mapping[str, Any], now: datetime
) -> AuditEntry | None:
    """Return the entry of a request that changes something of a school; None for any other.

    Of the body, only words and counts are noted that the call knows: the decision on a hold, the
    kind of an export and its outcome.

    Args:
        document: The API's OpenAPI document, which names each call.
    """
    context = event["requestContext"]
    method = context["http"]["method"].lower()
    found = _call(method, event["rawPath"], document) if method in _CHANGES else None
    if found is None:
        return None
    action, ids = found
    about = {**ids, **_said(event.get("body"), _SAID.get(action, {}))}
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


def _said(body: Any, known: Mapping[str, set[str]]) -> dict[str, str]:
    """Return the known fields of a body that have a known word or, without words, a count."""
    try:
        document = json.loads(body) if known else {}
        found = {name: document[name] for name in known if name in document}
    except (TypeError, ValueError):
        return {}
    return {
        name: str(value)
        for name, value in found.items()
        if (isinstance(value, str) and value in known[name])
        or (not known[name] and type(value) is int)
    }


def _made(entry: AuditEntry, reply: Reply) -> dict[str, str]:
    """Return the id of what was accepted: a pull, writeback, export or erasure of a person."""
    name = _MADE.get(entry.action)
    if reply["statusCode"] != 202 or name is None:
        return {}
    return {name: json.loads(reply["body"])["id"]}
