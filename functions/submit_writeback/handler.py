"""Sends writebacks, and reads back those without an outcome at the deadline."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from functions.submit_writeback.settings import Settings
from xporter_bridge import entrypoints
from xporter_bridge.audit.trail import AuditTrail
from xporter_bridge.aws.clients import client
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.callbacks.signing_keys import SigningKeys
from xporter_bridge.events.bus import EventBus
from xporter_bridge.schools.session_settings import school_sessions
from xporter_bridge.schools.vault import SchoolVault
from xporter_bridge.writebacks.accept import AcceptDependencies, accept_message, without_payload
from xporter_bridge.writebacks.audit import note_queued
from xporter_bridge.writebacks.messages import (
    SubmitWriteback,
    WritebackRequested,
    read_writeback,
)
from xporter_bridge.writebacks.repository import WritebackRepository
from xporter_bridge.writebacks.settle import WritebackDependencies
from xporter_bridge.writebacks.submit import SendDependencies, submit

# The longest time of one part, with a refused token; no part begins without this time left.
PART_SECONDS = 270


@cache
def dependencies() -> tuple[AcceptDependencies, WritebackDependencies, SendDependencies, Queue]:
    """Return the dependencies and the dead-letter queue of an invocation."""
    settings = Settings.from_env(os.environ)
    operations = WritebackRepository(client("dynamodb"), settings.operations_table)
    vault = SchoolVault(client("kms"), settings.school_key_id)
    deadline = timedelta(seconds=settings.outcome_deadline_seconds)
    accepting = AcceptDependencies(
        operations=operations,
        vault=vault,
        queue=Queue(client("sqs"), settings.writeback_queue_url),
        deadline=deadline,
        now=lambda: datetime.now(UTC),
    )
    bus = EventBus(client("events"), settings.event_bus)
    sending = SendDependencies(
        sessions=school_sessions(settings),
        keys=SigningKeys(client("secretsmanager"), settings.callback_key_secret_arn).keys,
        callback_base_url=settings.callback_base_url,
        deadline=deadline,
    )
    dead_letters = Queue(client("sqs"), settings.writeback_dead_letter_queue_url)
    kept = timedelta(days=settings.audit_days)
    audit = AuditTrail(client("dynamodb"), settings.audit_table, kept)
    deps = WritebackDependencies(operations, bus, audit, accepting.now)
    return accepting, deps, sending, dead_letters


def handle(message: SubmitWriteback | WritebackRequested, has_time: Callable[[], bool]) -> None:
    """Advance one writeback; accept it first if the company's software sent the message."""
    accepting, deps, sending, _ = dependencies()
    if isinstance(message, WritebackRequested):
        school = sending.sessions.schools.get(str(message.estab))
        taken = accept_message(message, school, accepting)
        if taken is None:
            return
        note_queued(taken, deps.audit)
        id_ = taken.id
    else:
        id_ = message.id
    submit(message.estab, id_, deps, sending, has_time=has_time)


def lambda_handler(event: Mapping[str, Any], context: entrypoints.LambdaContext) -> dict[str, Any]:
    """From the writeback queue: do all steps of the writeback that are possible now.

    A failed message is delivered again; the repetition sends no part twice.
    """
    *_, dead_letters = dependencies()

    def has_time() -> bool:
        return context.get_remaining_time_in_millis() / 1000 > PART_SECONDS

    return entrypoints.consume_messages(
        event,
        context,
        function="submit_writeback",
        read=read_writeback,
        handle=lambda message: handle(message, has_time),
        park=lambda body, reason: dead_letters.dead_letter(without_payload(body), reason),
    )
