"""Our signing secrets, each in its current and its previous version.

Receivers load this module in every cold start, so it imports nothing that only sealing needs.
"""

from __future__ import annotations

import time
from typing import Any

from xporter_bridge.aws.secrets_manager import read_secret_version
from xporter_bridge.callbacks.signed_urls import SigningKey
from xporter_bridge.errors import ConfigurationError

_KEYS_LIVE_SECONDS = 60


class SigningKeys:
    """One of our secrets with its previous version, so that it can be rotated without a gap.

    Read again at most once a minute, so a rotation is seen within that time.
    """

    def __init__(self, client: Any, secret_id: str) -> None:
        self._client = client
        self._secret_id = secret_id
        self._keys: list[SigningKey] = []
        self._read_at = -float("inf")

    def keys(self) -> list[SigningKey]:
        """Return the current and, if there is one, the previous version, newest first.

        Raises:
            ConfigurationError: There is no current version.
        """
        if time.monotonic() - self._read_at > _KEYS_LIVE_SECONDS:
            versions = [self._version("AWSCURRENT"), self._version("AWSPREVIOUS")]
            self._keys = [version for version in versions if version]
            self._read_at = time.monotonic()
        if not self._keys:
            raise ConfigurationError("secret has no current version")
        return self._keys

    def _version(self, stage: str) -> SigningKey | None:
        found = read_secret_version(self._client, self._secret_id, stage)
        return SigningKey(found[0][:8], found[1].encode()) if found else None
