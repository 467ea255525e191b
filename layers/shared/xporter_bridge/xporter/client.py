"""Xporter on Demand over HTTPS, as xporter-api.md describes it.

The envelope of a response decides its meaning (``envelopes``). The text of a response and a URL are
never logged: they may contain personal data or a signature.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from xporter_bridge import telemetry
from xporter_bridge.casing import fold_keys, spelled
from xporter_bridge.errors import (
    AuthorisationPausedError,
    RateLimitedError,
    SecretRefusedError,
    TransientError,
    UnauthorisedError,
    UnrecognisedAnswerError,
    XporterRefusedError,
    XporterUnavailableError,
)
from xporter_bridge.exact_json import Document, MendedDocument, loads, mended
from xporter_bridge.timestamps import parse
from xporter_bridge.xporter import envelopes
from xporter_bridge.xporter.endpoints import tables_of
from xporter_bridge.xporter.envelopes import Call, Meaning
from xporter_bridge.xporter.http import CONNECT_SECONDS, HttpClient, is_sendable
from xporter_bridge.xporter.retry_after import seconds_of

THIRD_PARTY = "XporterOnDemand"
# The read timeouts: for data, which may be slow for a big school; for data that Xporter has itself;
# and for writebacks.
DATA_SECONDS = 60.0
_QUICK_SECONDS = 10.0
_WRITE_SECONDS = 60.0
_QUICK_RETRY_SECONDS = 0.25
# For a token without an expiry time; if Xporter refuses it earlier, a new token is requested.
_ASSUMED_LIFE = timedelta(minutes=10)
# The limit of a stated lifetime; the observed one was five days (xporter-api.md 2.3).
_MAX_LIFE = timedelta(days=30)
# Only a call that failed within this time is repeated at once: a call that hung would hang again.
_SOON_SECONDS = 3.0
# A Retry-After up to this limit is waited for in process; otherwise the queue delivers again.
_PATIENCE_SECONDS = 3.0


@dataclass(frozen=True)
class Token:
    """A school token; opaque, sent as it is."""

    value: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True)
class TokenDetails:
    """The details of a token, which decide a school's scopes (xporter-api.md 2.5)."""

    estab: str
    relying_party: str
    scopes: tuple[str, ...]


class XporterApi:
    """Xporter at one base URL. Safe to share between threads.

    Reads and token requests are retried once, at once, if Xporter was unreachable, failed or sent
    an incomplete response. Requests that change the school's MIS are never repeated here.

    Args:
        data_seconds: The read timeout for data.
    """

    def __init__(self, base_url: str, *, data_seconds: float = DATA_SECONDS) -> None:
        self._http = HttpClient(base_url.rstrip("/"))
        self._data_seconds = data_seconds
        self._mended = ""

    def get_token(self, estab: str, relying_party: str, secret: str) -> Token:
        """Return a fresh token for the school.

        Raises:
            AuthorisationPausedError: The school is still choosing the people to include.
            SecretRefusedError: Xporter refuses the secret.
            XporterUnavailableError: The response has neither a refusal nor a usable token.
        """
        body = {
            "estab": estab,
            "relyingParty": relying_party,
            "password": secret,
            "thirdpartyid": THIRD_PARTY,
        }
        try:
            answer = fold_keys(self._ask(envelopes.GET_TOKEN, "/api/oauth/GetToken", json=body))
        except AuthorisationPausedError:
            raise
        except XporterRefusedError as error:
            raise SecretRefusedError("secret_refused") from error
        token = answer["token"].strip()
        if not is_sendable(token):
            raise XporterUnavailableError("token_unsendable")
        return Token(token, _end_of_token(answer.get("expires")))

    def token_details(self, token: str) -> TokenDetails:
        """Return the school, the relying party and the scopes of the token.

        Raises:
            XporterUnavailableError: The response lacks one of the three. Missing scopes must not
                count as no scopes, because the data of a removed scope is erased.
        """
        answer = self._ask(envelopes.TOKEN_DETAILS, "/api/v1/TokenDetails", "GET", token=token)
        return TokenDetails(
            estab=envelopes.estab_in(answer),
            relying_party=fold_keys(answer)["relyingparty"].strip(),
            scopes=envelopes.scopes_in(answer) or (),
        )

    def school_data(
        self,
        estab: str,
        resource: str,
        token: str,
        query: Mapping[str, str],
        *,
        read_seconds: float | None = None,
    ) -> dict[str, Any]:
        """Return one parsed response of a data endpoint.

        Args:
            query: The parameters, not yet encoded. A ``callbackUrl`` is encoded whole, so that its
                parameters cannot be read as parameters of this request (13.7 and section 6).
            read_seconds: How long Xporter may be silent, if not as long as usual for data.

        Raises:
            XporterRefusedError: The token, a scope or a parameter is not accepted.
        """
        tables = tables_of(resource.partition("/")[0])
        call = envelopes.data_call(tables, with_callback="callbackUrl" in query)
        path, seconds = f"/api/v1/School/{estab}/{resource}", read_seconds or self._data_seconds
        return self._ask(call, path, "GET", token=token, query=query, read_seconds=seconds)

    def register_webhook(self, token: str, url: str, database: str) -> None:
        """Register the URL for changes of the database at the token's school.

        A new registration replaces the old one, so a repetition is harmless (xporter-api.md 7).

        Raises:
            UnrecognisedAnswerError: The response is neither a success nor a refusal.
        """
        body = {"url": url, "DatabaseName": database}
        self._ask(envelopes.REGISTER_WEBHOOK, "/api/v1/Webhook", token=token, json=body)

    def write(self, path: str, token: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send a writeback once, over a new connection, and return the response.

        The outcome follows later in a callback.

        Raises:
            XporterRefusedError: Xporter refused the writeback; nothing was or will be written.
            XporterUnavailableError: With ``xporter_not_connected``, nothing was sent.
            TransientError: Xporter may have accepted the writeback: do not repeat it.
        """
        try:
            return self._once(
                envelopes.WRITE,
                path,
                token=token,
                json=body,
                read_seconds=_WRITE_SECONDS,
                new_connection=True,
            )
        except UnauthorisedError as error:
            # A retry with a new token would repeat a write that may have been accepted.
            raise UnrecognisedAnswerError(error.reason, error.retry_after_seconds) from error

    def _ask(self, *call: Any, **arguments: Any) -> dict[str, Any]:
        began = time.monotonic()
        try:
            return self._once(*call, **arguments)
        except UnauthorisedError:
            raise
        except TransientError as error:
            wait = error.retry_after_seconds
            wait = _QUICK_RETRY_SECONDS if wait is None else wait
            if wait > _PATIENCE_SECONDS or time.monotonic() - began > _SOON_SECONDS:
                raise
            time.sleep(wait)
        return self._once(*call, **arguments)

    def _once(
        self,
        call: Call,
        path: str,
        method: str = "POST",
        *,
        token: str | None = None,
        read_seconds: float = _QUICK_SECONDS,
        **arguments: Any,
    ) -> dict[str, Any]:
        headers = {"Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Idaas {token}"
        answer = self._http.send(method, path, headers, read_seconds=read_seconds, **arguments)
        body = check_response(call, answer.status, answer.headers, answer.content)
        if isinstance(body, MendedDocument) and path != self._mended:
            self._mended = path  # logged once, not for every page
            telemetry.warn("answer_mended")
        return body


def longest_seconds(
    *, quick: int = 0, data: int = 0, writes: int = 0, data_seconds: float = DATA_SECONDS
) -> float:
    """Return the longest time of this many calls, for callers with limited time."""
    repeated = _SOON_SECONDS + _PATIENCE_SECONDS + CONNECT_SECONDS
    return (
        quick * (repeated + _QUICK_SECONDS)
        + data * (repeated + data_seconds)
        + writes * (CONNECT_SECONDS + _WRITE_SECONDS)
    )


def check_response(
    call: Call, status: int, headers: Mapping[str, str], content: bytes
) -> dict[str, Any]:
    """Return the body of a successful response; raise the error of any other response."""
    retry_after = seconds_of(headers.get("Retry-After", ""), datetime.now(UTC))
    if status == 429:
        raise RateLimitedError("xporter_429", retry_after)
    if status >= 500:
        raise XporterUnavailableError(f"xporter_{status}", retry_after)
    body = _object(status, content)
    meaning = Meaning.OUTAGE if body is None else envelopes.meaning_of(call, status, body)
    if body is not None and meaning is Meaning.SUCCESS:
        return body
    if meaning is Meaning.PAUSE:
        raise AuthorisationPausedError("authorisation_paused")
    if meaning is Meaning.REFUSAL:
        raise XporterRefusedError("xporter_exception", envelopes.exception_of(body or {}))
    if status == 401:
        raise UnauthorisedError("xporter_401", retry_after)
    reason = "answer_unrecognised" if 200 <= status < 300 else str(status)
    raise UnrecognisedAnswerError(f"xporter_{reason}", retry_after)


def _object(status: int, content: bytes) -> dict[str, Any] | None:
    """Return a response that is an object; an empty object for an empty response; else None."""
    if not content.strip():
        return {}
    try:
        body = _parsed(content)
    except ValueError as error:
        if 200 <= status < 300 and content.lstrip()[:1] in (b"{", b"["):
            raise XporterUnavailableError("xporter_answer_cut") from error
        return None
    return body if isinstance(body, dict) else None


def _parsed(content: bytes) -> Any:
    """Return the parsed response; malformed JSON is mended unless it is incomplete."""
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        body = loads(mended(content))
        return MendedDocument(body) if isinstance(body, dict) else body
    return Document(body, content) if isinstance(body, dict) else body


def _end_of_token(said: object) -> datetime:
    """Return a token's expiry; a default if Xporter gives no plausible time."""
    now = datetime.now(UTC)
    try:
        end = parse(spelled(said)).astimezone(UTC)
    except (ValueError, OverflowError):
        return now + _ASSUMED_LIFE
    return min(end, now + _MAX_LIFE) if end > now else now + _ASSUMED_LIFE
