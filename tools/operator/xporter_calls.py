"""Xporter's read-only calls, answered as they came: status, names of headers, and the document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from .errors import NotReachableError, RefusedError, WrongUseError

_TIMEOUT_SECONDS = (10, 120)
_THIRD_PARTY = "XporterOnDemand"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Seen:
    """One answer. ``document`` is None where the body was no JSON object."""

    status: int
    headers: frozenset[str]
    document: Mapping[str, Any] | None

    @property
    def error(self) -> str:
        """What Xporter says is wrong; empty for a success."""
        said = folded(self.document).get("exceptionmessage")
        return str(said) if said else ""

    @property
    def is_data(self) -> bool:
        """Tell whether this is an answer with rows, or one that could have had some."""
        return self.document is not None and self.status == 200 and not self.error


class Xporter:
    """One school at Xporter. Nothing is written, and nothing is registered."""

    def __init__(self, url: str, estab: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise WrongUseError(f"{url} is not https", "give --xporter-url as https://…")
        self._url, self._estab = url.rstrip("/"), estab
        self._http = requests.Session()

    def take_token(self, relying_party: str, secret: str) -> Seen:
        """Take a token for the school; all later calls send it.

        Raises:
            RefusedError: There is none, so that nothing else can be asked.
        """
        body = {
            "estab": self._estab,
            "relyingParty": relying_party,
            "password": secret,
            "thirdpartyid": _THIRD_PARTY,
        }
        seen = self._send("POST", "/api/oauth/GetToken", json=body)
        token = folded(seen.document).get("token")
        if not isinstance(token, str) or not token.strip():
            raise RefusedError(
                "Xporter issued no token for this secret",
                seen.status,
                "check the number, the secret and --relying-party; a school may be paused",
            )
        self._http.headers["Authorization"] = f"Idaas {token.strip()}"
        return seen

    def details(self) -> Seen:
        """Ask what the token allows."""
        return self._send("GET", "/api/v1/TokenDetails")

    def ask(self, resource: str, **query: str) -> Seen:
        """Ask for data of the school."""
        return self._send("GET", f"/api/v1/School/{self._estab}/{resource}", params=query)

    def _send(self, method: str, path: str, **facts: Any) -> Seen:
        try:
            answer = self._http.request(
                method, self._url + path, timeout=_TIMEOUT_SECONDS, allow_redirects=False, **facts
            )
        except requests.RequestException as error:
            raise NotReachableError(
                f"Xporter at {self._url} does not answer", "check --xporter-url and the network"
            ) from error
        try:
            document = answer.json()
        except ValueError:
            document = None
        names = frozenset(name.lower() for name in answer.headers)
        return Seen(answer.status_code, names, document if isinstance(document, dict) else None)


def folded(document: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the members of an object by their names without regard to case."""
    return {name.casefold(): value for name, value in (document or {}).items()}
