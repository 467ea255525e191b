"""Proves a school's secret with Xporter, and adopts, keeps or refuses the secret.

A callback is no evidence. A secret replaces the stored one only if its token's details name this
school and this relying party (xporter-api.md 3 and 13.3).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from xporter_bridge import telemetry
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.datasets.config import DatasetConfig
from xporter_bridge.errors import (
    AuthorisationPausedError,
    ConflictError,
    EstabChangedError,
    SecretRefusedError,
)
from xporter_bridge.events.bus import EventBus
from xporter_bridge.onboarding.messages import SchoolAuthorised
from xporter_bridge.onboarding.transit_encryption import TransitEncryption
from xporter_bridge.pulls.reconcile import reconcile_with_scopes
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.registrations.messages import RegisterWebhooks
from xporter_bridge.schools import vault as vaults
from xporter_bridge.schools.history import UNANSWERED
from xporter_bridge.schools.model import (
    School,
    change_state,
    estab_changed,
    paused,
    secret_refused,
    secret_verified,
    unproved_until,
    with_install_flags,
)
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.schools.session import issue_token
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.schools.vault import OpenedKey, SchoolVault
from xporter_bridge.xporter.client import Token, TokenDetails, XporterApi


@dataclass(frozen=True)
class OnboardDependencies:
    """The dependencies of onboarding."""

    schools: SchoolRepository
    datasets: DatasetRepository
    vault: SchoolVault
    transit: TransitEncryption
    xporter: XporterApi
    relying_party: str
    registrations: Queue
    pulls: Queue
    erasures: Queue
    config: DatasetConfig
    bus: EventBus
    second_look: timedelta
    now: Callable[[], datetime]


def verify_secret(
    before: School,
    key: OpenedKey,
    secret: str,
    deps: OnboardDependencies,
    *,
    flags: SchoolAuthorised | None = None,
) -> bool:
    """Adopt the secret if Xporter accepts it; return False if it refused it."""
    now = deps.now()

    def flagged(school: School) -> School:
        if flags is None:
            return school
        return with_install_flags(
            school, flags.school_name or "", flags.is_installed, flags.has_completed_install
        )

    try:
        token, details = issue_token(deps.xporter, before.estab, deps.relying_party, secret)
    except EstabChangedError as error:
        return _note_other_estab(before, error.estab, key, secret, deps)
    except AuthorisationPausedError:
        change_same_life(
            before, lambda school: _paused(flagged(school), key, secret, now), deps, key
        )
        telemetry.warn("school_paused", estab=before.estab)
        return True
    except SecretRefusedError as error:
        record_refusal(before, error.reason, deps, key=key, secret=secret)
        return False
    after = change_same_life(
        before,
        lambda school: with_verified_secret(
            flagged(school), key, secret, token, details, now, second_look=deps.second_look
        ),
        deps,
        key,
    )
    if after.is_gone:
        telemetry.warn("erased_while_proved", estab=before.estab)
        return True
    telemetry.record("school_proved", estab=after.estab, state=str(after.state))
    enqueue_follow_up(after, before.scopes if before.is_pullable else (), deps)
    return True


def _note_other_estab(
    before: School, named: str, key: OpenedKey, secret: str, deps: OnboardDependencies
) -> bool:
    """Record that a secret opens another school; return False if it is not the stored one.

    If it is the stored secret, the school may have a new number. Any other secret was forged, or
    sent to the wrong number.
    """
    held, now = before.credentials, deps.now()
    if held is None or held.secret_digest != vaults.secret_digest(before.estab, secret):
        record_refusal(before, f"token_of_another_school: {named}", deps, key=key, secret=secret)
        return False
    telemetry.warn("estab_changed", estab=before.estab, named=named)
    deps.schools.change(
        before.estab,
        lambda school: estab_changed(school, named, now) if school.credentials else school,
    )
    return True


def with_verified_secret(
    school: School,
    key: OpenedKey,
    secret: str,
    token: Token,
    details: TokenDetails,
    now: datetime,
    *,
    second_look: timedelta,
) -> School:
    """Return the school with the verified secret in place of the stored one."""
    held = school.credentials
    is_same = held is not None and held.secret_digest == vaults.secret_digest(school.estab, secret)
    if held is None or not is_same or held.pending or school.state is SchoolState.ERASED:
        held = vaults.with_secret(key, secret)
    if not is_same or vaults.token_of(key, held, now) is None or details.scopes != school.scopes:
        held = vaults.with_token(key, held, token.value, token.expires_at)
    # Nothing says that a registration survives a new authorisation (xporter-api.md 13.20).
    registrations = school.registrations if is_same else {}
    adopted = replace(school, credentials=held, registrations=registrations)
    return secret_verified(adopted, details.scopes, now, second_look=second_look)


def _paused(school: School, key: OpenedKey, secret: str, now: datetime) -> School:
    """Return the school as paused; a new secret waits beside the one that works."""
    held = school.credentials
    if held is None or held.secret_digest != vaults.secret_digest(school.estab, secret):
        school = replace(school, credentials=vaults.with_pending(key, held, secret))
    return paused(school, now)


def record_refusal(
    before: School,
    reason: str,
    deps: OnboardDependencies,
    *,
    key: OpenedKey | None = None,
    secret: str | None = None,
) -> None:
    """Record why a callback was refused, and keep the secret that worked before.

    Only a refusal of the very secret that is stored counts against the school: a stranger who
    knows the URL could send another. If the school has no secret yet, the refusal may be temporary,
    and Xporter does not send the secret again: it is kept, and tried again over some days.

    Args:
        key, secret: The data key and the secret that Xporter refused.
    """
    now = deps.now()
    telemetry.warn("secret_not_believed", estab=before.estab, reason=reason)
    telemetry.count("XporterRefused", "GetToken")

    def decide(school: School) -> School:
        held = school.credentials
        if held and secret and held.secret_digest == vaults.secret_digest(school.estab, secret):
            return secret_refused(school, reason, now)
        if school.state is SchoolState.ERASED:
            return school
        if school.has_working_secret or school.state is not SchoolState.INVITED:
            return replace(school, last_refusal=reason)
        school = change_state(school, SchoolState.INVITED, reason, now)
        school = replace(school, expires_at=school.expires_at or unproved_until(now))
        if key is None or secret is None:
            return replace(school, last_refusal=reason)
        credentials = vaults.with_pending(key, held, secret)
        if credentials != held:
            # One that is new has its own days to be proved in.
            school = replace(school, credentials=credentials, expires_at=unproved_until(now))
            school = replace(school, refusals=0, first_refused_at=None, refused_at=None)
        return secret_refused(school, reason, now)

    change_same_life(before, decide, deps, key)


def record_unanswered(before: School, reason: str, deps: OnboardDependencies) -> None:
    """Record that a new school has authorised us and that Xporter could not be asked about it.

    Its callback waits in the queue for as long as Xporter is down. Without a record, a person
    who looks for the school would read that the school never authorised us.
    """
    now = deps.now()

    def decide(school: School) -> School:
        is_new = school.state is SchoolState.INVITED and not school.has_working_secret
        if not is_new or school.last_refusal:
            return school
        school = change_state(school, SchoolState.INVITED, UNANSWERED + reason, now)
        return replace(school, expires_at=school.expires_at or unproved_until(now))

    change_same_life(before, decide, deps)


def enqueue_follow_up(
    school: School, previous_scopes: tuple[str, ...], deps: OnboardDependencies
) -> None:
    """Enqueue the school's registrations and pulls, and erasures of removed scopes.

    Derived from the school's state alone, so the repetition after a crash completes it.
    """
    deps.registrations.send(RegisterWebhooks(school.estab).body())
    if not school.is_pullable:
        return
    reconcile_with_scopes(
        school,
        previous_scopes,
        deps.datasets,
        deps.pulls,
        deps.erasures,
        deps.config,
        deps.now(),
    )


def change_same_life(
    before: School,
    decide: Callable[[School], School],
    deps: OnboardDependencies,
    key: OpenedKey | None = None,
) -> School:
    """Change the school, unless it has been erased, or its erasure requested, since ``before``.

    Raises:
        ConflictError: Another process has given the school another data key than ``key``.
    """

    def of_same_life(school: School) -> School:
        if key and school.credentials and school.credentials.wrapped_key != key.wrapped:
            raise ConflictError("school_has_another_key")
        is_erased = school.state is SchoolState.ERASED
        is_since = is_erased and school.state_since != before.state_since
        return school if school.is_being_erased or is_since else decide(school)

    return deps.schools.change(before.estab, of_same_life, of_erased=True)
