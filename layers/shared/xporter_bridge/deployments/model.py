"""Decides which version to check, prepares its examples, and judges its replies."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from xporter_bridge.callbacks.signed_urls import CallbackKind, SigningKey, sign
from xporter_bridge.dry_run import MARK

_RECEIVER = "receive_"
_STORES = "sqs:SendMessage"
# The API's statuses for a valid request about a school that may not exist.
_GOOD_STATUSES = {200, 202, 404, 409}
# What makes a version another one, beside its variables.
_COMPARED = {
    "code": ("CodeSha256", "Layers"),
    "runtime": ("Runtime", "Architectures"),
    "size": ("MemorySize", "Timeout"),
}


@dataclass(frozen=True)
class Outcome:
    """The result of calling a version.

    Args:
        error: The type of the exception that the version raised, if any.
    """

    payload: Any
    error: str | None = None


def logical_id(function: str) -> str:
    """Return the name in template.yaml of the function in a folder."""
    return "".join(word.capitalize() for word in function.split("_")) + "Function"


def concerned(group: str, functions: Collection[str]) -> list[str]:
    """Return the functions of a deployment.

    Args:
        group: The name of the deployment group. CloudFormation derives the name from the
            function's name in template.yaml; if no function matches, all are checked.
    """
    named = [each for each in functions if f"-{logical_id(each)}DeploymentGroup-" in group]
    return named or list(functions)


def candidate(live: str, published: Iterable[str]) -> str | None:
    """Return the version that will receive traffic next, or None if no version needs a check.

    A rollback is never blocked: if the alias is at the newest version, the alias moves to a
    version that has had traffic before.

    Args:
        live: The version of the alias.
        published: All published versions; ``$LATEST`` may be among them.
    """
    newest = max((int(version) for version in published if version.isdigit()), default=0)
    return str(newest) if newest > int(live) else None


def changed_names(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return what differs between two versions, by name and without any value.

    Args:
        before, after: Configurations as Lambda lists them; empty if Lambda has no such version.
    """
    found = {
        name
        for name, fields in _COMPARED.items()
        if any(before.get(field) != after.get(field) for field in fields)
    }
    old, new = (each.get("Environment", {}).get("Variables", {}) for each in (before, after))
    found |= {name for name in {*old, *new} if old.get(name) != new.get(name)}
    return sorted(found)


def prepared(
    function: str,
    example: Mapping[str, Any],
    *,
    callback_keys: Sequence[SigningKey],
    authentication_token: str,
) -> dict[str, Any]:
    """Return an example in a form that the function accepts, marked for a dry run.

    Examples have no signature; this function adds a valid signature or our token.
    """
    event = {**example, MARK: True}
    if not function.startswith(_RECEIVER):
        return event
    kind = function.removeprefix(_RECEIVER)
    if kind == "authentication":
        return event | {"pathParameters": {"token": authentication_token}}
    return event | {"rawQueryString": _signed(CallbackKind(kind), example, callback_keys)}


def problem(function: str, outcome: Outcome) -> str | None:
    """Return a short description of the version's fault, or None."""
    if outcome.error:
        return f"raised {outcome.error}"
    payload = outcome.payload
    report = payload.get("dry_run") if isinstance(payload, Mapping) else None
    if not isinstance(report, Mapping):
        return "made no dry run"
    if report["failed"]:
        return "failed its message"
    if function.startswith(_RECEIVER) and report["ended_at"] != _STORES:
        return f"refused a good callback with {report['status']}"
    if report["status"] not in {None, *_GOOD_STATUSES}:
        return f"answered {report['status']}"
    return None


def _signed(kind: CallbackKind, example: Mapping[str, Any], keys: Sequence[SigningKey]) -> str:
    query = dict(parse_qsl(example["rawQueryString"]))
    for name in ("key", "signature"):
        query.pop(name)
    subject = query.pop("database" if kind is CallbackKind.DATABASE else "id")
    url = sign(kind, query.pop("estab"), subject, base_url="", keys=keys)
    return "&".join(filter(None, [url.partition("?")[2], urlencode(query)]))
