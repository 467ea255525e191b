"""Findings about the state of a school's connection, and about missing scopes."""

from collections.abc import Iterator

from .findings import PULLED, Code, Finding, View, listed, said
from .reasons import sentence

# How the cause of a school begins whose secret Xporter could not be asked about.
_UNANSWERED = "unanswered: "


def of_connection(school: View) -> Iterator[Finding]:
    """Explain the state of the school's connection, unless the school is live."""
    state = school["state"]
    if school.get("erasure_requested_at") and state != "erased":
        yield Finding(
            Code.ERASED,
            f"The school is being erased since {said(school['erasure_requested_at'])}.",
            "Wait for the event school.erased; `xporter-bridge redrive Erasure --dry-run` shows "
            "an erasure that is stuck.",
        )
    elif state == "erased":
        yield Finding(
            Code.ERASED,
            "The school was erased on request; nothing of it is kept."
            if school.get("cause") != "ended"
            else "The school was paused or revoked for long, and was erased at its announced end.",
            "If it is wanted again, let the school authorise your application anew.",
        )
    elif state == "revoked":
        yield Finding(
            Code.REVOKED,
            f"Xporter has refused the school's secret since {said(school['state_since'])}: the "
            "school took its authorisation back.",
            "Ask the school, and let it authorise again; the stored secret is tried daily, then "
            f"weekly, and {_deleted(school)}.",
        )
    elif state == "paused":
        yield _paused(school)
    elif state == "invited":
        yield _invited(school)
    elif state == "authorised":
        yield Finding(
            Code.NEVER_AUTHORISED,
            "The school has authorised the application, and Xporter on Demand is not installed "
            "there yet.",
            "Ask the school to finish the installation.",
        )


def _invited(school: View) -> Finding:
    estab, refusal, cause = school["estab"], school.get("last_refusal"), school.get("cause") or ""
    if cause.startswith(_UNANSWERED):
        why = sentence(cause.removeprefix(_UNANSWERED))
        return Finding(
            Code.XPORTER_FAILING,
            f"A secret came for {estab}, and Xporter could not be asked about it yet: {why}.",
            "Nothing for an hour, as Xporter is asked again for three days; then look at its "
            "status.",
        )
    if refusal == "unknown_partner":
        return Finding(
            Code.NEVER_AUTHORISED,
            f"A callback came for {estab} that authorises another application than yours.",
            "Compare RelyingParty (`xporter-bridge doctor`) with your application's id in the "
            "Xporter Portal, and let the school authorise that.",
        )
    return Finding(
        Code.NEVER_AUTHORISED,
        f"A secret came for {estab} that never opened its data: "
        f"{sentence(refusal or 'secret_refused')}.",
        "Wait three days, as the secret is tried again by itself; then invite the school anew.",
    )


def _paused(school: View) -> Finding:
    cause = school.get("cause") or ""
    if cause.startswith("estab_changed"):
        return Finding(
            Code.PAUSED,
            f"The stored secret belongs to another number ({cause.partition(': ')[2]}), so that "
            "nothing is pulled.",
            'Follow "An estab has changed" in docs/runbook.md.',
        )
    return Finding(
        Code.PAUSED,
        f"The school has paused its authorisation since {said(school['state_since'])}: it is "
        "still choosing whom to include.",
        "Wait, or ask the school to finish choosing in Xporter; it is tried again at least every "
        f"six hours, and {_deleted(school)}.",
    )


def _deleted(school: View) -> str:
    if ends_at := school.get("ends_at"):
        return f"everything kept of it will be erased after {said(ends_at)}"
    return "nothing is deleted meanwhile"


def of_scopes(school: View) -> Iterator[Finding]:
    """Say what the school does not share, or shares no more."""
    if school["state"] not in PULLED:
        return
    missing = [each["scope"] for each in school.get("missing_scopes", ())]
    if not school["scopes"]:
        yield Finding(
            Code.SCOPE_MISSING,
            "The school's token works and allows nothing at all; nothing is pulled or erased.",
            "Ask the school or Xporter's support what it shares; it is looked at again daily.",
        )
    elif missing:
        until = min(
            (each["kept_until"] for each in school["missing_scopes"] if each["kept_until"]),
            default=None,
        )
        kept = (
            f"kept until another look after {said(until)}"
            if until
            else "kept until a person decides"
        )
        yield Finding(
            Code.SCOPE_MISSING,
            f"The school shared {listed(missing)} before and does not any more; what they covered "
            f"is not pulled, and {kept}.",
            "Ask the school whether it meant that, and let it share the scopes again in Xporter.",
        )
    else:
        withheld = [each for each in school["datasets"] if each["state"] == "not_covered"]
        if withheld:
            yield Finding(
                Code.SCOPE_MISSING,
                f"The school does not share {listed(each['dataset'] for each in withheld)} "
                f"({withheld[0]['reason']}).",
                "If they are wanted, let the school share the scopes in Xporter; everything else "
                "is pulled.",
            )
