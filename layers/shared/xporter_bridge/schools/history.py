"""The latest changes of a school's state, oldest first, kept with the school."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

MOST_CHANGES = 20
# A cause that Xporter's answer is part of has a bound, so that the school's item has one too.
_LONGEST_CAUSE = 100

# The cause of an erasure that nobody asked for.
ENDED = "ended"
_CAUSES = {
    "secret_proved": "its secret was accepted",
    "ready_to_pull": "Xporter on Demand is installed",
    "first_data_committed": "its first data was published",
    "authorisation_paused": "the school is choosing whom to include",
    "erased_on_request": "it was erased on request",
    ENDED: "it had been paused or revoked for long, and its announced end came",
    "unknown_partner": "its callback was for another application",
}
_NUMBER_CHANGED = "estab_changed: "
# A new school's secret came, and Xporter failed: its reason follows.
UNANSWERED = "unanswered: "


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


def cause_in_words(cause: str) -> str:
    """Return why a school entered a state, for a person; every other cause is a refusal."""
    if cause.startswith(_NUMBER_CHANGED):
        return f"its secret opens another school: {cause.removeprefix(_NUMBER_CHANGED)}"
    if cause.startswith(UNANSWERED):
        return "its secret came, and Xporter could not be asked about it"
    return _CAUSES.get(cause, "Xporter refused its secret")
