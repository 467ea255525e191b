"""When a secret is read again: not at every call, and not too late after a rotation."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from botocore.exceptions import ClientError

from xporter_bridge.callbacks.signed_urls import CallbackKind, SigningKey, sign
from xporter_bridge.callbacks.signing_keys import SigningKeys
from xporter_bridge.errors import CallbackRejectedError, ConfigurationError

FIRST = ("11111111-aaaa", "the first secret")
SECOND = ("22222222-bbbb", "the second secret")


class Secrets:
    """Secrets Manager with one secret, and a clock."""

    def __init__(self, **versions: tuple[str, str]) -> None:
        self.versions = versions
        self.asked: list[str] = []
        self.now = 1000.0

    def get_secret_value(self, **asked: str) -> dict[str, Any]:
        assert asked["SecretId"] == "secret-name"
        stage = asked["VersionStage"]
        self.asked.append(stage)
        if stage not in self.versions:
            error = {"Error": {"Code": "ResourceNotFoundException", "Message": ""}}
            raise ClientError(error, "GetSecretValue")
        id_, text = self.versions[stage]
        return {"VersionId": id_, "SecretString": text}

    def rotate(self) -> None:
        self.versions = {"AWSCURRENT": SECOND, "AWSPREVIOUS": FIRST}


@pytest.fixture
def secrets() -> Secrets:
    return Secrets(AWSCURRENT=FIRST)


@pytest.fixture
def keys(secrets: Secrets) -> SigningKeys:
    return SigningKeys(secrets, "secret-name", lambda: secrets.now)


def query_signed_with(version: tuple[str, str]) -> dict[str, str]:
    key = SigningKey(version[0][:8], version[1].encode())
    url = sign(CallbackKind.DATABASE, "3281102", "X", base_url="https://a.example", keys=[key])
    return dict(parse_qsl(urlsplit(url).query))


def test_the_current_version_comes_before_the_previous(secrets: Secrets, keys: SigningKeys) -> None:
    secrets.rotate()
    assert keys.keys() == [
        SigningKey("22222222", b"the second secret"),
        SigningKey("11111111", b"the first secret"),
    ]
    assert secrets.asked == ["AWSCURRENT", "AWSPREVIOUS"]


def test_a_secret_without_a_current_version_is_an_error_of_ours() -> None:
    with pytest.raises(ConfigurationError, match=r"^secret has no current version$"):
        SigningKeys(Secrets(), "secret-name").keys()


def test_the_secret_is_read_once_a_minute(secrets: Secrets, keys: SigningKeys) -> None:
    for at in (1000.0, 1030.0, 1060.0):
        secrets.now = at
        keys.keys()
    assert len(secrets.asked) == 2
    secrets.now = 1060.5
    keys.keys()
    assert len(secrets.asked) == 4
    secrets.now = 1120.0
    keys.keys()
    assert len(secrets.asked) == 4


def test_a_clock_that_begins_at_nothing_reads_the_secret_too(secrets: Secrets) -> None:
    secrets.now = 0.0
    assert SigningKeys(secrets, "secret-name", lambda: secrets.now).keys()


def test_a_url_of_a_key_that_is_not_known_yet_is_believed_at_once(
    secrets: Secrets, keys: SigningKeys
) -> None:
    keys.keys()
    secrets.rotate()
    found = keys.verify(CallbackKind.DATABASE, query_signed_with(SECOND))
    assert (found.estab, found.subject, found.key_id) == ("3281102", "X", "22222222")


def test_a_url_of_a_known_key_reads_nothing_again(secrets: Secrets, keys: SigningKeys) -> None:
    keys.verify(CallbackKind.DATABASE, query_signed_with(FIRST))
    keys.verify(CallbackKind.DATABASE, query_signed_with(FIRST))
    assert len(secrets.asked) == 2


def test_a_url_without_a_key_reads_nothing_again(secrets: Secrets, keys: SigningKeys) -> None:
    keys.keys()
    with pytest.raises(CallbackRejectedError):
        keys.verify(CallbackKind.DATABASE, {"estab": "3281102"})
    assert len(secrets.asked) == 2


def test_unknown_keys_have_the_secret_read_every_five_seconds_at_most(
    secrets: Secrets, keys: SigningKeys
) -> None:
    keys.keys()
    for at in (1000.0, 1002.0, 1005.0):
        secrets.now = at
        with pytest.raises(CallbackRejectedError):
            keys.verify(CallbackKind.DATABASE, query_signed_with(SECOND))
    assert len(secrets.asked) == 4
    secrets.now = 1005.5
    secrets.rotate()
    assert keys.verify(CallbackKind.DATABASE, query_signed_with(SECOND)).key_id == "22222222"
    secrets.now = 1010.0
    with pytest.raises(CallbackRejectedError):
        keys.verify(CallbackKind.DATABASE, query_signed_with(("33333333", "another")))
    assert len(secrets.asked) == 6


def test_a_token_is_the_current_or_the_previous_secret_and_a_new_one_counts_at_once(
    secrets: Secrets, keys: SigningKeys
) -> None:
    assert keys.has_token("the first secret")
    assert len(secrets.asked) == 2  # a right token reads nothing again
    secrets.rotate()
    assert keys.has_token("the second secret")
    assert keys.has_token("the first secret")
    assert not keys.has_token("the third secret")
