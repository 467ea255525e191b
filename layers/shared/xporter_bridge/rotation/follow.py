"""Follows a rotation to its end: the old version is accepted until nobody holds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil

from xporter_bridge import telemetry
from xporter_bridge.aws.secrets_manager import PREVIOUS, StagedVersions
from xporter_bridge.rotation.dependencies import RotationDependencies
from xporter_bridge.rotation.model import Holders, SecretKind, count_holders, droppable_at
from xporter_bridge.schools.repository import SchoolRepository

_PAGE = 200


def follow(
    kind: SecretKind, deps: RotationDependencies, *, drop: bool = False
) -> Mapping[str, int]:
    """Drop the old version if nothing needs it any more, and return where the rotation stands.

    The old token is held by the Xporter Portal, which says nothing of it; so only a person drops
    the token, by ``drop``. The old key is dropped when no webhook and no exchange can bear it.

    Args:
        drop: Drop the old version in any case, because it leaked, or because the Portal has the
            new token. Calls with the old version are refused from the next minute on.

    Returns:
        ``accepted`` versions (1 or 2), ``dropped`` now (0 or 1); of the key also ``schools`` with
        webhooks, those ``on_current`` and ``on_previous``, and ``wait_seconds``, in which callbacks
        of requests and writebacks may still bear the old key.
    """
    secret = deps.secrets[kind]
    versions = secret.versions()
    is_key = kind is SecretKind.KEY
    state = _state_of_key(versions, deps) if is_key else {}
    is_held = bool(versions.previous)
    is_free = is_key and not state["on_previous"] and not state["wait_seconds"]
    dropped = is_held and (drop or is_free)
    if dropped:
        deps.note("dropOld", kind, versions.previous, "asked")
        secret.remove_label(PREVIOUS, versions.previous)
        deps.note("dropOld", kind, versions.previous, "done")
        telemetry.record("old_secret_dropped", secret=str(kind), version=versions.previous)
    telemetry.count("OldSecretAccepted", str(kind), int(is_held and not dropped))
    return {"accepted": 1 + (is_held and not dropped), "dropped": int(dropped), **state}


def follow_all(deps: RotationDependencies) -> Mapping[str, int]:
    """Follow both secrets; return how many old versions were dropped."""
    return {"dropped": sum(follow(kind, deps)["dropped"] for kind in SecretKind)}


def _state_of_key(versions: StagedVersions, deps: RotationDependencies) -> dict[str, int]:
    if not versions.previous:
        return {"schools": 0, "on_current": 0, "on_previous": 0, "wait_seconds": 0}
    held = _count_holders(versions, deps.schools)
    until = droppable_at(versions.changed_at, deps.longest_exchange)
    return {
        "schools": held.schools,
        "on_current": held.on_current,
        "on_previous": held.on_previous,
        "wait_seconds": max(0, ceil((until - deps.now()).total_seconds())),
    }


def _count_holders(versions: StagedVersions, schools: SchoolRepository) -> Holders:
    return count_holders(_key_ids(schools), current=versions.current, previous=versions.previous)


def _key_ids(schools: SchoolRepository) -> Iterator[frozenset[str]]:
    """Yield the key ids of each school that is pulled.

    A paused or revoked school is registered and pulled anew when it returns; its webhooks of
    before may be refused until then, and could keep an old key for years.
    """
    after = None
    while True:
        page, after = schools.page(_PAGE, after)
        for school in page:
            if school.is_pullable:
                yield frozenset(each.key_id for each in school.registrations.values())
        if after is None:
            return
