"""Encrypts a school's secret for its way from the receiver to the consumer."""

from __future__ import annotations

from typing import Any

from xporter_bridge.aws.errors import translate_aws_errors


class TransitEncryption:
    """Seals the school secret for its way from the receiver to the queue's consumer."""

    def __init__(self, client: Any, key_id: str) -> None:
        self._client = client
        self._key_id = key_id

    def seal(self, estab: str, secret: str) -> bytes:
        """Return the secret encrypted by KMS for this school."""
        with translate_aws_errors("kms:Encrypt"):
            answer = self._client.encrypt(
                KeyId=self._key_id, Plaintext=secret.encode(), EncryptionContext={"estab": estab}
            )
        return bytes(answer["CiphertextBlob"])

    def unseal(self, estab: str, sealed: bytes) -> str:
        """Return what ``seal`` sealed for the same school."""
        with translate_aws_errors("kms:Decrypt"):
            answer = self._client.decrypt(
                KeyId=self._key_id, CiphertextBlob=sealed, EncryptionContext={"estab": estab}
            )
        return str(answer["Plaintext"].decode())
