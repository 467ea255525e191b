"""One school: its scopes, its state, and its next step.

invited ─ authorised ─ installed ─ live        and from any of them: paused, revoked, erased

A callback never sets a state: only an answer of Xporter's token service does
(xporter-api.md 3, 13.1 to 13.6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from xporter_bridge.events.model import Event, new_event
from xporter_bridge.schools.announced_end import AnnouncedEnd, end_event
from xporter_bridge.schools.credentials import Credentials, ErasedSecrets
from xporter_bridge.schools.erased_people import ErasedPeople
from xporter_bridge.schools.history import StateChange, with_change
from xporter_bridge.schools.states import ENDS, NEXT_STEPS, PULLABLE, UNUSED, SchoolState
from xporter_bridge.schools.trouble import Trouble
from xporter_bridge.timestamps import earliest, has_come, iso, to_milliseconds

# The secret of a paused school is tried again after these waits; the last wait repeats. A secret
# that is refused is tried again after as long as it has been refused, but never sooner than the
# first of these waits and never later than the last.
PROBE_WAITS = tuple(timedelta(minutes=minutes) for minutes in (15, 30, 60, 120, 240, 360))
# A fault of Xporter's own may last a night and a day: only refusals over days are the school's.
REFUSALS_UNTIL_REVOKED = 3
REVOKED_AFTER = timedelta(days=3)
# All datasets of a school meet the same refusal within seconds; it counts as one refusal.
_REFUSALS_COUNT_AFTER = timedelta(minutes=10)
# A revoked school's secret is tried daily and, after this time, weekly, without a person's help.
REVOKED_DAILY_FOR = timedelta(days=14)
# So long after a scope was found missing another look decides whether it has gone: a parameter of
# the template.
SECOND_LOOK = timedelta(hours=6)
# For so long an item is kept of a school that nothing but a callback speaks of.
UNPROVED_KEPT = timedelta(days=14)
_DAY, _WEEK = timedelta(days=1), timedelta(days=7)
# The cause that begins with this word ends with the two establishment numbers.
ESTAB_CHANGED = "estab_changed"
_ANNOUNCED = set(SchoolState) - {SchoolState.INVITED, SchoolState.INSTALLED}


@dataclass(frozen=True)
class Registration:
    """A webhook that Xporter holds for one of the school's databases."""

    database: str
    url_fingerprint: str
    key_id: str
    registered_at: datetime


@dataclass(frozen=True)
class School:
    """What we know about one school. ``version`` guards against two writers; 0 is not stored yet.

    ``scopes`` are what it allows now. ``missing_scopes`` are those that it allowed before: what
    they covered is not pulled any more, but may be held until a look after the time given; an
    absent time waits for a person. ``refusals`` counts those of the stored secret since it last
    worked, from ``first_refused_at``.
    ``registrations_checked_at`` is when the latest complete check of its registrations began.
    ``erasure_requested_at`` is set from the request to erase it until nothing of it is left.
    ``expires_at``, in epoch seconds, ends the item of a school that was never proved; 0 is never.
    ``data_trouble`` is the worst trouble of its datasets, as of their last pull or look.
    ``end`` is announced of a school that is paused or revoked for long (schools/end.py).
    """

    estab: str
    state: SchoolState = SchoolState.INVITED
    state_since: datetime | None = None
    cause: str = ""
    name: str = ""
    scopes: tuple[str, ...] = ()
    missing_scopes: Mapping[str, datetime | None] = field(default_factory=dict)
    is_installed: bool | None = None
    has_completed_install: bool | None = None
    credentials: Credentials | None = None
    registrations: Mapping[str, Registration] = field(default_factory=dict)
    registrations_due_at: datetime | None = None
    registrations_checked_at: datetime | None = None
    pauses: int = 0
    refusals: int = 0
    last_refusal: str = ""
    first_refused_at: datetime | None = None
    refused_at: datetime | None = None
    probe_at: datetime | None = None
    erasure_requested_at: datetime | None = None
    erased_secrets: ErasedSecrets | None = None
    erased_people: ErasedPeople | None = None
    expires_at: int = 0
    outbox: tuple[Event, ...] = ()
    history: tuple[StateChange, ...] = ()
    data_trouble: Trouble | None = None
    end: AnnouncedEnd | None = None
    version: int = 0

    @property
    def next_step(self) -> str:
        """The next step, in words for a person."""
        if self.is_being_erased:
            return "everything kept of it is being erased"
        if self.is_pullable and not self.scopes:
            return "its token works but allows nothing: ask the school what it shares"
        if self.state is SchoolState.PAUSED and self.cause.startswith(ESTAB_CHANGED):
            return (
                "nothing is pulled, as its secret opens another school: move data and consumers "
                "over (docs/runbook.md, An estab has changed); asked again until it is right"
            )
        return ENDS if self.end and self.state in UNUSED else NEXT_STEPS[self.state]

    @property
    def retained_scopes(self) -> tuple[str, ...]:
        """What may be held: also what a scope covered that has been missing for a short time."""
        return (*self.scopes, *self.missing_scopes)

    @property
    def is_being_erased(self) -> bool:
        """Tell whether the company asked to erase the school and something may be left of it."""
        return self.erasure_requested_at is not None

    @property
    def is_gone(self) -> bool:
        """Tell whether the school is erased or being erased: nothing is written of it any more."""
        return self.is_being_erased or self.state is SchoolState.ERASED

    @property
    def is_pullable(self) -> bool:
        """Tell whether pulling from the school makes sense now."""
        return self.state in PULLABLE and not self.is_being_erased

    @property
    def has_working_secret(self) -> bool:
        """Tell whether a secret is stored that once yielded a token for this school."""
        return self.credentials is not None and self.credentials.secret is not None


def change_state(school: School, state: SchoolState, cause: str, now: datetime) -> School:
    """Return the school in another state, with the change announced; itself if it is there."""
    if school.state is state and school.version:
        return replace(school, cause=cause) if school.cause != cause else school
    history = with_change(school.history, to_milliseconds(now), str(state), cause)
    entered = replace(school, state=state, state_since=now, cause=cause, history=history)
    if state not in _ANNOUNCED:
        return entered
    event = new_event(
        f"school.{state}", now, about=iso(now), estab=school.estab, state=state, cause=cause
    )
    return replace(entered, outbox=(*school.outbox, event))


def secret_verified(
    school: School,
    granted: tuple[str, ...],
    now: datetime,
    *,
    second_look: timedelta = SECOND_LOOK,
) -> School:
    """Return the school after its secret yielded a token of its own with these scopes."""
    school = replace(
        without_end(school, now),
        pauses=0,
        refusals=0,
        last_refusal="",
        first_refused_at=None,
        refused_at=None,
        probe_at=None,
        expires_at=0,
        registrations_due_at=now,
    )
    school = with_granted_scopes(school, granted, now, second_look=second_look)
    if school.state is SchoolState.LIVE:
        return school
    if school.state is not SchoolState.INSTALLED:
        school = change_state(school, SchoolState.AUTHORISED, "secret_proved", now)
    # The install flags have no documented names, so only a clear "not installed" makes us wait.
    if school.is_installed is False and not school.has_completed_install:
        return replace(school, probe_at=earliest(school.probe_at, now + _DAY))
    return change_state(school, SchoolState.INSTALLED, "ready_to_pull", now)


def with_granted_scopes(
    school: School, granted: tuple[str, ...], now: datetime, *, second_look: timedelta = SECOND_LOOK
) -> School:
    """Return the school after a look at what its token allows.

    TokenDetails may err once (xporter-api.md 13.22). So a scope that is gone is only missing at
    first, and has gone for good when a look after ``second_look`` says the same. A token that
    allows nothing at all proves nothing: no time runs while that is said.
    """
    held = {scope.casefold() for scope in granted}
    end = now + second_look
    known: dict[str, datetime | None] = {**dict.fromkeys(school.scopes), **school.missing_scopes}
    missing = {
        scope: (until or end) if granted else None
        for scope, until in known.items()
        if scope.casefold() not in held and not (granted and has_come(until, now))
    }
    probe_at = earliest(school.probe_at, *missing.values(), None if granted else end)
    return replace(school, scopes=granted, missing_scopes=missing, probe_at=probe_at)


def went_live(school: School, now: datetime) -> School:
    """Return the school once its first data can be read."""
    if school.state is SchoolState.INSTALLED:
        return change_state(school, SchoolState.LIVE, "first_data_committed", now)
    return school


def estab_changed(school: School, named: str, now: datetime) -> School:
    """Return the school after a token for its secret named another one (xporter-api.md 13.23).

    That may be a glitch, or the new number of an academy: until it is right again, or a person has
    moved everything over, nothing is asked for under this number.
    """
    return paused(school, now, f"{ESTAB_CHANGED}: {school.estab} is {named} now")


def paused(school: School, now: datetime, cause: str = "authorisation_paused") -> School:
    """Return the school after Xporter said that its authorisation is paused."""
    school = _with_confirmed_end(school, now)
    return replace(
        change_state(school, SchoolState.PAUSED, cause, now),
        probe_at=next_probe(school, now),
        expires_at=0,
        pauses=school.pauses + 1,
        # Xporter knows whom it asks to wait, so a pause ends a series of refusals.
        refusals=0,
        first_refused_at=None,
    )


def secret_refused(school: School, reason: str, now: datetime) -> School:
    """Return the school after the secret that is stored for it yielded nothing.

    One refusal, or many within a night, may be a fault at Xporter. Only several, over days, mean
    that the school has revoked us (xporter-api.md 13.6) or, where no secret has worked yet, that
    this one never will. No data is deleted for it, and a revoked school is asked again.
    """
    school = _with_confirmed_end(school, now)
    if school.refused_at and school.refused_at + _REFUSALS_COUNT_AFTER > now:
        return replace(school, last_refusal=reason)
    first_refused_at = school.first_refused_at or now
    school = replace(
        school,
        refusals=school.refusals + 1,
        first_refused_at=first_refused_at,
        refused_at=now,
        last_refusal=reason,
    )
    is_lasting = first_refused_at + REVOKED_AFTER <= now
    if school.refusals >= REFUSALS_UNTIL_REVOKED and is_lasting:
        if not school.has_working_secret:
            return replace(
                school, credentials=None, refusals=0, first_refused_at=None, probe_at=None
            )
        school = change_state(school, SchoolState.REVOKED, reason, now)
    return replace(school, probe_at=next_probe(school, now))


def without_end(school: School, now: datetime) -> School:
    """Return the school without its announced end; that it has none any more is published."""
    if school.end is None:
        return school
    told = end_event(school.estab, school.state, school.end, now, is_withdrawn=True)
    return replace(school, end=None, outbox=(*school.outbox, told))


def _with_confirmed_end(school: School, now: datetime) -> School:
    return replace(school, end=school.end.confirmed(now)) if school.end else school


def with_install_flags(
    school: School, name: str, is_installed: bool | None, has_completed_install: bool | None
) -> School:
    """Return the school with what a callback says; an install once completed is never forgotten."""
    return replace(
        school,
        name=name or school.name,
        is_installed=school.is_installed if is_installed is None else is_installed,
        has_completed_install=has_completed_install or school.has_completed_install,
    )


def unproved_until(now: datetime) -> int:
    """Return when a school that is only known from a callback expires, in epoch seconds."""
    return int((now + UNPROVED_KEPT).timestamp())


def next_probe(school: School, now: datetime) -> datetime:
    """Return when to ask again for a school that is refused, paused or revoked."""
    if school.state is SchoolState.REVOKED:
        is_recent = (school.state_since or now) + REVOKED_DAILY_FOR > now
        return now + (_DAY if is_recent else _WEEK)
    if school.first_refused_at:
        so_long = now - school.first_refused_at
        return now + min(max(so_long, PROBE_WAITS[0]), PROBE_WAITS[-1])
    return now + PROBE_WAITS[min(school.pauses, len(PROBE_WAITS) - 1)]
