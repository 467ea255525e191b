"""Encrypts each school's secret and token under a data key of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from xporter_bridge.aws.kms import EncryptionKey
from xporter_bridge.schools.credentials import Credentials, ErasedSecrets
from xporter_bridge.schools.encryption import seal, unseal
from xporter_bridge.schools.erased_people import OpenedPeople
from xporter_bridge.schools.model import School

_MOST_PENDING = 5


@dataclass(frozen=True)
class OpenedKey:
    """A school's data key in plaintext; kept in memory for one invocation at most."""

    estab: str
    key: bytes
    wrapped: bytes

    def __repr__(self) -> str:
        return f"OpenedKey(estab={self.estab!r})"


class SchoolVault:
    """Seals a school's secret and token under a data key of its own, wrapped by the stack's key.

    The estab is the encryption context: a wrapped key opens for its own school only, and CloudTrail
    shows for whom each was opened. Without the wrapped key, nothing opens what it seals; only the
    table's point-in-time backups keep both, for 35 days more.
    """

    def __init__(self, client: Any, key_id: str) -> None:
        self._key = EncryptionKey(client, key_id)

    def open(self, estab: str, credentials: Credentials | None) -> OpenedKey:
        """Return the school's data key, or a new one for a school that has none."""
        context = {"estab": estab}
        if credentials is None:
            return OpenedKey(estab, *self._key.generate_data_key(context))
        opened = self._key.decrypt(credentials.wrapped_key, context)
        return OpenedKey(estab, opened, credentials.wrapped_key)

    def remembering_erased(
        self, school: School, secrets: Iterable[str] = ()
    ) -> ErasedSecrets | None:
        """Return the digests of the school's secrets and of ``secrets``; None if there are none.

        The key of the digests is wrapped by KMS, as the school's own key was, which is deleted.
        """
        digests = [secret_digest(school.estab, each) for each in secrets]
        held, erased = school.credentials, school.erased_secrets
        if held and held.secret_digest:
            digests.append(held.secret_digest)
        if held and held.pending:
            opened = self.open(school.estab, held)
            digests += [secret_digest(school.estab, each) for each in pending_of(opened, held)]
        if not digests:
            return erased
        context = _erased_context(school.estab)
        if erased:
            key = self._key.decrypt(erased.wrapped_key, context)
        else:
            key, wrapped = self._key.generate_data_key(context)
            erased = ErasedSecrets(wrapped)
        return erased.adding(key, digests)

    def people_key(self, school: School) -> tuple[bytes, bytes]:
        """Return the key of the digests of erased people, in plaintext and wrapped.

        A school that has none gets a new one, which somebody has to store.
        """
        context = {"estab": school.estab, "purpose": "erased_people"}
        if school.erased_people is None:
            return self._key.generate_data_key(context)
        wrapped = school.erased_people.wrapped_key
        return self._key.decrypt(wrapped, context), wrapped

    def open_people(self, school: School) -> OpenedPeople | None:
        """Return the erased people of a school so that rows can be held against them.

        None if there are none, without a call of KMS.
        """
        if school.erased_people is None:
            return None
        key, _ = self.people_key(school)
        return OpenedPeople(key, frozenset(each.digest for each in school.erased_people.tombstones))

    def was_erased(self, school: School, secret: str) -> bool:
        """Tell whether the secret is one that was erased with the school."""
        if school.erased_secrets is None:
            return False
        key = self._key.decrypt(school.erased_secrets.wrapped_key, _erased_context(school.estab))
        return school.erased_secrets.holds(key, secret_digest(school.estab, secret))


def _erased_context(estab: str) -> dict[str, str]:
    return {"estab": estab, "purpose": "erased_secrets"}


def secret_digest(estab: str, secret: str) -> str:
    """Return a digest by which secrets can be compared without revealing them."""
    return hashlib.sha256(f"{estab}\n{secret}".encode()).hexdigest()


def with_secret(key: OpenedKey, secret: str) -> Credentials:
    """Return credentials with a verified secret, and without a token of an earlier secret."""
    return Credentials(
        wrapped_key=key.wrapped,
        secret=seal(key.key, secret, context=f"secret/{key.estab}"),
        secret_digest=secret_digest(key.estab, secret),
    )


def with_pending(key: OpenedKey, held: Credentials | None, secret: str) -> Credentials:
    """Return credentials with one more pending secret, which could not be verified yet.

    When too many wait, the newest takes the last place: a stranger who sends many can neither
    push out those that came first nor keep out the one that comes next.
    """
    held = held or Credentials(key.wrapped)
    if secret in pending_of(key, held):
        return held
    sealed = seal(key.key, secret, context=f"pending/{key.estab}")
    first, *more = (*held.pending[: _MOST_PENDING - 1], sealed)
    return replace(held, pending_secret=first, more_pending=tuple(more))


def with_token(key: OpenedKey, held: Credentials, token: str, expires: datetime) -> Credentials:
    """Return credentials with a new token."""
    sealed = seal(key.key, token, context=f"token/{key.estab}")
    return replace(held, token=sealed, token_expires_at=expires)


def secret_of(key: OpenedKey, held: Credentials) -> str | None:
    """Return the secret that works."""
    return unseal(key.key, held.secret, context=f"secret/{key.estab}") if held.secret else None


def pending_of(key: OpenedKey, held: Credentials) -> tuple[str, ...]:
    """Return the secrets that wait to be verified, the oldest first."""
    return tuple(unseal(key.key, each, context=f"pending/{key.estab}") for each in held.pending)


def token_of(key: OpenedKey, held: Credentials, good_until: datetime) -> str | None:
    """Return the stored token if it is valid at least until ``good_until``."""
    if not held.token or held.token_expires_at is None or held.token_expires_at <= good_until:
        return None
    return unseal(key.key, held.token, context=f"token/{key.estab}")
