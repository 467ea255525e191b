"""Encryption of what a school entrusts to us, under a data key that belongs to it alone."""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from xporter_bridge.errors import ConfigurationError

_NONCE_BYTES = 12


def seal(key: bytes, plaintext: str, *, context: str) -> bytes:
    """Return the text encrypted with AES-256-GCM, a fresh nonce in front.

    Args:
        key: 32 bytes, the school's data key.
        context: What the text is and whose; it must be given again to open it, so that sealed
            values cannot be swapped between schools or attributes.
    """
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext.encode(), context.encode())


def unseal(key: bytes, sealed: bytes, *, context: str) -> str:
    """Return what was sealed.

    Raises:
        ConfigurationError: Another key or another context sealed it, or it was altered.
    """
    nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, context.encode()).decode()
    except (InvalidTag, ValueError) as error:
        raise ConfigurationError(f"cannot unseal {context.partition('/')[0]}") from error
