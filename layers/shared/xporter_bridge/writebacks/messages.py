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
    """The company's software asks for a writeback; its fields are as it wrote them."""

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

    Only ours have an ``id``. ``kind`` does not tell them apart: the company's software states
    what kind of writeback it asks for.

    Raises:
        TypeError: The message is neither.
    """
    if body.get("id") is not None:
        return SubmitWriteback.read(body)
    return WritebackRequested.read(body)
