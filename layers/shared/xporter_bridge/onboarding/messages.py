"""The messages of the authentication queue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from xporter_bridge.messages import Message


@dataclass(frozen=True)
class SchoolAuthorised(Message):
    """A school has authorised us, or has finished installing.

    ``sealed_secret`` was encrypted by ``TransitEncryption`` and is in Base64. ``is_installed`` and
    ``has_completed_install`` are None if the callback has no such flag.
    """

    KIND = "authorised"

    sealed_secret: str
    relying_party: str
    school_name: str
    is_installed: bool | None
    has_completed_install: bool | None
    received_at: datetime


@dataclass(frozen=True)
class ProbeSchool(Message):
    """Try the school's stored secret again."""

    KIND = "probe"


@dataclass(frozen=True)
class ReadmitSchool(Message):
    """A person has decided that an erased school may come back with the secret that was erased."""

    KIND = "readmit"


def read_onboarding(body: Mapping[str, Any]) -> SchoolAuthorised | ProbeSchool | ReadmitSchool:
    """Return the message; without a kind, ``sealed_secret`` decides.

    Raises:
        TypeError: The message is none of them.
    """
    if body.get("kind", "") == ReadmitSchool.KIND:
        return ReadmitSchool.read(body)
    is_callback = body.get("kind", "") == SchoolAuthorised.KIND or "sealed_secret" in body
    return SchoolAuthorised.read(body) if is_callback else ProbeSchool.read(body)
