"""Session tokens: sealed facts that the service unpacks on use and never stores."""

import base64
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256, shake_256

from tools.simulator.http.errors import unauthorised

_KEY = sha256(b"the simulator's own key; it protects invented pupils only").digest()
_BYTES = 496  # as the recorded token: 664 characters of base64, with padding
_DEFLATED_LIMIT = _BYTES - 16 - 32


@dataclass(frozen=True)
class Claims:
    """What a token says: ``estab`` is empty for a management token."""

    estab: str
    relying_party: str
    scopes: tuple[str, ...]
    expires: datetime


def _stream(nonce: bytes) -> bytes:
    return shake_256(_KEY + nonce).digest(_DEFLATED_LIMIT)


def seal(claims: Claims, scope_names: tuple[str, ...]) -> str:
    """Return the token; scopes are packed as bits of ``scope_names`` to fit its length."""
    bits = sum(1 << scope_names.index(name) for name in claims.scopes)
    facts = [claims.estab, claims.relying_party, bits, claims.expires.timestamp()]
    plain = json.dumps(facts).encode().ljust(_DEFLATED_LIMIT)
    nonce = secrets.token_bytes(16)
    body = bytes(a ^ b for a, b in zip(plain, _stream(nonce), strict=True))
    seal_bytes = hmac.digest(_KEY, nonce + body, "sha256")
    return base64.b64encode(nonce + body + seal_bytes).decode()


def unseal(token: str, scope_names: tuple[str, ...], now: datetime) -> Claims:
    """Return what the token says.

    Raises:
        XporterError: It is not one of ours, was altered, or has expired.
    """
    try:
        raw = base64.b64decode(token, validate=True)
    except ValueError as error:
        raise unauthorised("Token is not valid") from error
    nonce, body, seal_bytes = raw[:16], raw[16:-32], raw[-32:]
    if len(raw) != _BYTES or not hmac.compare_digest(
        seal_bytes, hmac.digest(_KEY, nonce + body, "sha256")
    ):
        raise unauthorised("Token is not valid")
    estab, relying_party, bits, expires = json.loads(
        bytes(a ^ b for a, b in zip(body, _stream(nonce), strict=True))
    )
    scopes = tuple(name for place, name in enumerate(scope_names) if bits >> place & 1)
    claims = Claims(estab, relying_party, scopes, datetime.fromtimestamp(expires, UTC))
    if claims.expires <= now:
        raise unauthorised("Token has expired")
    return claims
