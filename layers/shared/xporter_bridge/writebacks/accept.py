"""Accepts writebacks, from the API or as messages: checked, sealed, stored once, and queued."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson

from xporter_bridge import telemetry
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.errors import ConflictError, PermanentError, RequestRejectedError
from xporter_bridge.operations.model import OperationKind, identity
from xporter_bridge.schools.encryption import seal
from xporter_bridge.schools.model import School
from xporter_bridge.schools.refusal import why_refused
from xporter_bridge.schools.vault import OpenedKey, SchoolVault
from xporter_bridge.writebacks.messages import SubmitWriteback, WritebackRequested
from xporter_bridge.writebacks.model import (
    Part,
    PartState,
    Writeback,
    WritebackKind,
    WritebackState,
)
from xporter_bridge.writebacks.repository import WritebackRepository
from xporter_bridge.writebacks.transitions import cancelled, queued
from xporter_bridge.writebacks.validation import (
    CheckedPayload,
    check,
    digest,
    is_payload_of,
    scope_of,
)
from xporter_bridge.xporter.scopes import covers

_MAX_KEY = 255
# What identifies a message.
_NAMES = ("estab", "id", "kind", "idempotency_key")


@dataclass(frozen=True)
class AcceptDependencies:
    """The dependencies of accepting. A writeback has ``deadline`` to be sent."""

    operations: WritebackRepository
    vault: SchoolVault
    queue: Queue
    deadline: timedelta
    now: Callable[[], datetime]


def accept(
    school: School | None,
    kind: str,
    payload: Mapping[str, Any],
    idempotency_key: str | None,
    deps: AcceptDependencies,
) -> Writeback:
    """Accept a writeback and return it; it is stored durably, sealed under the school's own key.

    The same key with the same payload is the same writeback, for as long as its outcome is kept.

    Raises:
        RequestRejectedError: 400 for a missing key or a broken rule, 404 for no such school, 409
            for a key used with another payload or a school that cannot be written to, 413.
        TransientError: It may or may not be stored; repeat the request with the same key.
    """
    if school is None:
        raise RequestRejectedError(404, "there is no such school")
    given = _checked_key(idempotency_key)
    id_ = identity(OperationKind.WRITEBACK, school.estab, given)
    key = _key_of(school, deps)
    held = deps.operations.get(school.estab, id_)
    if held is None:
        mark = digest(kind, payload, given, key.key)
        held = _store(school, id_, mark, check(kind, payload), key, deps)
    if not is_payload_of(held.payload_digest, kind, payload, given, key.key):
        raise RequestRejectedError(409, "the Idempotency-Key was used with another payload")
    if held.state is WritebackState.QUEUED:
        deps.queue.send(SubmitWriteback(held.estab, held.id).body())
    return held


def accept_message(
    message: WritebackRequested, school: School | None, deps: AcceptDependencies
) -> Writeback | None:
    """Accept a writeback that the company's software put on the queue itself.

    Nobody waits for an answer there, so a writeback that is refused is kept as one that failed,
    and announced like any other. None says that its school is erased, or being erased: then
    nothing is kept of the writeback.

    Raises:
        PermanentError: The message names no school, or one that has not authorised yet, or its
            key was used with another payload.
        TransientError: The message should come again.
    """
    kind, payload = str(message.kind), message.payload
    given, estab = message.idempotency_key, str(message.estab)
    if not isinstance(payload, Mapping) or not isinstance(given, str):
        raise PermanentError("message_malformed")
    if school is not None and school.is_gone:
        telemetry.record("writeback_of_erased_school_dropped", estab=estab)
        return None
    try:
        return accept(school, kind, payload, given, deps)
    except RequestRejectedError as rejected:
        is_kept = kind in set(WritebackKind) and "Idempotency-Key" not in rejected.detail
        if school is None or school.credentials is None or not is_kept:
            raise PermanentError("writeback_rejected") from rejected
        return _keep_refused(school, kind, payload, given, rejected.detail, deps)


def without_payload(body: str) -> str:
    """Return a queue message without its content about pupils, so that a person may see it."""
    message = orjson.loads(body)
    return orjson.dumps({name: message[name] for name in _NAMES if name in message}).decode()


def content_context(estab: str, id_: str) -> str:
    """Return the encryption context of a writeback's content."""
    return f"writeback/{estab}/{id_}"


def _checked_key(key: str | None) -> str:
    if not key or not key.strip():
        raise RequestRejectedError(400, "Idempotency-Key is required: one per writeback, your own")
    if len(key) > _MAX_KEY or not key.isprintable():
        raise RequestRejectedError(400, f"Idempotency-Key: up to {_MAX_KEY} printable characters")
    return key.strip()


def _key_of(school: School, deps: AcceptDependencies) -> OpenedKey:
    if school.credentials is None:
        raise RequestRejectedError(409, why_refused(school))
    return deps.vault.open(school.estab, school.credentials)


def _store(
    school: School,
    id_: str,
    mark: str,
    checked: CheckedPayload,
    key: OpenedKey,
    deps: AcceptDependencies,
) -> Writeback:
    _prove_writable(school, checked)
    people = deps.vault.open_people(school)
    if people and people.are_named_in(checked.bodies):
        raise RequestRejectedError(409, "the writeback names a person who was erased")
    estab, now = school.estab, deps.now()
    parts = tuple(
        queued(Part(date=day, rows=rows), deps.deadline, now)
        for day, rows in zip(checked.dates, checked.rows, strict=True)
    )
    made = Writeback(
        estab=estab,
        id=id_,
        created_at=now,
        watch_at=parts[0].look_at,
        kind=checked.kind,
        mode=checked.mode,
        payload_digest=mark,
        parts=parts,
        content=seal(
            key.key,
            orjson.dumps(checked.bodies).decode(),
            context=content_context(estab, id_),
        ),
    )
    try:
        deps.operations.add(made)
    except ConflictError:
        # Another request with the same key came first.
        return deps.operations.get(estab, id_) or made
    return replace(made, version=1)


def _keep_refused(
    school: School,
    kind: str,
    payload: Mapping[str, Any],
    given: str,
    detail: str,
    deps: AcceptDependencies,
) -> Writeback:
    now, key, estab = deps.now(), given.strip(), school.estab
    id_ = identity(OperationKind.WRITEBACK, estab, key)
    unchecked = Writeback(
        estab=estab,
        id=id_,
        created_at=now,
        kind=WritebackKind(kind),
        mode="async",
        payload_digest=digest(kind, payload, key, _key_of(school, deps).key),
        parts=(Part(date="", rows=0, state=PartState.QUEUED),),
    )
    # The event says only that it was; the words, which name fields, are for those who ask.
    made = replace(cancelled(unchecked, "rejected", now), reason=detail[:500])
    try:
        deps.operations.add(made)
    except ConflictError:
        return deps.operations.get(estab, id_) or made
    return replace(made, version=1)


def _prove_writable(school: School, checked: CheckedPayload) -> None:
    if not school.is_pullable:
        raise RequestRejectedError(409, why_refused(school))
    scope = scope_of(checked.kind)
    if not covers(school.scopes, scope):
        raise RequestRejectedError(409, f"the school has not granted scope {scope}; ask it to")
