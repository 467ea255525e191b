"""Signs and verifies callback URLs.

Xporter does not sign its callbacks, but it calls a URL exactly as we registered it. Therefore the
URL contains an HMAC over all parameters that decide the meaning of the callback.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlencode

from xporter_bridge.casing import fold_keys
from xporter_bridge.errors import CallbackRejectedError, ConfigurationError


class CallbackKind(StrEnum):
    """The kinds of callbacks with signed URLs; the value is the last segment of the path."""

    DATABASE = "database"
    AVAILABILITY = "availability"
    WRITEBACK = "writeback"


# The parameter of each kind beside the estab.
_SUBJECT = {
    CallbackKind.DATABASE: "database",
    CallbackKind.AVAILABILITY: "id",
    CallbackKind.WRITEBACK: "id",
}


@dataclass(frozen=True)
class SigningKey:
    """One version of the secret that signs callback URLs."""

    id: str
    secret: bytes

    def __repr__(self) -> str:
        return f"SigningKey(id={self.id!r})"


@dataclass(frozen=True)
class CallbackSubject:
    """The subject of a signed URL: one school, and one database or one of our own ids."""

    kind: CallbackKind
    estab: str
    subject: str
    key_id: str


def sign(
    kind: CallbackKind, estab: str, subject: str, *, base_url: str, keys: Sequence[SigningKey]
) -> str:
    """Return the URL for Xporter, signed with the newest key.

    Raises:
        ConfigurationError: ``keys`` is empty: an unsigned URL is never issued.
    """
    key = _newest(keys)
    query = {
        "estab": estab,
        _SUBJECT[kind]: subject,
        "key": key.id,
        "signature": _signature(kind, estab, subject, key),
    }
    return f"{base_url.rstrip('/')}/callbacks/{kind}?{urlencode(query)}"


def verify(
    kind: CallbackKind, query: Mapping[str, str], *, keys: Sequence[SigningKey]
) -> CallbackSubject:
    """Return the subject of the URL; raise unless one of our keys signed it.

    Other parameters are ignored, because Xporter adds its own (``XodCompleted``). Names of
    parameters and the database are compared without regard to case (xporter-api.md 1 and 7).

    Args:
        keys: Newest first. The previous key stays valid until every registration has been
            renewed, so that rotation never drops a callback.

    Raises:
        CallbackRejectedError: 404 for any fault, so that a stranger learns nothing.
        ConfigurationError: ``keys`` is empty: never "anyone may call".
    """
    _newest(keys)
    given = fold_keys(query)
    estab, subject = given.get("estab", ""), given.get(_SUBJECT[kind], "")
    signature = given.get("signature", "").encode("utf-8", "surrogatepass")
    for key in keys:
        if hmac.compare_digest(_signature(kind, estab, subject, key).encode(), signature):
            return CallbackSubject(kind, estab, subject, key.id)
    raise CallbackRejectedError(404, "wrong_signature" if signature else "unsigned")


def key_id(query: Mapping[str, str]) -> str:
    """Return the key id in the URL, not verified; empty if there is none."""
    return str(fold_keys(query).get("key", ""))


def is_authentication_token(candidate: str, *, keys: Sequence[SigningKey]) -> bool:
    """Tell whether the last path segment of an authentication callback is one of ours.

    The URL is entered once in the Xporter Portal, for all schools. Instead of a signature, it
    ends in an unguessable segment: the current secret or, during a rotation, the previous one.

    Raises:
        ConfigurationError: ``keys`` is empty.
    """
    _newest(keys)
    digest = hashlib.sha256(candidate.encode("utf-8", "surrogatepass")).digest()
    matches = [hmac.compare_digest(hashlib.sha256(key.secret).digest(), digest) for key in keys]
    return any(matches)


def fingerprint(url: str) -> str:
    """Return a digest of a registered URL, which shows later whether the URL has changed."""
    return hashlib.sha256(url.encode()).hexdigest()[:16]


def _newest(keys: Sequence[SigningKey]) -> SigningKey:
    if not keys or not all(key.secret for key in keys):
        raise ConfigurationError("no key to sign callback URLs with")
    return keys[0]


def _signature(kind: CallbackKind, estab: str, subject: str, key: SigningKey) -> str:
    # The database is compared without regard to case, so it is signed that way too.
    signed_subject = subject.casefold() if kind is CallbackKind.DATABASE else subject
    message = "\n".join(("v1", kind, estab, signed_subject, key.id))
    mac = hmac.digest(key.secret, message.encode("utf-8", "surrogatepass"), "sha256")
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
