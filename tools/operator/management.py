"""Xporter's management API, with the secret of the caller (docs/xporter-api.md, section 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests

from .errors import NotReachableError, OperatorError, RefusedError, WrongUseError
from .invitations import Invitation, refusal_of
from .xporter_calls import folded

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
        status, document = self._send("POST", "/api/oauth/GetToken", json=body)
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
        path, body = "/api/Manage/SchoolRegister", invitation.body()
        status, document = self._send("POST", path, "an invitation may have been sent", json=body)
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

    def _send(
        self, method: str, path: str, may_have_happened: str = "", **given: Any
    ) -> tuple[int, Mapping[str, Any] | None]:
        try:
            answer = self._http.request(
                method, self._url + path, timeout=_TIMEOUT_SECONDS, allow_redirects=False, **given
            )
        except requests.RequestException as error:
            raise NotReachableError(
                f"Xporter at {self._url} does not answer",
                "; ".join(filter(None, ("check --xporter-url and the network", may_have_happened))),
            ) from error
        try:
            document = answer.json()
        except (ValueError, RecursionError):
            document = None
        return answer.status_code, document if isinstance(document, dict) else None
