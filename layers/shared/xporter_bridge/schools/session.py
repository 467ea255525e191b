"""Calls to Xporter with a school's token, which is renewed when it expires or is refused."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock
from typing import TypeVar

from xporter_bridge.errors import (
    AuthorisationPausedError,
    EstabChangedError,
    PermanentError,
    SecretRefusedError,
    UnauthorisedError,
    XporterRefusedError,
    XporterUnavailableError,
)
from xporter_bridge.schools import vault as vaults
from xporter_bridge.schools.credentials import Credentials
from xporter_bridge.schools.erased_people import OpenedPeople
from xporter_bridge.schools.model import School, estab_changed, paused, secret_refused
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.schools.vault import OpenedKey, SchoolVault
from xporter_bridge.xporter.client import Token, TokenDetails, XporterApi

T = TypeVar("T")

# A token is renewed this long before it expires, so that no pull outlives its token.
_MARGIN = timedelta(minutes=20)
# How long others wait for the token that one session requests, before they request one themselves.
_POLLED_EVERY = timedelta(seconds=0.5)
_POLLS = 20


class SchoolNotReadyError(PermanentError):
    """The school's state forbids calls to Xporter until the state changes."""


def issue_token(
    xporter: XporterApi, estab: str, relying_party: str, secret: str
) -> tuple[Token, TokenDetails]:
    """Return a fresh token of the school and its details; never the token of another school.

    Raises:
        AuthorisationPausedError: The school is still choosing whom to include.
        EstabChangedError: The token is another school's.
        SecretRefusedError: There is none, or it is another partner's.
        XporterUnavailableError: TokenDetails refuses it, which contradicts its being issued a
            moment ago and so will pass.
    """
    token = xporter.get_token(estab, relying_party, secret)
    try:
        details = xporter.token_details(token.value)
    except AuthorisationPausedError:
        raise
    except XporterRefusedError as error:
        raise XporterUnavailableError("fresh_token_refused") from error
    if details.estab != estab:
        raise EstabChangedError(details.estab)
    if details.relying_party.casefold() != relying_party.casefold():
        raise SecretRefusedError("token_of_another_partner")
    return token, details


class SchoolSessions:
    """Opens sessions with Xporter for schools; holds no token itself."""

    def __init__(
        self,
        schools: SchoolRepository,
        vault: SchoolVault,
        xporter: XporterApi,
        relying_party: str,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.schools = schools
        self.vault = vault
        self.xporter = xporter
        self.relying_party = relying_party
        self.sleep = sleep

    def open(
        self, estab: str, now: datetime, *, after: SchoolSession | None = None
    ) -> SchoolSession:
        """Return a session for a school whose state allows calls to Xporter.

        Args:
            after: The invocation's session before this one with the same school, if there is one:
                KMS need not open the school's key again.

        Raises:
            SchoolNotReadyError: The school is unknown, paused, revoked, erased or not installed.
        """
        school = self.schools.get(estab)
        if school is None or not school.is_pullable or not school.has_working_secret:
            raise SchoolNotReadyError(f"school_{school.state if school else 'unknown'}")
        return SchoolSession(self, school, now, after.opened_key if after else None)


class SchoolSession:
    """One school's conversation with Xporter, within one invocation; safe to share by threads."""

    def __init__(
        self,
        sessions: SchoolSessions,
        school: School,
        now: datetime,
        opened_key: OpenedKey | None = None,
    ) -> None:
        self._sessions = sessions
        self._now = now
        self.opened_key = opened_key
        self._token: str | None = None
        self._has_worked = True
        self._renewing = Lock()
        self.school = school

    def call(self, request: Callable[[str], T]) -> T:
        """Make a request with a token; if the token is refused, retry once with a new one.

        Xporter does not say why it refuses a request, so any refusal may mean an expired token.
        If the refused token was itself new and has never been accepted, no other is requested.

        Raises:
            AuthorisationPausedError: The school paused its authorisation; its state is changed.
            SecretRefusedError: Xporter refused the secret; the refusal is counted at the school.
            XporterRefusedError: The request was refused with a new token too.
        """
        token = self._current()
        try:
            return self._granted(request, token)
        except AuthorisationPausedError:
            self._note_paused()
            raise
        except (XporterRefusedError, UnauthorisedError):
            fresh = self._after(token)
            if fresh is None:
                raise
        return self._granted(request, fresh)

    def erased_people(self) -> OpenedPeople | None:
        """Return the people whose data must not be stored; None if nobody was erased."""
        if self.school.erased_people is None:
            return None
        return self._sessions.vault.open_people(self.school)

    def fresh_details(self) -> TokenDetails:
        """Return what the school allows now: a token issued earlier keeps its old scopes.

        Raises:
            AuthorisationPausedError: As ``call``.
            SecretRefusedError: As ``call``.
        """
        with self._renewing:
            return self._issued()[1]

    def _granted(self, request: Callable[[str], T], token: str) -> T:
        answer = request(token)
        with self._renewing:
            self._has_worked = self._has_worked or token == self._token
        return answer

    def _current(self) -> str:
        with self._renewing:
            return self._token or self._stored() or self._renewed_by_one()

    def _after(self, refused_token: str) -> str | None:
        """Return the token to try after a refused one; None if another would be refused as well."""
        with self._renewing:
            if self._token != refused_token:
                return self._token
            return self._renewed() if self._has_worked else None

    def _stored(self) -> str | None:
        held = self.school.credentials
        if held is None or not held.token:
            return None
        key = self._opened(held)
        self._token = vaults.token_of(key, held, self._now + _MARGIN)
        return self._token

    def _renewed_by_one(self) -> str:
        """Return a new token; that of another session if one is requesting a token now.

        Callbacks of a school's databases come together, mostly when its token has expired.
        """
        schools, estab = self._sessions.schools, self.school.estab
        for poll in range(_POLLS):
            now = self._now + poll * _POLLED_EVERY
            if schools.claim_token(estab, now, now + _POLLS * _POLLED_EVERY):
                break
            self._sessions.sleep(_POLLED_EVERY.total_seconds())
            self.school = schools.get(estab) or self.school
            if token := self._stored():
                return token
        try:
            return self._renewed()
        except Exception:
            schools.release_token(estab)  # Another session need not wait for what failed.
            raise

    def _renewed(self) -> str:
        return self._issued()[0].value

    def _issued(self) -> tuple[Token, TokenDetails]:
        held = self.school.credentials
        if held is None:
            raise SchoolNotReadyError("school_without_secret")
        key = self._opened(held)
        secret = vaults.secret_of(key, held) or ""
        try:
            token, details = issue_token(
                self._sessions.xporter, self.school.estab, self._sessions.relying_party, secret
            )
        except EstabChangedError as error:
            named = error.estab
            self._change(lambda school: estab_changed(school, named, self._now))
            raise
        except AuthorisationPausedError:
            self._note_paused()
            raise
        except SecretRefusedError as error:
            reason = error.reason
            self._change(lambda school: secret_refused(school, reason, self._now))
            raise
        sealed = vaults.with_token(key, held, token.value, token.expires_at)
        self._change(
            lambda school: (
                replace(school, credentials=sealed)
                # If a new secret was stored meanwhile, its token must not be overwritten.
                if school.credentials == held
                else school
            )
        )
        self._token, self._has_worked = token.value, False
        return token, details

    def _opened(self, held: Credentials) -> OpenedKey:
        """Return the school's key, opened by KMS once as long as the school keeps it."""
        known = self.opened_key
        if known is None or (known.estab, known.wrapped) != (self.school.estab, held.wrapped_key):
            known = self._sessions.vault.open(self.school.estab, held)
        self.opened_key = known
        return known

    def _note_paused(self) -> None:
        self._change(lambda school: paused(school, self._now))

    def _change(self, decide: Callable[[School], School]) -> None:
        # A school that was erased meanwhile stays as it is.
        self.school = self._sessions.schools.change(
            self.school.estab, lambda school: decide(school) if school.credentials else school
        )
