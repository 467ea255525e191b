"""What pulls on request and writebacks share: an id, a deadline, and an end.

An operation is a conversation with Xporter that takes minutes or hours. Its record says what the
operation waits for and until when, so that any invocation can continue it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# How long an operation can be read after its end; then its item expires.
KEPT = timedelta(days=90)
# How long to leave a message to its consumer before the watchdog sends another.
PATIENCE = timedelta(minutes=2)


class OperationKind(StrEnum):
    """The kinds of operations; every id of a kind begins with the value."""

    PULL = "pull"
    WRITEBACK = "writeback"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One conversation about one school.

    ``watch_at`` is when the watchdog looks at it if nothing else happens, None for never;
    ``expires_at`` is in epoch seconds, 0 for never. ``version`` is an optimistic lock, and 0
    before the operation is stored.
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
    """Return when to look again at an operation for which a message has just been sent."""
    return now + PATIENCE
