"""Xporter on Demand over HTTPS, as xporter-api.md describes it.

Xporter reports most failures at HTTP 200, so every answer is judged by its body. Neither an
answer's text nor a URL ever reaches a log: both may quote personal data or a signature.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from xporter_bridge import telemetry
from xporter_bridge.casing import fold_keys
from xporter_bridge.errors import (
    AuthorisationPausedError,
    ContractError,
    RateLimitedError,
    SecretRefusedError,
    TransientError,
    XporterRefusedError,
    XporterUnavailableError,
)
from xporter_bridge.exact_json import Document, loads, mended
from xporter_bridge.timestamps import parse
from xporter_bridge.xporter.http import CONNECT_SECONDS, HttpClient

THIRD_PARTY = "XporterOnDemand"
# How long Xporter may be silent: before data, which a big school's agent may take its time for,
# before what it knows by itself, and before it says what became of a writeback.
DATA_SECONDS = 60.0
_QUICK_SECONDS = 10.0
_WRITE_SECONDS = 60.0
_QUICK_RETRY_SECONDS = 0.25
# Of a token that does not say when it ends; refused earlier, another is asked for.
_ASSUMED_LIFE = timedelta(minutes=10)
# Only what failed this soon is repeated at once: a call that hung would hang again.
_SOON_SECONDS = 3.0
# A Retry-After up to here is waited for in process; beyond it the work goes back to its queue.
_PATIENCE_SECONDS = 3.0
# Nobody is sent away for longer than this, whatever a Retry-After says.
_LONGEST_WAIT_SECONDS = 3600.0


@dataclass(frozen=True)
class Token:
    """A school token; opaque, sent as it is."""

    value: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True)
class TokenDetails:
    """What a token is good for: the authority on a school's scopes (xporter-api.md 2.5)."""

    estab: str
    relying_party: str
    scopes: tuple[str, ...]


class XporterApi:
    """Xporter at one base URL. Safe to share between threads.

    Reads and token requests are retried once at once when Xporter was unreachable, failed or sent
    half an answer; whatever changes the school's MIS is never repeated here.

    Args:
        data_seconds: How long it may be silent before data.
    """

    def __init__(self, base_url: str, *, data_seconds: float = DATA_SECONDS) -> None:
        self._connections = HttpClient(base_url.rstrip("/"))
        self._data_seconds = data_seconds

    def get_token(self, estab: str, relying_party: str, secret: str) -> Token:
        """Return a fresh token for the school.

        Raises:
            AuthorisationPausedError: The school is still choosing whom to include.
            SecretRefusedError: The secret yields no token.
        """
        body = {
            "estab": estab,
            "relyingParty": relying_party,
            "password": secret,
            "thirdpartyid": THIRD_PARTY,
        }
        try:
            answer = fold_keys(self._ask("POST", "/api/oauth/GetToken", json=body))
        except XporterRefusedError as error:
            if isinstance(error, AuthorisationPausedError):
                raise
            raise SecretRefusedError("secret_refused") from error
        token, expires = answer.get("token"), answer.get("expires")
        if not token:
            raise SecretRefusedError("no_token")
        try:
            return Token(str(token), parse(str(expires)))
        except ValueError:
            return Token(str(token), datetime.now(UTC) + _ASSUMED_LIFE)

    def token_details(self, token: str) -> TokenDetails:
        """Return whose token it is and what it allows.

        Raises:
            XporterUnavailableError: The answer does not say what is allowed: that is not nothing,
                for what is no longer allowed is erased.
        """
        answer = fold_keys(self._ask("GET", "/api/v1/TokenDetails", token=token))
        return TokenDetails(
            estab=str(answer.get("estab", "")).strip(),
            relying_party=str(answer.get("relyingparty", "")).strip(),
            scopes=_scopes(answer.get("scopes")),
        )

    def school_data(
        self, estab: str, resource: str, token: str, query: Mapping[str, str]
    ) -> dict[str, Any]:
        """Return one answer of a data endpoint, parsed.

        Args:
            query: The parameters, not yet encoded; a ``callbackUrl`` among them is encoded whole,
                so that its own parameters cannot be mistaken for Xporter's (13.7 and section 6).

        Raises:
            XporterRefusedError: The token, a scope or a parameter is not accepted.
        """
        path, seconds = f"/api/v1/School/{estab}/{resource}", self._data_seconds
        return self._ask("GET", path, token=token, query=query, read_seconds=seconds)

    def register_webhook(self, token: str, url: str, database: str) -> None:
        """Ask to be called at the URL when the database of the token's school changes.

        Registering again overwrites, so repeating is harmless (xporter-api.md 7).
        """
        body = {"url": url, "DatabaseName": database}
        self._ask("POST", "/api/v1/Webhook", token=token, json=body)

    def write(self, path: str, token: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send a writeback once and return the answer; the outcome comes later.

        Raises:
            XporterRefusedError: Refused at once; nothing was or will be written.
            TransientError: It may or may not have been taken: never repeat it blindly.
        """
        return self._once("POST", path, token=token, json=body, read_seconds=_WRITE_SECONDS)

    def _ask(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        began = time.monotonic()
        try:
            return self._once(method, path, **arguments)
        except TransientError as error:
            wait = error.retry_after_seconds
            wait = _QUICK_RETRY_SECONDS if wait is None else wait
            if wait > _PATIENCE_SECONDS or time.monotonic() - began > _SOON_SECONDS:
                raise
            time.sleep(wait)
        return self._once(method, path, **arguments)

    def _once(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        read_seconds: float = _QUICK_SECONDS,
        **arguments: Any,
    ) -> dict[str, Any]:
        headers = {"Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Idaas {token}"
        answer = self._connections.send(
            method, path, headers, read_seconds=read_seconds, **arguments
        )
        return check_response(answer.status, answer.headers, answer.content)


def longest_seconds(
    *, quick: int = 0, data: int = 0, writes: int = 0, data_seconds: float = DATA_SECONDS
) -> float:
    """Return how long so many calls take at the worst, for what has to end before its time."""
    repeated = _SOON_SECONDS + _PATIENCE_SECONDS + CONNECT_SECONDS
    return (
        quick * (repeated + _QUICK_SECONDS)
        + data * (repeated + data_seconds)
        + writes * (CONNECT_SECONDS + _WRITE_SECONDS)
    )


def check_response(status: int, headers: Mapping[str, str], content: bytes) -> dict[str, Any]:
    """Return the body of a good answer; raise what a bad one means."""
    if status == 429:
        raise RateLimitedError("xporter_429", _retry_after(headers.get("Retry-After", "")))
    if status >= 500:
        raise XporterUnavailableError(
            f"xporter_{status}", _retry_after(headers.get("Retry-After", ""))
        )
    try:
        body = _parsed(content) if content.strip() else {}
    except ValueError as error:
        if status >= 400:
            raise XporterRefusedError(f"xporter_{status}") from error
        raise XporterUnavailableError("xporter_answer_cut") from error
    if not isinstance(body, dict):
        raise ContractError("answer_is_no_object")
    _raise_if_refused(status, body)
    return body


def _parsed(content: bytes) -> Any:
    """Return an answer, also one that orjson refuses although no end of it is missing."""
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        body = loads(mended(content))
        telemetry.warn("answer_mended")
        return body
    return Document(body, content) if isinstance(body, dict) else body


def _scopes(granted: object) -> tuple[str, ...]:
    names = granted.split(",") if isinstance(granted, str) else granted
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise XporterUnavailableError("token_details_without_scopes")
    return tuple(filter(None, dict.fromkeys(name.strip() for name in names)))


def _raise_if_refused(status: int, body: Mapping[str, Any]) -> None:
    said = {name.casefold(): value for name, value in body.items() if not isinstance(value, list)}
    message = said.get("exceptionmessage")
    if said.get("authorisationpaused") or (message and "paused" in str(message).casefold()):
        raise AuthorisationPausedError("authorisation_paused")
    if message:
        raise XporterRefusedError("xporter_exception", str(message))
    if status >= 300:
        raise XporterRefusedError(f"xporter_{status}")


def _retry_after(text: str) -> float | None:
    """Return the seconds that a Retry-After header asks for; it may also name a date."""
    if re.fullmatch(r"\s*[0-9]{1,300}\s*", text):
        return min(float(text), _LONGEST_WAIT_SECONDS)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    # A date in "-0000" is UTC of an unknown place, which Python reads as naive.
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    seconds = (moment - datetime.now(UTC)).total_seconds()
    return min(max(0.0, seconds), _LONGEST_WAIT_SECONDS)
