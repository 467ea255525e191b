"""Our own secrets, and the seal under which a school's secret travels from receiver to consumer.

Separate from the vault, so that a receiver starts without the libraries that only that needs.
"""

from __future__ import annotations

import time
from typing import Any

from botocore.exceptions import ClientError

from xporter_bridge.aws.errors import translate_aws_errors
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
        with translate_aws_errors("secretsmanager:GetSecretValue"):
            try:
                answer = self._client.get_secret_value(SecretId=self._secret_id, VersionStage=stage)
            except ClientError as error:
                if error.response["Error"]["Code"] == "ResourceNotFoundException":
                    return None
                raise
        return SigningKey(answer["VersionId"][:8], answer["SecretString"].encode())
