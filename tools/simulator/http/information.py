"""The endpoints about the API and its caller: TokenDetails, Scopes, Queries, Usage, GDPRIDs."""

from typing import Any

from tools.simulator.http.errors import NO_ERROR
from tools.simulator.school.seeded_random import zulu
from tools.simulator.service import scopes
from tools.simulator.service.application import World
from tools.simulator.service.endpoints import RESOURCES
from tools.simulator.service.tokens import Claims

_WRITING = (
    ("Attendance", "Attendance/{estab}/", "WritebackAttendance"),
    ("AttendanceAsync", "AttendanceAsync/{estab}/", "WritebackAttendance"),
    ("Conduct", "Writeback/Conduct", "WritebackConduct"),
    ("SeatingPlan", "Writeback/SeatingPlan", "WritebackSeatingPlan"),
    ("Detention", "Writeback/?id=efw.Detention", "WritebackDetention"),
)


def token_details(world: World, claims: Claims) -> dict[str, Any]:
    """Return the claims of the caller's token; the authority on its scopes."""
    named = list(claims.scopes)
    if forgets := world.faults.take("missing_scopes", estab=claims.estab):
        lost = forgets.parameters.get("value", named)
        named = [scope for scope in named if scope not in lost]
    return {
        "Estab": claims.estab,
        "Expires": zulu(claims.expires),
        "Name": world.application.name,
        "RelyingParty": claims.relying_party,
        "Scopes": named,
        **NO_ERROR,
    }


def all_scopes(_world: World, _claims: Claims) -> dict[str, Any]:
    """Return every scope there is."""
    return {"Scopes": scopes.listing(), **NO_ERROR}


def queries(_world: World, _claims: Claims) -> dict[str, Any]:
    """Return the endpoints' documentation of themselves: 55, as recorded in 2018."""
    reading = [
        {
            "Version": "1",
            "Id": f"school.{resource.name.lower()}",
            "Method": "GET",
            "Scope": resource.scope,
            "Path": f"/api/v1/School/{{estab}}/{resource.name}/{{id}}",
            "Description": resource.name,
            "Documentation": "",
            "Query": f"xod.1.{resource.name}",
            "Options": "\n".join(f"{option}:" for option in resource.options),
            "Parameters": "\n".join(f"{name}:" for name in resource.parameters),
            "Published": True,
            "PageSize": 25,
        }
        for resource in RESOURCES.values()
    ]
    writing = [_writing(*each) for each in _WRITING]
    return {"Endpoints": [*reading, *writing], "Queries": [], **NO_ERROR}


def _writing(name: str, path: str, scope: str) -> dict[str, Any]:
    return {
        "Version": "1",
        "Id": f"writeback.{name.lower()}",
        "Method": "POST",
        "Scope": scope,
        "Path": f"/api/v1/{path}",
        "Description": name,
        "Documentation": "",
        "Query": f"efw.{name}",
        "Options": "",
        "Parameters": "",
        "Published": True,
        "PageSize": 25,
    }


def logs(_world: World, _claims: Claims) -> dict[str, Any]:
    """Return the log of the school's agent, which is empty."""
    return {"Logs": [], **NO_ERROR}


def usage(world: World, claims: Claims) -> dict[str, Any]:
    """Return the number of requests; this reply carries no exception envelope."""
    school = world.schools.find(claims.estab)
    total = school.requests_served if school else 0
    month = world.now().strftime("%Y-%m")
    area = {
        "Area": "request", "Total": total, "Today": total, "ThisMonth": total,
        "History": [{"month": month, "count": total}],
    }  # fmt: skip
    return {"Usage": [{"Estab": claims.estab, "RP": claims.relying_party, "Areas": [area]}]}


def gdpr_ids(_world: World, claims: Claims) -> dict[str, Any]:
    """Return the people whom the school withdrew: none."""
    lists: dict[str, list[str]] = {
        name: [] for name in ("StudentIds", "StaffIds", "ContactIds", "OtherIds")
    }
    entry = {"IsOptIn": False, "Estab": claims.estab, "RelyingParty": claims.relying_party}
    return {"GDPR": [{**entry, "MIS": None, **lists}], **NO_ERROR}
