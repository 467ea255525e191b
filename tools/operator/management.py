"""Xporter's management API, with the secret of the caller (docs/xporter-api.md, section 4)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import click
import requests

from .errors import NotReachableError, OperatorError, RefusedError, WrongUseError
from .invitations import Invitation, refusal_of
from .xporter_calls import folded

# No option: a shell remembers those.
_SECRET = "XPORTER_MANAGEMENT_SECRET"
_TIMEOUT_SECONDS = (10, 60)
_THIRD_PARTY = "XporterOnDemand"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Management:
    """Xporter's management calls. Nothing is repeated: a second e-mail would go to the school."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise WrongUseError(f"{url} is not https", "give --xporter-url as https://…")
        self._url = url.rstrip("/")
        self._http = requests.Session()

    def take_token(self, application: str, secret: str) -> None:
        """Take a management token; the next call sends it.

        Raises:
            RefusedError: Xporter issues none for the secret.
        """
        body = {"relyingParty": application, "password": secret, "thirdpartyid": _THIRD_PARTY}
        status, document = self._post("/api/oauth/GetToken", body)
        token = folded(document).get("token")
        if not isinstance(token, str) or not token.strip():
            raise RefusedError(
                "Xporter issued no management token",
                status,
                "check the application's id and its management secret",
            )
        self._http.headers["Authorization"] = f"Idaas {token.strip()}"

    def invite(self, invitation: Invitation) -> None:
        """Have Xporter write to the school's contact.

        Raises:
            OperatorError: With Xporter's reason.
        """
        status, document = self._post("/api/Manage/SchoolRegister", invitation.body())
        why = refusal_of(document) if status < 300 else f"status {status}"
        if why:
            raise OperatorError(
                f"Xporter did not invite {invitation.estab}: {why}",
                "correct it and run the command again, or invite the school in the Xporter Portal",
            )

    def authorised_schools(self, application: str) -> set[str]:
        """Return the numbers of the schools that have authorised the application.

        Xporter answers with a token for each school, which opens its data; the tokens are dropped.

        Raises:
            OperatorError: With Xporter's reason.
        """
        path = "/api/manage/GetXodSchoolTokens"
        status, document = self._send("GET", path, params={"applicationid": application})
        answer = folded(document)
        listed = answer.get("tokens")
        if status >= 300 or not isinstance(listed, list):
            said = answer.get("exceptionmessage") or answer.get("message") or f"status {status}"
            raise OperatorError(
                f"Xporter did not list the schools of {application}: {said}",
                "look in the Xporter Portal; the call is documented nowhere, and may be gone",
            )
        entries = [folded(each) for each in listed if isinstance(each, dict)]
        return {str(each.get("estab") or "").replace("/", "").strip() for each in entries} - {""}

    def _post(self, path: str, body: Mapping[str, Any]) -> tuple[int, Mapping[str, Any] | None]:
        return self._send("POST", path, json=body)

    def _send(self, method: str, path: str, **given: Any) -> tuple[int, Mapping[str, Any] | None]:
        try:
            answer = self._http.request(
                method, self._url + path, timeout=_TIMEOUT_SECONDS, allow_redirects=False, **given
            )
        except requests.RequestException as error:
            raise NotReachableError(
                f"Xporter at {self._url} does not answer",
                "check --xporter-url and the network; an invitation may have been sent",
            ) from error
        try:
            document = answer.json()
        except ValueError:
            document = None
        return answer.status_code, document if isinstance(document, dict) else None


def open_management(url: str, application: str) -> Management:
    """Return the management API, with a token for the caller's secret, which is asked for.

    Raises:
        OperatorError: Xporter issues no token for the secret, or does not answer.
    """
    management = Management(url)
    known = os.environ.get(_SECRET) or click.prompt("Management secret", hide_input=True, err=True)
    management.take_token(application, known)
    return management
