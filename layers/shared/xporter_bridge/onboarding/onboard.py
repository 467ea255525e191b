"""Onboards a school after an authentication callback, a repeated check or a person's decision."""

from __future__ import annotations

import base64
from dataclasses import replace

from xporter_bridge import telemetry
from xporter_bridge.errors import RateLimitedError, TransientError, XporterUnavailableError
from xporter_bridge.onboarding.messages import ProbeSchool, ReadmitSchool, SchoolAuthorised
from xporter_bridge.onboarding.prove_secret import (
    OnboardDependencies,
    change_same_life,
    record_refusal,
    record_unanswered,
    verify_secret,
)
from xporter_bridge.schools import vault as vaults
from xporter_bridge.schools.model import School
from xporter_bridge.schools.outbox import publish_school_events
from xporter_bridge.schools.states import SchoolState


def onboard(
    message: SchoolAuthorised | ProbeSchool | ReadmitSchool, deps: OnboardDependencies
) -> None:
    """Process one authentication callback, or try the stored secret of a school that waits.

    Idempotent: a repeated callback verifies the same secret again and changes nothing. A
    message without a secret tries the stored secret again.

    Raises:
        TransientError: Xporter or AWS could not be reached, or the school is being erased; the
            message should come again.
    """
    estab = message.estab
    before = deps.schools.get(estab) or School(estab)
    if isinstance(message, ProbeSchool):
        _probe(before, deps)
    elif before.is_being_erased:
        raise TransientError("school_being_erased")
    elif isinstance(message, ReadmitSchool):
        deps.schools.change(estab, readmitted, of_erased=True)
        telemetry.record("school_readmitted", estab=estab)
    elif message.relying_party.casefold() != deps.relying_party.casefold():
        record_refusal(before, "unknown_partner", deps)
    else:
        secret = deps.transit.unseal(estab, base64.b64decode(message.sealed_secret))
        if not _was_erased(before, secret, message, deps):
            _prove(before, secret, message, deps)
    publish_school_events(estab, deps.schools, deps.bus)


def _prove(
    before: School, secret: str, message: SchoolAuthorised, deps: OnboardDependencies
) -> None:
    """Verify the secret of a callback; show a new school also while Xporter cannot be asked."""
    key = deps.vault.open(before.estab, before.credentials)
    try:
        verify_secret(before, key, secret, deps, flags=message)
    except (XporterUnavailableError, RateLimitedError) as error:
        record_unanswered(before, error.reason, deps)
        raise


def readmitted(school: School) -> School:
    """Return the school without what refuses the secrets that were erased with it."""
    return replace(school, erased_secrets=None)


def _was_erased(
    before: School, secret: str, message: SchoolAuthorised, deps: OnboardDependencies
) -> bool:
    """Tell whether the erasure of the school covers the secret, and remember it if so.

    The time of receipt says so of a callback that waited while the school was erased. It says
    nothing of one that is sent again, which the digests of the erased secrets tell.
    """
    if deps.vault.was_erased(before, secret):
        telemetry.warn("erased_secret_refused", estab=before.estab)
        return True
    erased_at = before.state_since if before.state is SchoolState.ERASED else None
    if erased_at is None or message.received_at > erased_at:
        return False
    telemetry.warn("callback_older_than_erasure", estab=before.estab)
    erased = deps.vault.remembering_erased(before, (secret,))
    change_same_life(before, lambda school: replace(school, erased_secrets=erased), deps)
    return True


def _probe(school: School, deps: OnboardDependencies) -> None:
    """Try the stored secrets again: the pending ones, the newest first, then the verified one."""
    held = school.credentials
    if held is None or school.is_gone:
        return
    key = deps.vault.open(school.estab, held)
    try:
        for secret in (*reversed(vaults.pending_of(key, held)), vaults.secret_of(key, held)):
            if secret and verify_secret(school, key, secret, deps):
                return
    except (XporterUnavailableError, RateLimitedError) as error:
        # The watchdog has set the time of the next look before it sent this message.
        telemetry.warn("school_not_probed", estab=school.estab, reason=error.reason)
