"""Looks at dead letters; nothing personal is shown.

A dead letter may hold what the company's software sent, marks included. So only words of our own
are shown: kinds that we know, numbers of schools, names of datasets and databases, reasons.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .aws_errors import explained
from .queues import BATCH, WorkQueue
from .target import Target

# What a message says of its kind, and what a message without one is on each queue.
_KINDS = {
    "Authentication": ("authorised", "probe"),
    "Erasure": ("school", "dataset"),
    "AvailabilityRequest": ("request", "timetable"),
    "Writeback": ("submit", "attendance", "lesson_attendance", "conduct"),
}
_DEFAULT_KINDS = {
    "Authentication": "authorised",
    "Database": "database_changed",
    "Availability": "availability_received",
    "Outcome": "outcome_received",
    "Registration": "register_webhooks",
    "Pull": "pull_dataset",
    "AvailabilityRequest": "request",
    "Writeback": "writeback",
    "Erasure": "erase",
}
_ESTAB = re.compile(r"[0-9]{7}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,149}")
# Reasons are words of ours; anything else was not written by us.
_REASON = re.compile(r"[A-Za-z0-9_:. ,()-]{1,200}")
FAILED_FIVE_TIMES = "failed five times; the log of its function says why"
# Long enough to read a whole queue; at its end every message is visible again at once.
_HIDDEN_SECONDS = 120


@dataclass(frozen=True)
class DeadLetter:
    """A dead letter, as far as it may be shown. ``count`` is how often it was received."""

    queue: str
    kind: str
    estab: str | None
    dataset: str | None
    database: str | None
    reason: str
    age_seconds: int
    count: int


def read(queue: str, message: Mapping[str, Any], now: datetime) -> DeadLetter:
    """Return what may be shown of a message as SQS delivered it."""
    try:
        body = json.loads(message["Body"])
    except ValueError:
        body = None
    attributes = message.get("Attributes", {})
    said = message.get("MessageAttributes", {}).get("reason", {}).get("StringValue", "")
    sent_at = int(attributes.get("SentTimestamp", 0)) / 1000
    known = body if isinstance(body, dict) else {}
    return DeadLetter(
        queue=queue,
        kind=_kind(queue, known) if known else "unreadable",
        estab=_shown(_ESTAB, known.get("estab")),
        dataset=_shown(_NAME, known.get("dataset")),
        database=_shown(_NAME, known.get("database")),
        reason=_shown(_REASON, said) or FAILED_FIVE_TIMES,
        age_seconds=max(0, int(now.timestamp() - sent_at)) if sent_at else 0,
        count=int(attributes.get("ApproximateReceiveCount", 1)),
    )


def peek(
    target: Target, queue: WorkQueue, limit: int, advance: Callable[[int], None]
) -> list[DeadLetter]:
    """Return at most ``limit`` dead letters of a queue; all of them stay where they are."""
    sqs = target.client("sqs")
    handles: list[str] = []
    found: dict[str, DeadLetter] = {}
    try:
        for message in received(sqs, queue.dead_letter_url, limit):
            handles.append(message["ReceiptHandle"])
            found[message["MessageId"]] = read(queue.name, message, datetime.now(UTC))
            advance(1)
    finally:
        _show_again(sqs, queue.dead_letter_url, handles)
    return sorted(found.values(), key=lambda each: -each.age_seconds)


def received(sqs: Any, url: str, limit: int) -> Iterator[Mapping[str, Any]]:
    """Yield messages until there are no more; SQS may answer with none although there are some."""
    received = empty = 0
    while received < limit and empty < 2:
        with explained():
            answer = sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=min(BATCH, limit - received),
                VisibilityTimeout=_HIDDEN_SECONDS,
                WaitTimeSeconds=0,
                MessageAttributeNames=["reason"],
                MessageSystemAttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
            )
        messages = answer.get("Messages", ())
        empty = 0 if messages else empty + 1
        received += len(messages)
        yield from messages


def _show_again(sqs: Any, url: str, handles: list[str]) -> None:
    for start in range(0, len(handles), BATCH):
        entries = [
            {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": 0}
            for number, handle in enumerate(handles[start : start + BATCH])
        ]
        with explained():
            sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)


def _kind(queue: str, body: Mapping[str, Any]) -> str:
    said = body.get("kind")
    return str(said) if said in _KINDS.get(queue, ()) else _DEFAULT_KINDS.get(queue, "unknown")


def _shown(pattern: re.Pattern[str], value: Any) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None
