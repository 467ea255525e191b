"""The states of a school, by themselves: functions that only read the index load no record."""

from __future__ import annotations

from enum import StrEnum


class SchoolState(StrEnum):
    """The state of a school; ``schools.model`` shows the ways between them."""

    INVITED = "invited"
    AUTHORISED = "authorised"
    INSTALLED = "installed"
    LIVE = "live"
    PAUSED = "paused"
    REVOKED = "revoked"
    ERASED = "erased"


PULLABLE = frozenset({SchoolState.INSTALLED, SchoolState.LIVE})
# In these states Xporter knows the school and lets nobody have its data.
UNUSED = frozenset({SchoolState.PAUSED, SchoolState.REVOKED})
# What happens next in each state, in words for a person.
NEXT_STEPS = {
    SchoolState.INVITED: "waits for a secret that Xporter accepts",
    SchoolState.AUTHORISED: "waits for the school to install Xporter on Demand",
    SchoolState.INSTALLED: "first pulls are under way",
    SchoolState.LIVE: "data is kept up to date",
    SchoolState.PAUSED: "asked again until the school has chosen whom to include",
    SchoolState.REVOKED: (
        "waits for the school to authorise again, and is asked again daily, then weekly; "
        "nothing is deleted without an announcement"
    ),
    SchoolState.ERASED: "nothing is kept; a new authorisation begins anew",
}
ENDS = "is erased after the announced time, unless the school lets us in again"
