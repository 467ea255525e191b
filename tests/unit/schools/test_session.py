"""A school's token, shared by the threads of one pull."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any, cast

import pytest

from tests.support.dynamodb_in_memory import ItemsInMemory
from tests.support.fakes import KEY, Calls, Vault
from xporter_bridge.errors import XporterRefusedError, XporterUnavailableError
from xporter_bridge.schools.model import School
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.schools.session import SchoolNotReadyError, SchoolSession, SchoolSessions
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.schools.vault import OpenedKey, with_secret
from xporter_bridge.xporter.client import Token, TokenDetails

ESTAB = "3281102"
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


class TokenService:
    def __init__(self) -> None:
        self.issued = 0
        self.fails = False

    def get_token(self, estab: str, relying_party: str, secret: str) -> Token:
        self.issued += 1
        if self.fails:
            raise XporterUnavailableError("away")
        return Token(f"token-{self.issued}", NOW + timedelta(days=5))

    def token_details(self, token: str) -> TokenDetails:
        return TokenDetails(ESTAB, "app", ("School",))


def opened(
    service: TokenService,
    state: SchoolState = SchoolState.LIVE,
    sleep: Callable[[], None] = lambda: None,
    calls: Calls | None = None,
) -> SchoolSession:
    schools = SchoolRepository(None, "schools")
    schools._items = cast("Any", ItemsInMemory("estab"))
    credentials = with_secret(OpenedKey(ESTAB, KEY, b"wrapped"), "secret")
    schools.change(ESTAB, lambda _: School(ESTAB, state=state, credentials=credentials))
    sessions = SchoolSessions(
        schools,
        cast("Any", Vault(calls or Calls())),
        cast("Any", service),
        "app",
        lambda _: sleep(),
    )
    return sessions.open(ESTAB, NOW)


def test_a_token_that_expires_under_many_threads_is_renewed_once() -> None:
    service, threads = TokenService(), 8
    session = opened(service)
    assert session.call(lambda token: token) == "token-1"
    together = Barrier(threads)

    def request(token: str) -> str:
        if token == "token-1":
            together.wait(timeout=5)
            raise XporterRefusedError("expired")
        return token

    with ThreadPoolExecutor(threads) as pool:
        answers = list(pool.map(lambda _: session.call(request), range(threads)))
    assert answers == ["token-2"] * threads
    assert service.issued == 2


def test_two_pulls_of_a_school_whose_token_has_expired_request_one_token() -> None:
    service, waits = TokenService(), []

    def sleep() -> None:
        waits.append(1)
        if len(waits) == 2:
            first._renewed()

    first = opened(service, sleep=sleep)
    second = first._sessions.open(ESTAB, NOW)
    assert first._sessions.schools.claim_token(ESTAB, NOW, NOW + timedelta(seconds=10))
    assert second.call(lambda token: token) == "token-1"
    assert (service.issued, len(waits)) == (1, 2)


def test_the_sessions_of_one_invocation_open_the_schools_key_once() -> None:
    calls = Calls()
    first = opened(TokenService(), calls=calls)
    first.call(lambda token: token)
    second = first._sessions.open(ESTAB, NOW, after=first)
    second.call(lambda token: token)
    assert calls.names == ["Decrypt"]
    # Another invocation opens it anew, and so does this one when the school has another key.
    first._sessions.open(ESTAB, NOW).call(lambda token: token)
    another = with_secret(OpenedKey(ESTAB, KEY, b"wrapped anew"), "secret")
    schools = first._sessions.schools
    schools.change(ESTAB, lambda school: replace(school, credentials=another))
    first._sessions.open(ESTAB, NOW, after=second).call(lambda token: token)
    assert calls.names == ["Decrypt"] * 3


def test_a_token_that_the_other_pull_does_not_get_is_requested_by_this_one() -> None:
    service = TokenService()
    session = opened(service)
    assert session._sessions.schools.claim_token(ESTAB, NOW, NOW + timedelta(seconds=10))
    assert session.call(lambda token: token) == "token-1"
    later = NOW + timedelta(days=5)
    assert session._sessions.schools.claim_token(ESTAB, later, later + timedelta(seconds=10))
    assert not session._sessions.schools.claim_token(ESTAB, later, later + timedelta(seconds=10))


def test_a_request_that_fails_keeps_no_other_waiting() -> None:
    service = TokenService()
    session = opened(service, sleep=lambda: pytest.fail("nobody requests a token"))
    service.fails = True
    for _ in range(3):
        with pytest.raises(XporterUnavailableError):
            session._sessions.open(ESTAB, NOW).call(lambda token: token)
    service.fails = False
    assert session.call(lambda token: token) == "token-4"


def test_a_claim_ends_when_the_token_is_stored() -> None:
    session = opened(TokenService())
    session.call(lambda token: token)
    assert session._sessions.schools.claim_token(ESTAB, NOW, NOW + timedelta(seconds=10))


def test_a_claim_makes_no_school() -> None:
    session = opened(TokenService())
    assert not session._sessions.schools.claim_token("3281999", NOW, NOW + timedelta(seconds=10))
    assert session._sessions.schools.get("3281999") is None


def test_what_is_refused_with_a_fresh_token_too_is_refused() -> None:
    service = TokenService()
    session = opened(service)
    for _ in range(2):
        with pytest.raises(XporterRefusedError):
            session.call(lambda token: _refuse())
    assert service.issued == 1


def test_a_token_is_kept_for_the_next_invocation() -> None:
    service = TokenService()
    session = opened(service)
    session.call(lambda token: token)
    again = session._sessions.open(ESTAB, NOW)
    assert again.call(lambda token: token) == "token-1"
    late = session._sessions.open(ESTAB, NOW + timedelta(days=5))
    assert late.call(lambda token: token) == "token-2"


@pytest.mark.parametrize("state", [SchoolState.PAUSED, SchoolState.REVOKED, SchoolState.ERASED])
def test_a_school_that_must_not_be_asked_is_not(state: SchoolState) -> None:
    with pytest.raises(SchoolNotReadyError, match=str(state)):
        opened(TokenService(), state)


def _refuse() -> str:
    raise XporterRefusedError("no")
