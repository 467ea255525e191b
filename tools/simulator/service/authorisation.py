"""Issues tokens, and checks the token of each call."""

from datetime import timedelta
from hmac import compare_digest
from typing import Any

from tools.simulator.http.errors import NO_ERROR, forbidden, unauthorised
from tools.simulator.school.schools import School
from tools.simulator.school.seeded_random import zulu
from tools.simulator.service.application import World
from tools.simulator.service.scopes import ALL
from tools.simulator.service.tokens import Claims, seal, unseal

_NO_EXPIRY = "0001-01-01T00:00:00"
_REFUSED = "Relying Party not found for estab or secret not correct"
_PAUSED = (
    "Authorisation is currently paused while the school finalises the selection of people "
    "they wish to include in this feed."
)


def issue(world: World, estab: str, relying_party: str, scopes: tuple[str, ...]) -> Any:
    """Return a successful token reply."""
    lifetime = timedelta(seconds=world.application.token_lifetime_seconds)
    expires = world.now() + lifetime
    token = seal(Claims(estab, relying_party, scopes, expires), ALL)
    return {"token": token, "expires": zulu(expires), **NO_ERROR}


def _failure(message: str) -> dict[str, Any]:
    failed = {"token": None, "expires": _NO_EXPIRY, **NO_ERROR}
    return {**failed, "ExceptionMessage": message}


def get_token(world: World, body: dict[str, Any]) -> dict[str, Any]:
    """Answer a GetToken; failures come in the body, at HTTP 200 (xporter-api.md 2.2)."""
    given = {str(name).lower(): value for name, value in body.items()}
    estab = str(given.get("estab") or "")
    password = str(given.get("password") or "")
    if given.get("relyingparty") != world.application.relying_party:
        return _failure(_REFUSED)
    if not estab:
        return _management_token(world, password)
    school = world.schools.find(estab)
    if school is None or not _is_secret(school, password):
        return _failure(_REFUSED)
    if world.faults.take("refused_secret", path="/api/oauth/gettoken", estab=estab):
        return _failure(_REFUSED)
    if school.is_paused or world.faults.take("paused", path="/api/oauth/gettoken", estab=estab):
        return {**_failure(_PAUSED), "AuthorisationPaused": True}
    named = school.new_estab or estab
    return dict(issue(world, named, world.application.relying_party, school.scopes))


def _management_token(world: World, password: str) -> dict[str, Any]:
    if not compare_digest(password.encode(), world.application.management_secret.encode()):
        return _failure(_REFUSED)
    return dict(issue(world, "", world.application.relying_party, ()))


def _is_secret(school: School, password: str) -> bool:
    return not school.is_revoked and compare_digest(password.encode(), school.secret.encode())


def claims_of(world: World, header: str | None, path: str = "") -> Claims:
    """Return what the caller's token says.

    Raises:
        XporterError: There is no token in the Idaas scheme, or it is not valid any more.
    """
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "idaas" or not token:
        raise unauthorised("Authorization header is missing or is not of the Idaas scheme")
    claims = unseal(token.strip(), ALL, world.now())
    if world.faults.take("expired_token", path=path, estab=claims.estab):
        raise unauthorised("Token has expired")
    if world.application.live_token_scopes and claims.estab:
        school = world.schools.asked_for(claims.estab)
        return Claims(claims.estab, claims.relying_party, school.scopes, claims.expires)
    return claims


def school_of(world: World, claims: Claims, estab: str) -> School:
    """Return the school that the call is about; a renumbered one answers to both numbers.

    Raises:
        XporterError: The token is not of this school, or the school ended the sharing.
    """
    if not claims.estab:
        raise forbidden("A management token cannot be used for school data")
    if claims.estab != estab:
        asked = world.schools.find(estab)
        if asked is None or asked.new_estab != claims.estab:
            raise forbidden(f"Token is not valid for establishment {estab}")
        estab = claims.estab if world.schools.find(claims.estab) else estab
    school = world.schools.asked_for(estab)
    if school.is_revoked:
        raise forbidden(_REFUSED)
    return school
