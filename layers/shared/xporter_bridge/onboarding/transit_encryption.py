"""Encrypts a school's secret in the message between the receiver and the consumer."""

from __future__ import annotations

from typing import Any

from xporter_bridge.aws.kms import EncryptionKey


class TransitEncryption:
    """Encrypts the school secret in the message between the receiver and the consumer."""

    def __init__(self, client: Any, key_id: str) -> None:
        self._key = EncryptionKey(client, key_id)

    def seal(self, estab: str, secret: str) -> bytes:
        """Return the secret encrypted by KMS for this school."""
        return self._key.encrypt(secret.encode(), {"estab": estab})

    def unseal(self, estab: str, sealed: bytes) -> str:
        """Return the secret that ``seal`` encrypted for the same school."""
        return self._key.decrypt(sealed, {"estab": estab}).decode()
