"""What the product remembers of a school, as entries in order: pure, made of the API's history."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .findings import time_of

_BAD_OUTCOMES = frozenset({"failed", "held", "stopped"})
_BAD_STATES = frozenset({"paused", "revoked", "invited"})


@dataclass(frozen=True)
class Entry:
    """One thing that happened: a ``state`` was entered, a ``callback`` came, a ``pull`` ended."""

    at: str
    kind: str
    what: str
    says: str
    is_bad: bool = False


def entries(history: Mapping[str, Any]) -> list[Entry]:
    """Return everything in the history, the oldest first."""
    found = [*_states(history), *_callbacks(history), *_pulls(history)]
    return sorted(found, key=lambda each: each.at)


def heard_at(history: Mapping[str, Any]) -> dict[str, datetime]:
    """Return by dataset when the latest callback came that announced it."""
    latest: dict[str, datetime] = {}
    for each in history["callbacks"]:
        at = time_of(each["received_at"])
        for dataset in each["datasets"]:
            if at and at > latest.get(dataset, datetime.min.replace(tzinfo=at.tzinfo)):
                latest[dataset] = at
    return latest


def _states(history: Mapping[str, Any]) -> Iterator[Entry]:
    for each in history["states"]:
        says = f"The school is {each['state']}: {each['says']}."
        yield Entry(each["at"], "state", each["state"], says, each["state"] in _BAD_STATES)


def _callbacks(history: Mapping[str, Any]) -> Iterator[Entry]:
    for each in history["callbacks"]:
        says = f"Xporter announced {each['database']}; for {', '.join(each['datasets'])}."
        yield Entry(each["received_at"], "callback", each["database"], says)


def _pulls(history: Mapping[str, Any]) -> Iterator[Entry]:
    for each in history["attempts"]:
        often = f" ({each['count']} times)" if each["count"] > 1 else ""
        says = f"{each['says']}{often}"
        is_bad = each["outcome"] in _BAD_OUTCOMES
        yield Entry(each["ended_at"], "pull", each["dataset"], says, is_bad)
