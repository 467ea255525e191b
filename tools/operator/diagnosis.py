"""Decides why a school's data is not as it should be, whose fault that is, and what to do.

Pure: what the API shows of the school, when Xporter last called, and a clock go in; codes with a
sentence each come out, what explains most first.
"""

from .attempts import of_attempts, of_holds
from .clocks import of_clocks
from .connection import of_connection, of_scopes
from .findings import PULLED, Code, Facts, Finding, said

# A finding that stops the pulls also explains old data and callbacks without a pull.
_EXPLAINS_CLOCKS = frozenset(
    {Code.XPORTER_FAILING, Code.OUR_FAULT, Code.REVOKED, Code.FLEET_BREAKER, Code.HELD}
)
_EXPLAINED = frozenset({Code.WEBHOOK_LOST, Code.OUR_FAULT})


def diagnose(facts: Facts) -> list[Finding]:
    """Return the school's problems, at least one finding: ``none`` if there is no problem."""
    school = facts.school
    if school is None:
        return [_unknown(facts.estab)]
    found = [*of_connection(school)]
    if school["state"] != Code.ERASED:
        found += of_holds(school)
    if school["state"] in PULLED and not school.get("erasure_requested_at"):
        found += [*_of_breaker(facts), *of_scopes(school), *of_attempts(school)]
        is_explained = bool(_EXPLAINS_CLOCKS.intersection(each.code for each in found))
        found += [
            each
            for each in of_clocks(facts, school)
            if not (is_explained and each.code in _EXPLAINED)
        ]
    return found or [Finding(Code.NONE, "Nothing is wrong.", "Nothing needs to be done.")]


def _of_breaker(facts: Facts) -> list[Finding]:
    """Say that the pulls of all schools are held back, if they are."""
    if facts.breaker_opened_at is None:
        return []
    return [
        Finding(
            Code.FLEET_BREAKER,
            f"Xporter fails for all schools; since {said(facts.breaker_opened_at)} pulls wait, but "
            "for a probe every 30 seconds.",
            "Nothing at this school: look at Xporter's status. Pulls go on by themselves.",
        )
    ]


def _unknown(estab: str) -> Finding:
    return Finding(
        Code.NEVER_AUTHORISED,
        f"No authorisation of {estab} was ever received.",
        "Check the number; then let the school authorise your application in the Xporter Portal.",
    )
