"""A secret is rotated while functions run that have read the version before."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.builders import BASE_URL, ESTAB, FORM, authentication_form, callback
from tests.support.moto_cloud import Cloud
from xporter_bridge.callbacks import signing_keys
from xporter_bridge.callbacks.signed_urls import CallbackKind, SigningKey, sign
from xporter_bridge.callbacks.signing_keys import SigningKeys
from xporter_bridge.errors import CallbackRejectedError

SUBJECTS = {
    CallbackKind.DATABASE: "XodSchoolData",
    CallbackKind.AVAILABILITY: "pull-4",
    CallbackKind.WRITEBACK: "writeback-4-0-1",
}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the seconds that have passed, which a test may change."""
    seconds = [1000.0]
    monkeypatch.setattr(signing_keys.time, "monotonic", lambda: seconds[0])
    return seconds


def rotate(cloud: Cloud, secret: str, value: str) -> list[SigningKey]:
    """Give the secret another value; return what a function that starts now would read."""
    client = cloud.client("secretsmanager")
    client.put_secret_value(SecretId=cloud.arn(secret), SecretString=value)
    return SigningKeys(client, cloud.arn(secret)).keys()


def call(cloud: Cloud, kind: CallbackKind, keys: list[SigningKey]) -> int:
    url = sign(kind, ESTAB, SUBJECTS[kind], base_url=BASE_URL, keys=keys)
    event = callback(f"{url}&XodCompleted=True", "POST")
    return int(cloud.invoke(f"receive_{kind}", event)["statusCode"])


@pytest.mark.parametrize("kind", SUBJECTS)
def test_a_callback_signed_with_a_key_that_is_newer_than_what_was_read_is_taken(
    cloud: Cloud, clock: list[float], kind: CallbackKind
) -> None:
    first = rotate(cloud, "CallbackKeySecret", "a" * 64)
    assert call(cloud, kind, first) == 202
    second = rotate(cloud, "CallbackKeySecret", "b" * 64)
    assert [call(cloud, kind, second), call(cloud, kind, first)] == [202, 202]


def test_a_school_that_authorises_with_the_new_token_at_once_is_taken(
    cloud: Cloud, clock: list[float]
) -> None:
    def authorise(token: str) -> int:
        url = f"{BASE_URL}/callbacks/authentication/{token}"
        form = authentication_form(schoolSecret="s" * 32, schoolId=ESTAB)
        event = callback(url, "POST", body=form, content_type=FORM, is_base64=True)
        return int(cloud.invoke("receive_authentication", event)["statusCode"])

    rotate(cloud, "AuthenticationTokenSecret", "token-one")
    assert authorise("token-one") == 202
    rotate(cloud, "AuthenticationTokenSecret", "token-two")
    clock[0] += 6
    assert [authorise("token-two"), authorise("token-one")] == [202, 202]
    assert authorise("token-three") == 404


def test_invented_keys_are_looked_for_at_most_every_five_seconds(
    cloud: Cloud, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, read = SigningKeys(cloud.client("secretsmanager"), cloud.arn("CallbackKeySecret")), []
    real = signing_keys.read_secret_version

    def counted(*arguments: Any) -> Any:
        read.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(signing_keys, "read_secret_version", counted)
    for number in range(100):
        with pytest.raises(CallbackRejectedError):
            keys.verify(CallbackKind.DATABASE, {"key": f"{number:08}", "signature": "x"})
        clock[0] += 0.1
    # Two versions at each reading: at first, for the first unknown key, and after five seconds.
    assert len(read) == 6
