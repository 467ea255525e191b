"""The messages of the erasure queue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xporter_bridge.messages import Message

# How often, a quarter of an hour apart, an erasure looks for what comes late. A writeback that is
# on its queue, and fails each time, becomes a dead letter after three hours.
LATE_LOOKS = 13


@dataclass(frozen=True)
class EraseSchool(Message):
    """Everything of the school goes; it has been marked for that.

    ``looks`` is how many further messages look for what has come late.
    """

    KIND = "school"

    looks: int = 0


@dataclass(frozen=True)
class EraseDataset(Message):
    """One dataset goes, for the reason that its manifest will state."""

    KIND = "dataset"

    dataset: str
    reason: str


@dataclass(frozen=True)
class ErasePeople(Message):
    """Whatever the school's tombstones of people still ask for is done; nobody is named.

    ``looks`` is how many further messages look for dead letters that have come late.
    """

    KIND = "people"

    looks: int = 0


@dataclass(frozen=True)
class EndSchool(Message):
    """One step towards the end of a paused or revoked school, if it still is the next one.

    Earlier versions read this as ``EraseSchool``, and erase only what is marked for that.
    """

    KIND = "end"

    step: str = ""


Erasure = EraseSchool | EraseDataset | ErasePeople | EndSchool


def read_erasure(body: Mapping[str, Any]) -> Erasure:
    """Return what is to be erased.

    Messages without a kind, those of a person included, are told apart by ``dataset``.

    Raises:
        TypeError: The message is none of these.
    """
    if body.get("kind", "") == ErasePeople.KIND:
        return ErasePeople.read(body)
    if body.get("kind", "") == EndSchool.KIND:
        return EndSchool.read(body)
    is_dataset = body.get("kind", "") == EraseDataset.KIND or "dataset" in body
    return EraseDataset.read(body) if is_dataset else EraseSchool.read(body)
