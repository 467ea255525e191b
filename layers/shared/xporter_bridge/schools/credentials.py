"""A school's secret and token, sealed, and what an erasure leaves of them."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

# A school has one secret, seldom two. More secrets than this come from strangers.
_MOST = 20


@dataclass(frozen=True)
class Credentials:
    """A school's secret and token, sealed under its own data key; opened by the vault alone.

    ``pending_secret`` and ``more_pending`` came by callbacks and could not be proved yet, as the
    school is paused or Xporter refused them, the oldest first. None replaces a secret that works
    before it has been proved, nor another that waits: any of them may be the school's.
    """

    wrapped_key: bytes = field(repr=False)
    secret: bytes | None = field(default=None, repr=False)
    secret_digest: str = ""
    pending_secret: bytes | None = field(default=None, repr=False)
    more_pending: tuple[bytes, ...] = field(default=(), repr=False)
    token: bytes | None = field(default=None, repr=False)
    token_expires_at: datetime | None = None

    @property
    def pending(self) -> tuple[bytes, ...]:
        """Every secret that waits to be proved, sealed, the oldest first."""
        return ((self.pending_secret,) if self.pending_secret else ()) + self.more_pending


@dataclass(frozen=True)
class ErasedSecrets:
    """What a tombstone keeps of secrets: their digests, and the key of the digests, wrapped by KMS.

    A stranger who recorded an authentication callback can send it again, and Xporter may still
    accept its secret. So an erased school is let in again by another secret, or after a person
    has allowed it.

    The key in the clear is never stored: without KMS nobody can tell whose the digests are.
    """

    wrapped_key: bytes = field(repr=False)
    digests: tuple[str, ...] = ()

    def adding(self, key: bytes, secret_digests: Iterable[str]) -> ErasedSecrets:
        """Return these with more: the newest stay when they become too many."""
        added = dict.fromkeys((*self.digests, *(_keyed(key, each) for each in secret_digests)))
        return replace(self, digests=tuple(added)[-_MOST:])

    def holds(self, key: bytes, secret_digest: str) -> bool:
        """Tell whether a secret with this digest has been erased."""
        keyed = _keyed(key, secret_digest).encode()
        return any(hmac.compare_digest(keyed, each.encode()) for each in self.digests)


def _keyed(key: bytes, secret_digest: str) -> str:
    return hmac.digest(key, secret_digest.encode(), "sha256").hex()
