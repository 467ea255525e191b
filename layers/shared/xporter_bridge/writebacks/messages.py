"""The messages about writebacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xporter_bridge.messages import Message


@dataclass(frozen=True)
class SubmitWriteback(Message):
    """The writeback is taken as far as possible now."""

    KIND = "submit"

    id: str


@dataclass(frozen=True)
class WritebackRequested(Message):
    """The company's software requests a writeback; the fields are unchecked, as received."""

    kind: Any = None
    idempotency_key: Any = None
    payload: Any = None


@dataclass(frozen=True)
class OutcomeReceived(Message):
    """An outcome callback was received, about the attempt that ``subject`` names."""

    subject: str
    is_completed: bool
    tracking_id: str
    reason: str
    results: tuple[tuple[str, str], ...]


def read_writeback(body: Mapping[str, Any]) -> SubmitWriteback | WritebackRequested:
    """Return the message of the writeback queue.

    Only our own messages have an ``id``. ``kind`` does not distinguish them: in the company's
    messages it is the kind of writeback.

    Raises:
        TypeError: The message is neither.
    """
    if body.get("id") is not None:
        return SubmitWriteback.read(body)
    return WritebackRequested.read(body)
