"""Why a request about a school is refused because of its state, for the company's software."""

from __future__ import annotations

from xporter_bridge.schools.model import ESTAB_CHANGED, School
from xporter_bridge.schools.states import PULLABLE, SchoolState

_WHY = {
    SchoolState.INVITED: "Xporter has not accepted a secret of it yet",
    SchoolState.AUTHORISED: "it has not installed Xporter on Demand yet",
    SchoolState.PAUSED: "Xporter does nothing for it until it has chosen whom to include",
    SchoolState.REVOKED: "Xporter refuses its secret, so it must authorise again first",
    SchoolState.ERASED: "nothing is kept of it, and it must authorise anew first",
}


def why_refused(school: School) -> str:
    """Return the sentence that tells why the state of the school allows no such request.

    ``next_step`` tells what we do about the school; this tells why we do not what was requested.
    """
    if school.is_being_erased:
        return "the school is being erased: no request about it is accepted any more"
    if school.state in PULLABLE:
        return f"the school is {school.state}, but no secret of it is stored"
    if school.state is SchoolState.PAUSED and school.cause.startswith(ESTAB_CHANGED):
        return "the school is paused: its secret opens another school, so nothing is done under it"
    return f"the school is {school.state}: {_WHY[school.state]}"
