"""Invites a school through Xporter's management API (docs/xporter-api.md, section 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from .errors import NotReachableError, OperatorError, RefusedError, WrongUseError
from .xporter_calls import folded

_TIMEOUT_SECONDS = (10, 60)
_THIRD_PARTY = "XporterOnDemand"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Invitation:
    """A school, its contact, and the application that invites. The contact is stored nowhere.

    ``kind`` is Xporter's registration type, ``Test`` or ``Live``.
    """

    estab: str
    name: str
    first_name: str
    last_name: str
    email: str
    phone: str
    kind: str
    application: str
    partner: str
    partner_email: str

    def body(self) -> dict[str, Any]:
        """Return what Xporter's documentation names; the scopes are the application's own."""
        school = {
            "LeaCode": self.estab[:3],
            "DfesCode": self.estab[3:],
            "SchoolName": self.name,
            "SchoolContactFirstName": self.first_name,
            "SchoolContactLastName": self.last_name,
            "SchoolContactEmail": self.email,
            "SchoolContactPhone": self.phone,
            "PartnerApplicationId": self.application,
            "PartnerName": self.partner,
            "PartnerRegisteredEmail": self.partner_email,
            "ScopesToAuthorise": None,
            "AuthParams": None,
            "WeAcceptGroupcallUsagePolicy": True,
        }
        return {"RegistrationType": self.kind, "Schools": [school]}


def kind_of(application: str) -> str:
    """Return the registration type of an application, so that no test school enters live tables.

    Raises:
        WrongUseError: The id of the application does not say which it is.
    """
    for start, kind in (("live.", "Live"), ("test.", "Test")):
        if application.casefold().startswith(start):
            return kind
    raise WrongUseError(
        f"the application {application} begins with neither live. nor test.",
        "give --kind Live or --kind Test",
    )


def refusal_of(document: Mapping[str, Any] | None) -> str:
    """Return why Xporter did not invite the school; empty if it did."""
    answer = folded(document)
    schools = answer.get("schools")
    if not isinstance(schools, list) or len(schools) != 1 or not isinstance(schools[0], dict):
        said = answer.get("exceptionmessage") or answer.get("message")
        return str(said or "an answer without the school")
    school = folded(schools[0])
    if str(school.get("status", "")).casefold() == "ok":
        return ""
    return str(school.get("message") or school.get("status") or "no reason given")


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

    def _post(self, path: str, body: Mapping[str, Any]) -> tuple[int, Mapping[str, Any] | None]:
        try:
            answer = self._http.post(
                self._url + path, json=body, timeout=_TIMEOUT_SECONDS, allow_redirects=False
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
