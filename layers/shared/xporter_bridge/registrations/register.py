"""Keeps the webhooks that Xporter holds for a school equal to those it should have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from xporter_bridge import telemetry
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.callbacks.signed_urls import SigningKey
from xporter_bridge.datasets.config import DatasetConfig
from xporter_bridge.errors import (
    AuthorisationPausedError,
    SecretRefusedError,
    UnrecognisedAnswerError,
    XporterRefusedError,
    XporterUnavailableError,
)
from xporter_bridge.pulls.plan import plan_all
from xporter_bridge.pulls.reconcile import reconcile_with_scopes
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.registrations.messages import RegisterWebhooks
from xporter_bridge.registrations.model import DesiredRegistration, desired, missing, next_due
from xporter_bridge.schools.model import Registration, School, with_granted_scopes
from xporter_bridge.schools.session import SchoolNotReadyError, SchoolSession, SchoolSessions

_RETRY_REFUSED_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class RegisterDependencies:
    """The dependencies of registering."""

    sessions: SchoolSessions
    datasets: DatasetRepository
    pulls: Queue
    erasures: Queue
    config: DatasetConfig
    base_url: str
    keys: Callable[[], Sequence[SigningKey]]
    second_look: timedelta
    now: Callable[[], datetime]


def register(message: RegisterWebhooks, deps: RegisterDependencies) -> None:
    """Look at one school: its scopes and all its datasets if wanted, and the webhooks it lacks.

    Idempotent: a registration that is recorded, recent and on the right URL is left alone, and
    Xporter overwrites one that is made twice.

    Raises:
        TransientError: Xporter could not be reached, or is in an outage that pulls have met; what
            was registered is recorded.
    """
    began_at = deps.now()
    if deps.datasets.breaker.is_open(began_at):
        raise XporterUnavailableError("fleet_breaker_open")
    try:
        session = deps.sessions.open(message.estab, began_at)
        if _is_served(message, session.school):
            telemetry.record("school_checked_already", estab=message.estab)
            return
        if message.look_at_scopes:
            _look_at_scopes(session, deps)
        if message.pulls_since:
            plan_all(
                session.school,
                message.pulls_since,
                deps.datasets,
                deps.pulls,
                deps.config,
                deps.now(),
            )
        _make_missing(session, began_at, deps)
    except SchoolNotReadyError:
        return
    except (AuthorisationPausedError, SecretRefusedError) as error:
        # The school's record has its new state; the watchdog tries again.
        telemetry.warn("school_not_registered", estab=message.estab, reason=error.reason)


def _is_served(message: RegisterWebhooks, school: School) -> bool:
    """Tell whether a check that began after the message was sent has done the message's work."""
    checked_at = school.registrations_checked_at
    if message.sent_at is None or checked_at is None or message.pulls_since:
        return False
    return message.sent_at <= checked_at


def _make_missing(session: SchoolSession, began_at: datetime, deps: RegisterDependencies) -> None:
    """Make the registrations that the school lacks; one that fails keeps no other back."""
    school, now = session.school, deps.now()
    wanted = desired(
        school.estab,
        school.retained_scopes,
        deps.config.values(),
        base_url=deps.base_url,
        keys=deps.keys(),
    )
    made: dict[str, Registration] = {}
    refusals, unrecognised = 0, None
    checked_at = None
    try:
        for each in missing(wanted, school.registrations, now):
            try:
                is_made = _is_registered(session, each, deps)
            except UnrecognisedAnswerError as error:
                telemetry.count("RegistrationFailed", each.database)
                unrecognised = error
                continue
            if is_made:
                made[each.database] = Registration(
                    each.database, each.url_fingerprint, deps.keys()[0].id, now
                )
            else:
                refusals += 1
        checked_at = None if unrecognised else began_at
    finally:
        due = now + _RETRY_REFUSED_AFTER if refusals else next_due(school.estab, now)
        databases = {each.database for each in wanted}
        deps.sessions.schools.change(
            school.estab, lambda current: _recorded(current, made, databases, due, checked_at)
        )
    telemetry.record("school_registered", estab=school.estab, made=len(made), refused=refusals)
    if unrecognised:
        raise unrecognised


def _look_at_scopes(session: SchoolSession, deps: RegisterDependencies) -> None:
    """Read the school's granted scopes, and adapt its datasets if the scopes have changed.

    Xporter sends no event when a school removes a scope (xporter-api.md 3): we check daily.
    """
    before, now = session.school, deps.now()
    details = session.fresh_details()
    session.school = deps.sessions.schools.change(
        before.estab,
        lambda current: with_granted_scopes(
            current, details.scopes, now, second_look=deps.second_look
        ),
    )
    reconcile_with_scopes(
        session.school,
        before.scopes,
        deps.datasets,
        deps.pulls,
        deps.erasures,
        deps.config,
        now,
    )


def _is_registered(
    session: SchoolSession, each: DesiredRegistration, deps: RegisterDependencies
) -> bool:
    xporter = deps.sessions.xporter
    try:
        session.call(lambda token: xporter.register_webhook(token, each.url, each.database))
    except (AuthorisationPausedError, SecretRefusedError):
        raise
    except XporterRefusedError as error:
        telemetry.report(
            "registration_refused", error, estab=session.school.estab, database=each.database
        )
        telemetry.count("RegistrationFailed", each.database)
        return False
    telemetry.count("RegistrationMade", each.database)
    return True


def _recorded(
    school: School,
    made: Mapping[str, Registration],
    wanted: set[str],
    due: datetime,
    checked_at: datetime | None,
) -> School:
    if not school.credentials:
        return school  # Erased meanwhile.
    kept = {name: entry for name, entry in school.registrations.items() if name in wanted}
    return replace(
        school,
        registrations={**kept, **made},
        registrations_due_at=due,
        registrations_checked_at=checked_at or school.registrations_checked_at,
    )
