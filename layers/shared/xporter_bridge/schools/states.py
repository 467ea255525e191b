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
