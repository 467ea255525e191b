import secrets

import pytest

from xporter_bridge.errors import ConfigurationError
from xporter_bridge.schools.encryption import seal, unseal

KEY = secrets.token_bytes(32)
SECRET = "0755658d-0c81-4bfc-93a2-77b9e873914f"


def test_what_was_sealed_is_opened_with_the_same_key_and_context() -> None:
    sealed = seal(KEY, SECRET, context="secret/3281102")
    assert SECRET.encode() not in sealed
    assert unseal(KEY, sealed, context="secret/3281102") == SECRET


def test_the_same_text_is_never_sealed_alike() -> None:
    assert seal(KEY, SECRET, context="a") != seal(KEY, SECRET, context="a")


@pytest.mark.parametrize("context", ["secret/3286198", "token/3281102", ""])
def test_a_sealed_text_is_of_no_use_to_another_school_or_attribute(context: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        unseal(KEY, seal(KEY, SECRET, context="secret/3281102"), context=context)
    assert SECRET not in str(error.value)


def test_another_key_opens_nothing() -> None:
    with pytest.raises(ConfigurationError):
        unseal(secrets.token_bytes(32), seal(KEY, SECRET, context="a"), context="a")


def test_every_byte_counts() -> None:
    sealed = seal(KEY, "x", context="a")
    for place in range(len(sealed)):
        altered = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        with pytest.raises(ConfigurationError):
            unseal(KEY, altered, context="a")


@pytest.mark.parametrize("sealed", [b"", b"short", b"a" * 12, b"a" * 27])
def test_what_was_never_sealed_is_refused(sealed: bytes) -> None:
    with pytest.raises(ConfigurationError):
        unseal(KEY, sealed, context="a")
