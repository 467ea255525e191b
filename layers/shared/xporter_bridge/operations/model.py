"""The common part of pulls on request and writebacks: an id, a deadline, and an end.

An operation is an exchange with Xporter that takes minutes or hours. Its record states the awaited
event and its deadline, so that any invocation can continue the operation.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# The time between the end of an operation and the expiry of its item.
KEPT = timedelta(days=90)
# The time that a consumer has for a message before the watchdog sends another.
PATIENCE = timedelta(minutes=2)


class OperationKind(StrEnum):
    """The kinds of operations; every id of a kind begins with the value."""

    PULL = "pull"
    WRITEBACK = "writeback"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation of one school.

    ``watch_at`` is the time of the watchdog's next check, None for never; ``expires_at`` is in
    epoch seconds, 0 for never. ``version`` is an optimistic lock, and 0 before the operation is
    stored.
    """

    estab: str
    id: str
    created_at: datetime
    watch_at: datetime | None = None
    expires_at: int = 0
    version: int = 0


def identity(kind: OperationKind, estab: str, about: str) -> str:
    """Return the id of an operation: a digest of ``about``, equal for equal arguments."""
    return f"{kind}-{uuid.uuid5(uuid.NAMESPACE_URL, f'xporter-bridge/{kind}/{estab}/{about}').hex}"


def kind_of(id_: str) -> OperationKind | None:
    """Return the kind of operation that the id names, or None for a foreign id."""
    try:
        return OperationKind(id_.partition("-")[0])
    except ValueError:
        return None


def expiry(now: datetime) -> int:
    """Return when to delete an operation that ends now, in epoch seconds."""
    return int((now + KEPT).timestamp())


def soon(now: datetime) -> datetime:
    """Return the time of the next check of an operation whose message was just sent."""
    return now + PATIENCE
