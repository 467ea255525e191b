"""What is remembered of a school, as the API answers it: never personal data, bounded, 30 days."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from xporter_bridge.datasets.config import DatasetConfig
from xporter_bridge.pulls.attempt import Attempt, AttemptOutcome
from xporter_bridge.pulls.failures import in_words
from xporter_bridge.pulls.history import KEPT, announcements
from xporter_bridge.pulls.record import DatasetRecord
from xporter_bridge.schools.history import cause_in_words
from xporter_bridge.schools.model import School
from xporter_bridge.timestamps import iso, iso_or_none

_SAYS = {
    AttemptOutcome.COMMITTED: "New data was published",
    AttemptOutcome.UNCHANGED: "Compared with Xporter: nothing had changed",
    AttemptOutcome.HELD: "The change was held for a decision",
    AttemptOutcome.NOT_COVERED: "The school does not share it",
    AttemptOutcome.FAILED: "The pull failed",
    AttemptOutcome.STOPPED: "Nothing was pulled",
    AttemptOutcome.APPROVED: "The held change was approved and published",
    AttemptOutcome.REJECTED: "The held change was dropped",
}


class AttemptView(BaseModel):
    """How ``count`` attempts at a pull in a row ended, from ``first_at`` to ``ended_at``.

    ``announced_at`` is when the callback came that caused it; null for a person, or a clock.
    """

    ended_at: str
    outcome: AttemptOutcome
    says: str
    reason: str | None
    sequence: int
    announced_at: str | None
    count: int
    first_at: str


class AttemptsView(BaseModel):
    """The latest attempts at the pull of a dataset, the latest first."""

    estab: str
    dataset: str
    attempts: list[AttemptView]


class CallbackView(BaseModel):
    """A callback of Xporter that announced a database, and what was pulled for it."""

    database: str
    received_at: str
    datasets: list[str]


class CallbacksView(BaseModel):
    """The latest database callbacks of a school, the latest first."""

    estab: str
    callbacks: list[CallbackView]


class StateChangeView(BaseModel):
    """A school entered a state, and why."""

    at: str
    state: str
    cause: str
    says: str


class DatasetAttemptView(AttemptView):
    """An attempt at the pull of one of several datasets."""

    dataset: str


class HistoryView(CallbacksView):
    """What is remembered of a school, each list with the latest first."""

    states: list[StateChangeView]
    attempts: list[DatasetAttemptView]


def present_attempts(estab: str, dataset: str, item: DatasetRecord, now: datetime) -> AttemptsView:
    """Return the API's answer about the attempts at one dataset."""
    found = [AttemptView(**_attempt(each)) for each in _recent(item, now)]
    return AttemptsView(estab=estab, dataset=dataset, attempts=found)


def present_callbacks(
    estab: str, items: Iterable[DatasetRecord], config: DatasetConfig, now: datetime
) -> CallbacksView:
    """Return the API's answer about a school's callbacks."""
    items = list(items)
    databases = {item.dataset: config.database_of(item) for item in items}
    seen: set[str] = set()
    found = []
    for each in announcements(items, databases):
        # The latest of a database says how long it has been silent, however long that is.
        if each.received_at > now - KEPT or each.database not in seen:
            at, names = iso(each.received_at), list(each.datasets)
            found.append(CallbackView(database=each.database, received_at=at, datasets=names))
        seen.add(each.database)
    return CallbacksView(estab=estab, callbacks=found)


def present_history(
    school: School, items: list[DatasetRecord], config: DatasetConfig, now: datetime
) -> HistoryView:
    """Return the API's answer about everything that is remembered of a school."""
    attempts = [
        DatasetAttemptView(dataset=item.dataset, **_attempt(each))
        for item in items
        for each in _recent(item, now)
    ]
    states = [
        StateChangeView(
            at=iso(each.at), state=each.state, cause=each.cause, says=cause_in_words(each.cause)
        )
        for each in reversed(school.history)
    ]
    return HistoryView(
        estab=school.estab,
        states=states,
        callbacks=present_callbacks(school.estab, items, config, now).callbacks,
        attempts=sorted(attempts, key=lambda each: each.ended_at, reverse=True),
    )


def _recent(item: DatasetRecord, now: datetime) -> list[Attempt]:
    return [each for each in reversed(item.attempts) if each.ended_at > now - KEPT]


def _attempt(attempt: Attempt) -> dict[str, Any]:
    why = in_words(attempt.reason)
    says = f"{_SAYS[attempt.outcome]}: {why}" if why else _SAYS[attempt.outcome]
    return {
        "ended_at": iso(attempt.ended_at),
        "outcome": attempt.outcome,
        "says": f"{says}.",
        "reason": attempt.reason or None,
        "sequence": attempt.sequence,
        "announced_at": iso_or_none(attempt.heard_at),
        "count": attempt.count,
        "first_at": iso(attempt.first_at or attempt.ended_at),
    }
