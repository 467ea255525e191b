"""What the API remembers of a school, as types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Attempt:
    """How ``count`` pulls of a dataset in a row ended; ``says`` tells a person.

    ``announced_at`` is when the callback came that caused the pull; None for another cause.
    """

    dataset: str
    outcome: str
    says: str
    reason: str | None
    sequence: int
    count: int
    first_at: datetime
    ended_at: datetime
    announced_at: datetime | None

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Attempt:
        """Return the attempt of an answer."""
        return cls(
            document["dataset"],
            document["outcome"],
            document["says"],
            document["reason"],
            document["sequence"],
            document["count"],
            datetime.fromisoformat(document["first_at"]),
            datetime.fromisoformat(document["ended_at"]),
            document["announced_at"] and datetime.fromisoformat(document["announced_at"]),
        )


@dataclass(frozen=True)
class Callback:
    """A callback that announced a database, and the datasets that were pulled for it."""

    database: str
    received_at: datetime
    datasets: tuple[str, ...]

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Callback:
        """Return the callback of an answer."""
        received_at = datetime.fromisoformat(document["received_at"])
        return cls(document["database"], received_at, tuple(document["datasets"]))


@dataclass(frozen=True)
class StateChange:
    """A school entered a state; ``says`` tells a person why."""

    at: datetime
    state: str
    says: str


@dataclass(frozen=True)
class History:
    """What happened at a school lately; each with the latest first."""

    states: tuple[StateChange, ...]
    callbacks: tuple[Callback, ...]
    attempts: tuple[Attempt, ...]

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> History:
        """Return the history of an answer."""
        states = (
            StateChange(datetime.fromisoformat(each["at"]), each["state"], each["says"])
            for each in document["states"]
        )
        return cls(
            tuple(states),
            tuple(map(Callback.read, document["callbacks"])),
            tuple(map(Attempt.read, document["attempts"])),
        )
