"""Keys and sealed values: Secrets Manager for what is ours, KMS for what schools entrust to us."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from xporter_bridge.adapters.faults import translated
from xporter_bridge.errors import ConfigurationError
from xporter_bridge.schools import Credentials
from xporter_bridge.sealing import seal, unseal
from xporter_bridge.signatures import SigningKey
from xporter_bridge.times import iso, parse

_KEYS_LIVE_SECONDS = 60


class SecretVersions:
    """A secret of ours with its previous version, so that it can be rotated without a gap.

    Read anew every minute at most: a rotation is seen within that time.
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
        with translated("secretsmanager:GetSecretValue"):
            try:
                answer = self._client.get_secret_value(SecretId=self._secret_id, VersionStage=stage)
            except ClientError as error:
                if error.response["Error"]["Code"] == "ResourceNotFoundException":
                    return None
                raise
        return SigningKey(answer["VersionId"][:8], answer["SecretString"].encode())


class TransitSeal:
    """Seals the school secret for its way from the receiver to the queue's consumer."""

    def __init__(self, client: Any, key_id: str) -> None:
        self._client = client
        self._key_id = key_id

    def seal(self, estab: str, secret: str) -> bytes:
        """Return the secret encrypted by KMS for this school."""
        with translated("kms:Encrypt"):
            answer = self._client.encrypt(
                KeyId=self._key_id, Plaintext=secret.encode(), EncryptionContext={"estab": estab}
            )
        return bytes(answer["CiphertextBlob"])

    def unseal(self, estab: str, sealed: bytes) -> str:
        """Return what ``seal`` sealed for the same school."""
        with translated("kms:Decrypt"):
            answer = self._client.decrypt(
                KeyId=self._key_id, CiphertextBlob=sealed, EncryptionContext={"estab": estab}
            )
        return str(answer["Plaintext"].decode())


@dataclass(frozen=True)
class OpenedKey:
    """A school's data key, in the clear; lives no longer than one invocation."""

    estab: str
    key: bytes
    wrapped: bytes

    def __repr__(self) -> str:
        return f"OpenedKey(estab={self.estab!r})"


class SchoolVault:
    """Seals a school's secret and token under a data key of its own, wrapped by the stack's key.

    The estab is the encryption context: a wrapped key opens for its own school only, and CloudTrail
    shows for whom each was opened. Destroying the wrapped key destroys every copy of what it seals.
    """

    def __init__(self, client: Any, key_id: str) -> None:
        self._client = client
        self._key_id = key_id

    def open(self, estab: str, credentials: Credentials | None) -> OpenedKey:
        """Return the school's data key, or a new one for a school that has none."""
        context = {"estab": estab}
        if credentials is None:
            with translated("kms:GenerateDataKey"):
                made = self._client.generate_data_key(
                    KeyId=self._key_id, KeySpec="AES_256", EncryptionContext=context
                )
            return OpenedKey(estab, made["Plaintext"], bytes(made["CiphertextBlob"]))
        with translated("kms:Decrypt"):
            answer = self._client.decrypt(
                KeyId=self._key_id,
                CiphertextBlob=credentials.wrapped_key,
                EncryptionContext=context,
            )
        return OpenedKey(estab, answer["Plaintext"], credentials.wrapped_key)


def secret_digest(estab: str, secret: str) -> str:
    """Return what tells one secret from another without telling the secret."""
    return hashlib.sha256(f"{estab}\n{secret}".encode()).hexdigest()


def with_secret(key: OpenedKey, secret: str) -> Credentials:
    """Return credentials that hold a proved secret, and no token of an earlier one."""
    return Credentials(
        wrapped_key=key.wrapped,
        secret=seal(key.key, secret, context=f"secret/{key.estab}"),
        secret_digest=secret_digest(key.estab, secret),
    )


def with_pending(key: OpenedKey, held: Credentials | None, secret: str) -> Credentials:
    """Return credentials that remember a secret which could not be proved yet."""
    return replace(
        held or Credentials(key.wrapped),
        pending_secret=seal(key.key, secret, context=f"pending/{key.estab}"),
    )


def with_token(key: OpenedKey, held: Credentials, token: str, expires: datetime) -> Credentials:
    """Return credentials with a fresh token."""
    sealed = seal(key.key, token, context=f"token/{key.estab}")
    return replace(held, token=sealed, token_expires_at=iso(expires))


def secret_of(key: OpenedKey, held: Credentials) -> str | None:
    """Return the secret that works."""
    return unseal(key.key, held.secret, context=f"secret/{key.estab}") if held.secret else None


def pending_of(key: OpenedKey, held: Credentials) -> str | None:
    """Return the secret that waits to be proved."""
    if not held.pending_secret:
        return None
    return unseal(key.key, held.pending_secret, context=f"pending/{key.estab}")


def token_of(key: OpenedKey, held: Credentials, good_until: datetime) -> str | None:
    """Return the stored token if it is good at least until then."""
    if not held.token or parse(held.token_expires_at) <= good_until:
        return None
    return unseal(key.key, held.token, context=f"token/{key.estab}")
