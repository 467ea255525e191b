"""Tokens are sealed, expire, and look like the recorded one."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from tests.tools.simulator.test_changesets import world_with_a_school
from tools.simulator.http.errors import XporterError
from tools.simulator.service.authorisation import claims_of, get_token, school_of
from tools.simulator.service.scopes import ALL, covers
from tools.simulator.service.tokens import Claims, seal, unseal

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CLAIMS = Claims("3281102", "live.example.app", ("School", "UPN"), NOW + timedelta(days=5))


def test_a_token_gives_back_its_claims_and_has_the_recorded_length() -> None:
    token = seal(CLAIMS, ALL)
    assert unseal(token, ALL, NOW) == CLAIMS
    assert len(token) == 664
    assert token.endswith("=")


def test_an_altered_or_expired_token_is_refused() -> None:
    raw = bytearray(base64.b64decode(seal(CLAIMS, ALL)))
    raw[20] ^= 1
    for token, now in (
        (base64.b64encode(raw).decode(), NOW),
        (seal(CLAIMS, ALL), NOW + timedelta(days=5)),
        ("not base64!", NOW),
        ("", NOW),
    ):
        with pytest.raises(XporterError):
            unseal(token, ALL, now)


def test_get_token_refuses_in_the_body_and_says_paused() -> None:
    world, school = world_with_a_school()
    asked = {"estab": school.estab, "relyingParty": "live.example.app", "thirdPartyId": "x"}
    refused = get_token(world, {**asked, "password": "guess"})
    assert list(refused) == [
        "token", "expires", "Message", "ExceptionType", "ExceptionMessage", "InnerException",
    ]  # fmt: skip
    assert refused["token"] is None
    assert refused["expires"] == "0001-01-01T00:00:00"
    school.is_paused = True
    paused = get_token(world, {**asked, "password": school.secret})
    assert paused["AuthorisationPaused"] is True
    assert "paused" in paused["ExceptionMessage"]
    school.is_paused = False
    assert get_token(world, {**asked, "PASSWORD": school.secret})["token"]


def test_a_reauthorised_school_keeps_old_tokens_and_drops_the_old_secret() -> None:
    world, school = world_with_a_school()
    asked = {"estab": school.estab, "relyingparty": "live.example.app", "password": school.secret}
    token = get_token(world, asked)["token"]
    school.reauthorise()
    assert get_token(world, asked)["token"] is None
    assert claims_of(world, f"Idaas {token}").estab == school.estab


def test_a_token_reaches_only_its_school_and_a_management_token_none() -> None:
    world, school = world_with_a_school()
    for estab in ("", "3281101"):
        with pytest.raises(XporterError):
            school_of(world, Claims(estab, "live.example.app", (), NOW), school.estab)


def test_scope_expressions() -> None:
    assert covers({"School"}, "School,SchoolLite")
    assert covers({"Contact", "StudentLite"}, "Contact&Student,Contact&StudentLite")
    assert not covers({"Contact"}, "Contact&Student,Contact&StudentLite")
    assert covers(set(), "*")
