"""Answers invitations of schools; no e-mail is written, and no contact is kept."""

from typing import Any

from tools.simulator.http.errors import bad_argument
from tools.simulator.service.application import World

_NEEDED = (
    "LeaCode", "DfesCode", "SchoolName", "SchoolContactFirstName", "SchoolContactLastName",
    "SchoolContactEmail", "SchoolContactPhone", "PartnerApplicationId", "PartnerName",
    "PartnerRegisteredEmail",
)  # fmt: skip
# No authority has this number.
_NOWHERE = "000"


def invite(world: World, body: dict[str, Any]) -> dict[str, Any]:
    """Return what became of each school of an invitation (xporter-api.md 4).

    Raises:
        XporterError: The body as a whole is wrong.
    """
    schools = body.get("Schools")
    if body.get("RegistrationType") not in {"Test", "Live"} or not isinstance(schools, list):
        raise bad_argument("RegistrationType or Schools is missing")
    return {"Schools": [_answered(world, school) for school in schools]}


def _answered(world: World, school: dict[str, Any]) -> dict[str, Any]:
    why = _refusal(world, school)
    named = {name: school.get(name) for name in ("LeaCode", "DfesCode")}
    return {**named, "Status": "Error" if why else "OK", "Message": why or None}


def _refusal(world: World, school: dict[str, Any]) -> str:
    missing = [name for name in _NEEDED if not school.get(name)]
    if missing:
        return f"{missing[0]} is missing"
    if school["PartnerApplicationId"] != world.application.relying_party:
        return "PartnerApplicationId is not known"
    if school.get("WeAcceptGroupcallUsagePolicy") is not True:
        return "The usage policy has to be accepted"
    if school["LeaCode"] == _NOWHERE:
        return "School not found in EduBase"
    return ""
