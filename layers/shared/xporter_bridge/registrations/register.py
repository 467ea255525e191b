"""Keeps the webhooks that Xporter holds for a school equal to those it should have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from xporter_bridge import telemetry
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.callbacks.signed_urls import SigningKey
from xporter_bridge.datasets.config import configured
from xporter_bridge.errors import XporterRefusedError
from xporter_bridge.pulls.reconcile import reconcile_with_scopes
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.registrations.messages import RegisterWebhooks
from xporter_bridge.registrations.model import DesiredRegistration, desired, missing, next_due
from xporter_bridge.schools.model import Registration, School
from xporter_bridge.schools.session import SchoolNotReadyError, SchoolSession, SchoolSessions
from xporter_bridge.timestamps import iso

_RETRY_REFUSED_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class RegisterDependencies:
    """Everything that registering needs."""

    sessions: SchoolSessions
    datasets: DatasetRepository
    pulls: Queue
    erasures: Queue
    base_url: str
    keys: Callable[[], Sequence[SigningKey]]
    now: Callable[[], datetime]


def register(message: RegisterWebhooks, deps: RegisterDependencies) -> None:
    """Look at one school: its scopes if asked to, and the webhooks that it lacks.

    Idempotent: a registration that is recorded, recent and on the right URL is left alone, and
    Xporter overwrites one that is made twice.

    Raises:
        TransientError: Xporter could not be reached; what was registered is recorded.
    """
    now = deps.now()
    try:
        session = deps.sessions.open(message.estab, now)
    except SchoolNotReadyError:
        return
    school = _with_current_scopes(session, deps) if message.look_at_scopes else session.school
    wanted = desired(
        school.estab,
        school.scopes,
        configured().values(),
        base_url=deps.base_url,
        keys=deps.keys(),
    )
    made: dict[str, Registration] = {}
    refusals = 0
    try:
        for each in missing(wanted, school.registrations, now):
            if _is_registered(session, each, deps):
                made[each.database] = Registration(
                    each.database, each.url_fingerprint, deps.keys()[0].id, iso(now)
                )
            else:
                refusals += 1
    finally:
        due = iso(now + _RETRY_REFUSED_AFTER) if refusals else next_due(school.estab, now)
        databases = {each.database for each in wanted}
        deps.sessions.schools.change(
            school.estab, lambda current: _recorded(current, made, databases, due)
        )
    telemetry.record("school_registered", estab=school.estab, made=len(made), refused=refusals)


def _with_current_scopes(session: SchoolSession, deps: RegisterDependencies) -> School:
    """Ask again what the school allows, and adapt its datasets if that has changed.

    Nothing tells us when a school takes a scope away (xporter-api.md 3), so it is looked at daily.
    """
    before = session.school
    details = session.fresh_details()
    school = deps.sessions.schools.change(
        before.estab, lambda current: replace(current, scopes=details.scopes)
    )
    reconcile_with_scopes(
        school, before.scopes, deps.datasets, deps.pulls, deps.erasures, deps.now()
    )
    return school


def _is_registered(
    session: SchoolSession, each: DesiredRegistration, deps: RegisterDependencies
) -> bool:
    xporter = deps.sessions.xporter
    try:
        session.call(lambda token: xporter.register_webhook(token, each.url, each.database))
    except XporterRefusedError as error:
        telemetry.report(
            "registration_refused", error, estab=session.school.estab, database=each.database
        )
        telemetry.count("RegistrationFailed", each.database)
        return False
    telemetry.count("RegistrationMade", each.database)
    return True


def _recorded(
    school: School, made: Mapping[str, Registration], wanted: set[str], due: str
) -> School:
    if not school.credentials:
        return school  # Erased meanwhile.
    kept = {name: entry for name, entry in school.registrations.items() if name in wanted}
    return replace(school, registrations={**kept, **made}, registrations_due_at=due)
