"""What pulls on request and writebacks have in common: an identity, a deadline, and an end.

An operation is a conversation with Xporter that takes minutes or hours. Its item says what it
waits for and until when, so that whoever comes by can carry it on.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from xporter_bridge.timestamps import iso

# How long an operation can be asked about after its end; then its item expires.
KEPT = timedelta(days=90)
# A message was sent for it: give its consumer this long before sending another.
PATIENCE = timedelta(minutes=2)


class OperationKind(StrEnum):
    """What the conversation is about; every id of the kind begins with the value."""

    PULL = "pull"
    WRITEBACK = "writeback"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One conversation about one school.

    ``watch_at`` is when somebody must look at it even if nothing happens, empty for never;
    ``expires_at`` is in epoch seconds, 0 for never. ``version`` guards against two writers and is
    0 before the item is stored.
    """

    estab: str
    id: str
    created_at: str
    watch_at: str = ""
    expires_at: int = 0
    version: int = 0


def identity(kind: OperationKind, estab: str, about: str) -> str:
    """Return the id of an operation: the same words give the same id, and hide them."""
    return f"{kind}-{uuid.uuid5(uuid.NAMESPACE_URL, f'xporter-bridge/{kind}/{estab}/{about}').hex}"


def kind_of(id_: str) -> OperationKind | None:
    """Return the kind of operation that the id names, or None for a foreign id."""
    try:
        return OperationKind(id_.partition("-")[0])
    except ValueError:
        return None


def expiry(now: datetime) -> int:
    """Return when an operation that ends now may be forgotten, in epoch seconds."""
    return int((now + KEPT).timestamp())


def soon(now: datetime) -> str:
    """Return when to look again at an operation for which a message has just been sent."""
    return iso(now + PATIENCE)
