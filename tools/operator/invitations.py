"""The words of an invitation, and Xporter's answer to it (docs/xporter-api.md, section 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import WrongUseError
from .xporter_calls import folded


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
