"""What has been added to the recorded forms since; all else must be as it was recorded.

A field that is missing from these sets, or a changed value, fails the tests of the recordings.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

# Fields of the API's answers and of stored items that the recorded code did not have.
ADDED = {
    "missing_scopes", "MissingScopeView", "marks_seen", "similar", "reason", "looks",
    "first_refused_at", "key", "kind", "attention", "AttentionView", "Severity", "failing",
    # What is kept of the past, and the index of troubled schools.
    "history", "attempts", "data_trouble", "trouble", "trouble_shard",
    "/v1/schools/{estab}/datasets/{dataset}/attempts", "/v1/schools/{estab}/callbacks",
    "/v1/schools/{estab}/history",
    # The audit trail.
    "/v1/audit", "AuditEntryView", "AuditPage",
    "/v1/inventory", "DatasetInventory", "InventoryView", "TableInventory",
    "AttemptView", "AttemptsView", "CallbackView", "CallbacksView", "DatasetAttemptView",
    "HistoryView", "StateChangeView", "AttemptOutcome",
    # The erasure of one person.
    "/v1/schools/{estab}/erased-people", "/v1/schools/{estab}/erased-people/{erasure_id}",
    "PersonBody", "PersonKind", "PersonErasureAccepted", "TombstoneLifted",
    "ErasedPeopleView", "ErasedPersonView", "CertificateView", "SequenceErasureView",
    # How the pull itself ended, beside how the wait before it did.
    "result",
    "dead_letters",
    # The announced end of a school that is paused or revoked for long.
    # Since when a change is held, or computed anew, without a decision.
    "held_since", "field_profile",
    # What a person who exports data states.
    "/v1/schools/{estab}/exports", "/v1/schools/{estab}/exports/{export_id}/outcome",
    "ExportBody", "ExportOutcomeBody", "ExportStated",
    "ends_at", "end_announced_at", "end_at", "end_confirmed_at",
    # The feed of changes.
    "change", "change_shard", "/v1/changes", "ChangeKind", "ChangePage", "ChangeView",
    # What the erasure of a person has searched.
    "people_search",
    # The index of deadlines has twice as many shards.
    "watch_shard",
}  # fmt: skip
# Query parameters of GET /v1/schools.
ADDED_PARAMETERS = {"state", "troubled", "q", "fields"}
# Fields that were always null, and now say something.
FILLED = {"retry_at"}
# Sentences for people, which may be reworded.
REWORDED = {"next_step"}
# What nobody refreshed is stale now too, not only what nobody could look at.
AS_OF_IS_OLD = "as_of is old"
PROBED = {"probe_at", "watch_at"}
# For a message that was sent, the watchdog waits 30 minutes and no longer two.
MORE_PATIENCE = timedelta(minutes=28)


def as_recorded(now: Any, then: Any) -> Any:
    """Return what is now without the additions, so that it can be compared with what was then."""
    if isinstance(now, dict) and isinstance(then, dict):
        if now.get("reason") == AS_OF_IS_OLD and "is_stale" in then:
            now = {**now, "is_stale": then["is_stale"]}
        if now.get("state") == "failing" and then.get("state") == "current":
            now = {**now, "state": "current"}
        if "probe_at" in now and "probe_at" in then:
            # The waits between probes may change; the watch follows the probe.
            now = {**now, **{name: then[name] for name in PROBED if name in now and name in then}}
        if _is_later_by(MORE_PATIENCE, now.get("watch_at"), then.get("watch_at")):
            now = {**now, "watch_at": then["watch_at"]}
        return {
            name: then[name]
            if name in then and (name in REWORDED or (name in FILLED and then[name] is None))
            else as_recorded(value, then.get(name))
            for name, value in now.items()
            if name in then or name not in ADDED
        }
    if isinstance(now, list) and isinstance(then, list):
        known = [value for value in now if value in then or not _is_added(value)]
        pairs = [*then, *([None] * len(known))]
        return [as_recorded(value, pairs[number]) for number, value in enumerate(known)]
    if isinstance(now, str) and isinstance(then, str) and now[:1] == "{" == then[:1]:
        plain = as_recorded(json.loads(now), json.loads(then))
        return then if plain == json.loads(then) else now
    return now


def _is_later_by(wait: timedelta, now: Any, then: Any) -> bool:
    if not (isinstance(now, dict) and isinstance(then, dict) and "S" in now and "S" in then):
        return False
    return datetime.fromisoformat(now["S"]) - datetime.fromisoformat(then["S"]) == wait


def _is_added(value: Any) -> bool:
    if isinstance(value, dict) and value.get("in") == "query":
        return value.get("name") in ADDED_PARAMETERS
    return isinstance(value, str) and value in ADDED
