"""Callback URLs that only we can make.

Xporter signs nothing that it sends, but it calls a URL exactly as we gave it. So the URL itself
carries an HMAC over everything that decides what the callback means.
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
    """The callbacks whose URLs we hand out; the value is the last segment of the path."""

    DATABASE = "database"
    AVAILABILITY = "availability"
    WRITEBACK = "writeback"


# What, besides the school, a callback of each kind is about.
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
    """What a signed URL was issued for: one school, and one database or one of our own ids."""

    kind: CallbackKind
    estab: str
    subject: str
    key_id: str


def sign(
    kind: CallbackKind, estab: str, subject: str, *, base_url: str, keys: Sequence[SigningKey]
) -> str:
    """Return the URL to give to Xporter, signed with the newest key.

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
    """Return what the URL was issued for; raise unless one of our keys issued it.

    Parameters that are not ours are ignored: Xporter adds its own (``XodCompleted``). Names are
    read without regard to case, and so is the database (xporter-api.md 1 and 7).

    Args:
        keys: Newest first. The previous key stays valid until every registration has been
            renewed, so that rotation never drops a callback.

    Raises:
        CallbackRejectedError: 404, whatever is wrong, so that a stranger learns nothing.
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
    """Return which of our keys the URL says that it was signed with; empty if it says none."""
    return str(fold_keys(query).get("key", ""))


def is_authentication_token(candidate: str, *, keys: Sequence[SigningKey]) -> bool:
    """Tell whether the last path segment of an authentication callback is one of ours.

    The URL is typed once into the Xporter Portal, for all schools, so it carries no signature
    but an unguessable segment: the current secret or, during a rotation, the previous one.

    Raises:
        ConfigurationError: ``keys`` is empty.
    """
    _newest(keys)
    digest = hashlib.sha256(candidate.encode("utf-8", "surrogatepass")).digest()
    matches = [hmac.compare_digest(hashlib.sha256(key.secret).digest(), digest) for key in keys]
    return any(matches)


def fingerprint(url: str) -> str:
    """Return what we record about a URL that Xporter holds: enough to see that it has changed."""
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
