"""One KMS key: encrypts short values and wraps data keys, each bound to a context."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xporter_bridge.aws.errors import translate_aws_errors


class EncryptionKey:
    """One symmetric key. Decryption needs the same context as encryption."""

    def __init__(self, client: Any, key_id: str) -> None:
        self._client = client
        self._key_id = key_id

    def encrypt(self, plaintext: bytes, context: Mapping[str, str]) -> bytes:
        """Return the ciphertext of a text of at most 4 KiB."""
        with translate_aws_errors("kms:Encrypt"):
            answer = self._client.encrypt(
                KeyId=self._key_id, Plaintext=plaintext, EncryptionContext=context
            )
        return bytes(answer["CiphertextBlob"])

    def decrypt(self, ciphertext: bytes, context: Mapping[str, str]) -> bytes:
        """Return the plaintext of a result of ``encrypt`` or ``generate_data_key``."""
        with translate_aws_errors("kms:Decrypt"):
            answer = self._client.decrypt(
                KeyId=self._key_id, CiphertextBlob=ciphertext, EncryptionContext=context
            )
        return bytes(answer["Plaintext"])

    def generate_data_key(self, context: Mapping[str, str]) -> tuple[bytes, bytes]:
        """Return a new AES-256 key, as plaintext and wrapped."""
        with translate_aws_errors("kms:GenerateDataKey"):
            made = self._client.generate_data_key(
                KeyId=self._key_id, KeySpec="AES_256", EncryptionContext=context
            )
        return bytes(made["Plaintext"]), bytes(made["CiphertextBlob"])
