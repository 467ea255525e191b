"""Our signing secrets, each in its current and its previous version.

Receivers load this module in every cold start, so it imports no cryptography.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from xporter_bridge.aws.secrets_manager import read_secret_version
from xporter_bridge.callbacks.signed_urls import (
    CallbackKind,
    CallbackSubject,
    SigningKey,
    is_authentication_token,
    key_id,
    verify,
)
from xporter_bridge.errors import ConfigurationError

_MAX_AGE_SECONDS = 60
# After a rotation, a URL may be signed with a key newer than the cached secret. This interval
# bounds how often callbacks with unknown keys make a function read the secret again.
_LOOK_FOR_UNKNOWN_EVERY_SECONDS = 5


class SigningKeys:
    """One of our secrets with its previous version, so that a rotation causes no gap.

    Both versions are read once a minute, and at once if a callback names an unknown version: the
    function that signed the URL may have read the rotated secret earlier.

    Args:
        seconds: A clock that never goes back; that of the machine if none is given.
    """

    def __init__(
        self, client: Any, secret_id: str, seconds: Callable[[], float] | None = None
    ) -> None:
        self._client = client
        self._secret_id = secret_id
        self._seconds = seconds or time.monotonic
        self._keys: list[SigningKey] = []
        self._read_at = self._looked_at = -float("inf")

    def verify(self, kind: CallbackKind, query: Mapping[str, str]) -> CallbackSubject:
        """Return the subject of the URL; see ``signed_urls.verify``."""
        keys, named = self.keys(), key_id(query)
        if named and named not in {key.id for key in keys}:
            keys = self._look_for_newer()
        return verify(kind, query, keys=keys)

    def has_token(self, candidate: str) -> bool:
        """Tell whether the last path segment is the current or the previous secret."""
        return is_authentication_token(candidate, keys=self.keys()) or is_authentication_token(
            candidate, keys=self._look_for_newer()
        )

    def keys(self) -> list[SigningKey]:
        """Return the current and, if there is one, the previous version, newest first.

        Raises:
            ConfigurationError: There is no current version.
        """
        if self._seconds() - self._read_at > _MAX_AGE_SECONDS:
            versions = [self._version("AWSCURRENT"), self._version("AWSPREVIOUS")]
            self._keys = [version for version in versions if version]
            self._read_at = self._seconds()
        if not self._keys:
            raise ConfigurationError("secret has no current version")
        return self._keys

    def _look_for_newer(self) -> list[SigningKey]:
        now = self._seconds()
        if now - self._looked_at > _LOOK_FOR_UNKNOWN_EVERY_SECONDS:
            self._looked_at, self._read_at = now, -float("inf")
        return self.keys()

    def _version(self, stage: str) -> SigningKey | None:
        found = read_secret_version(self._client, self._secret_id, stage)
        return SigningKey(found[0][:8], found[1].encode()) if found else None
