"""The latest changes of a school's state, oldest first, kept with the school."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

MOST_CHANGES = 20
# A cause that Xporter's answer is part of has a bound, so that the school's item has one too.
_LONGEST_CAUSE = 100


@dataclass(frozen=True)
class StateChange:
    """A school entered a state, and why."""

    at: datetime
    state: str
    cause: str


def with_change(
    history: Sequence[StateChange], at: datetime, state: str, cause: str
) -> tuple[StateChange, ...]:
    """Return the history with one more change, without the oldest if it has become too long."""
    return (*history, StateChange(at, state, cause[:_LONGEST_CAUSE]))[-MOST_CHANGES:]
