"""A sentence for people about a trouble and its remedy, and the sentence for a school's state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from xporter_bridge.schools.announced_end import AnnouncedEnd
from xporter_bridge.schools.history import UNANSWERED
from xporter_bridge.schools.model import ESTAB_CHANGED, School
from xporter_bridge.schools.states import UNUSED, SchoolState
from xporter_bridge.schools.trouble import Trouble
from xporter_bridge.timestamps import iso


class Severity(StrEnum):
    """How much something matters: ``trouble`` needs a person, ``notice`` passes by itself."""

    NONE = "none"
    NOTICE = "notice"
    TROUBLE = "trouble"


_ORDER = tuple(Severity)


@dataclass(frozen=True)
class Attention:
    """One thing that a person should know: what it is, what to do, since when (None: not known).

    Of two things of one severity, the one with the higher ``rank`` explains the other, or is
    lost sooner if nobody does anything.
    """

    severity: Severity
    says: str
    do: str
    since: datetime | None = None
    rank: int = 0

    def weight(self) -> tuple[int, int]:
        """Return a number pair that is higher for what matters more."""
        return _ORDER.index(self.severity), self.rank

    def document(self) -> dict[str, str | None]:
        """Return the attention as events and the API show it."""
        return {
            "says": self.says,
            "do": self.do,
            "since": iso(self.since) if self.since else None,
            "severity": str(self.severity),
        }


# In these states nothing is pulled, and nobody expects data to be kept up to date.
WITHOUT_PULLS = frozenset({SchoolState.ERASED, SchoolState.INVITED, SchoolState.AUTHORISED})
ALL_IS_WELL = Attention(Severity.NONE, "Data is kept up to date.", "Nothing to do.")
_IS_CONNECTED = Attention(Severity.NONE, "The school is connected.", "Nothing to do.")
_NOTHING = "Nothing to do: the bridge goes on by itself."


def of_event(school: School) -> Attention:
    """Return what an event about the school's state tells a person; nothing about its data."""
    return max(of_school(school), key=Attention.weight, default=_IS_CONNECTED)


def trouble_of(school: School) -> Trouble | None:
    """Return the worst trouble of a school, of its own or of its data as last noted; None if none.

    This decides whether the school is in the index of troubled schools, and where.
    """
    own = max(of_school(school), key=Attention.weight, default=None)
    has_pulls = school.state not in WITHOUT_PULLS and not school.is_being_erased
    of_data = school.data_trouble if has_pulls else None
    if own is None or school.is_pullable:
        is_troubled = own is not None and own.severity is Severity.TROUBLE
        mine = Trouble(own.rank, own.since) if own and is_troubled else None
        return max(filter(None, (mine, of_data)), key=lambda each: each.rank, default=None)
    # A school from which nothing can be pulled explains the trouble with its data.
    is_troubled = own.severity is Severity.TROUBLE or of_data is not None
    return Trouble(own.rank, own.since) if is_troubled else None


def of_school(school: School) -> list[Attention]:
    """Return what the school's own state asks of a person; empty for a connected school."""
    since = school.state_since
    if school.is_being_erased:
        says = "Everything kept of the school is being erased."
        return [Attention(Severity.NOTICE, says, _NOTHING, school.erasure_requested_at, 90)]
    if school.end and school.state in UNUSED:
        return [_to_be_erased(school, school.end)]
    match school.state:
        case SchoolState.ERASED:
            says = "The school is erased; nothing is kept of it."
            return [Attention(Severity.NONE, says, "Nothing to do.", since, 90)]
        case SchoolState.REVOKED:
            says = "The school no longer lets us in; its data grows old and is kept."
            do = "Ask the school to authorise again; its old secret is tried now and then."
            return [Attention(Severity.TROUBLE, says, do, since, 80)]
        case SchoolState.PAUSED:
            return [_paused(school, since)]
        case SchoolState.INVITED:
            return [_invited(school, since)]
        case SchoolState.AUTHORISED:
            says = "The school has authorised, but has not installed Xporter on Demand."
            do = "Ask the school to finish the installation."
            return [Attention(Severity.NOTICE, says, do, since, 70)]
        case _:
            return _connected(school)


def _invited(school: School, since: datetime | None) -> Attention:
    if school.cause.startswith(UNANSWERED):
        says = "The secret of the school came; Xporter could not be asked about it yet."
        do = "Nothing for an hour, as the bridge asks again; then look at Xporter's status."
    elif school.cause == "unknown_partner":
        says = "The school has authorised another application than ours."
        do = "Compare the stack's RelyingParty with your application's id in the Xporter Portal."
    else:
        says = "The school has not authorised yet: no secret of it has been accepted."
        do = "Wait three days, as the bridge tries again; then invite the school again."
    return Attention(Severity.NOTICE, says, do, since, 70)


def _to_be_erased(school: School, end: AnnouncedEnd) -> Attention:
    on = f"{end.at.day} {end.at:%B %Y}"
    says = f"The school is {school.state} for long: all its data will be erased after {on}."
    do = "Copy what you may keep; or ask the school to let us in again, which ends this."
    return Attention(Severity.TROUBLE, says, do, end.announced_at, 85)


def _paused(school: School, since: datetime | None) -> Attention:
    if school.cause.startswith(ESTAB_CHANGED):
        says = "The secret of the school opens another school: its number may have changed."
        do = "Move data and consumers over: docs/runbook.md, An estab has changed."
        return Attention(Severity.TROUBLE, says, do, since, 80)
    says = "The school has paused its authorisation: it is choosing whom to include."
    return Attention(Severity.NOTICE, says, "Wait: the bridge asks again by itself.", since, 70)


def _connected(school: School) -> list[Attention]:
    """Return the trouble with a connected school's access, if any."""
    found = []
    if not school.scopes:
        says = "Access works but allows nothing."
        do = "Ask the school what it shares."
        found.append(Attention(Severity.TROUBLE, says, do, None, 60))
    for scope, until in sorted(school.missing_scopes.items()):
        if school.scopes:
            says = f"The school no longer names the scope {scope}."
            do = "Ask the school: unless it shares the scope again, that data will be erased."
            severity = Severity.NOTICE if until else Severity.TROUBLE
            found.append(Attention(severity, says, do, None, 55))
    if school.first_refused_at:
        says = "Xporter has begun to refuse the secret of the school."
        do = "Wait: only three days of refusals mean that the school has revoked its consent."
        found.append(Attention(Severity.NOTICE, says, do, school.first_refused_at, 55))
    return found
