"""One attempt at a pull, or several in a row that ended alike, as they are remembered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AttemptOutcome(StrEnum):
    """How an attempt ended."""

    COMMITTED = "committed"
    UNCHANGED = "unchanged"
    HELD = "held"
    NOT_COVERED = "not_covered"
    FAILED = "failed"
    STOPPED = "stopped"  # the school's own state forbade it, or the dataset is not configured
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Attempt:
    """How ``count`` attempts in a row ended, the first at ``first_at``, the last at ``ended_at``.

    ``sequence`` is what readers had after it. ``heard_at`` is when the latest callback came that
    no earlier attempt had answered; None if a person or the clock was the reason.
    """

    ended_at: datetime
    outcome: AttemptOutcome
    reason: str = ""
    sequence: int = 0
    heard_at: datetime | None = None
    count: int = 1
    first_at: datetime | None = None
