"""Decides whether a new value may be used, and whether the old value is still needed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from xporter_bridge.callbacks.signed_urls import (
    CallbackKind,
    SigningKey,
    is_authentication_token,
    sign,
    verify,
)
from xporter_bridge.errors import PermanentError

# As many characters as the template has AWS generate at first: 256 bits.
VALUE_LENGTH = 43
_VALUE = re.compile(r"[0-9A-Za-z]{43}")
# Functions read the secret again after a minute (callbacks/signing_keys.py), so that a URL may be
# signed with the old key for so long after the rotation; doubled, as clocks differ.
_READ_ANEW = timedelta(minutes=2)
_KEY_ID_LENGTH = 8


class SecretKind(StrEnum):
    """The two secrets of the stack."""

    KEY = "key"
    TOKEN = "token"  # noqa: S105 - the name of a secret, not its value


class RotationStep(StrEnum):
    """The four steps of a rotation, in order, as Secrets Manager names them."""

    CREATE = "createSecret"
    SET = "setSecret"
    TEST = "testSecret"
    FINISH = "finishSecret"


class RotationRefusedError(PermanentError):
    """A rotation that would break callbacks, or that nobody has begun."""


@dataclass(frozen=True)
class Holders:
    """How many schools have webhooks at Xporter, and how many of these bear which key.

    ``on_previous`` counts the schools that Xporter would call us for with the old key.
    """

    schools: int
    on_current: int
    on_previous: int


def key_id_of(version: str) -> str:
    """Return what callback URLs say of the version that signed them."""
    return version[:_KEY_ID_LENGTH]


def count_holders(key_ids: Iterable[AbstractSet[str]], *, current: str, previous: str) -> Holders:
    """Count schools by the keys that their webhooks bear.

    Args:
        key_ids: For each school, the key ids of all its webhooks; empty for a school without one.
        current: The version that signs now.
        previous: The version that signed before, or an empty text.
    """
    schools = on_current = on_previous = 0
    for ids in key_ids:
        schools += bool(ids)
        on_current += ids == {key_id_of(current)}
        on_previous += bool(previous) and key_id_of(previous) in ids
    return Holders(schools, on_current, on_previous)


def droppable_at(changed_at: datetime, longest_exchange: timedelta) -> datetime:
    """Return from when no callback of a request or a writeback can bear the old key any more.

    Args:
        changed_at: When the secret was last changed: not before the end of the rotation.
        longest_exchange: The longest wait for the callback of a request or a writeback.
    """
    return changed_at + longest_exchange + _READ_ANEW


def fault_of(value: str, version: str, *, current: str, current_value: str) -> str:
    """Return why a new version must not be used, as a stable word, or an empty text.

    Args:
        version: The id of the new version.
        current: The id of the version that is in use.
    """
    if not _VALUE.fullmatch(value):
        return "value_is_malformed"
    if value == current_value:
        return "value_is_the_old_one"
    if key_id_of(version) == key_id_of(current):
        return "key_id_is_taken"
    if not _is_accepted(value, version):
        return "value_is_not_accepted"
    return ""


def _is_accepted(value: str, version: str) -> bool:
    """Tell whether what the value signs is accepted, as a receiver would."""
    keys = [SigningKey(key_id_of(version), value.encode())]
    url = sign(CallbackKind.DATABASE, "0000000", "Test", base_url="", keys=keys)
    query = dict(each.split("=", 1) for each in url.partition("?")[2].split("&"))
    subject = verify(CallbackKind.DATABASE, query, keys=keys)
    return subject.key_id == keys[0].id and is_authentication_token(value, keys=keys)
