"""What a new version is tried on, and what of its answers speaks against it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from xporter_bridge.callbacks.signed_urls import CallbackKind, SigningKey, sign
from xporter_bridge.dry_run import MARK

_RECEIVER = "receive_"
_STORES = "sqs:SendMessage"
# What the API may answer to a good request about a school that it may not know.
_GOOD_STATUSES = {200, 202, 404, 409}


@dataclass(frozen=True)
class Outcome:
    """What came of calling a version.

    Args:
        error: The type of what it raised, if it raised.
    """

    payload: Any
    error: str | None = None


def logical_id(function: str) -> str:
    """Return the name in template.yaml of the function in a folder."""
    return "".join(word.capitalize() for word in function.split("_")) + "Function"


def concerned(group: str, functions: Collection[str]) -> list[str]:
    """Return the functions that a deployment is about.

    Args:
        group: The name of its deployment group, which CloudFormation makes of the function's name
            in template.yaml. Should it ever do otherwise, everything is checked.
    """
    named = [each for each in functions if f"-{logical_id(each)}DeploymentGroup-" in group]
    return named or list(functions)


def candidate(live: str, published: Iterable[str]) -> str | None:
    """Return the version that is to have traffic next, or None if there is nothing to be checked.

    A way back is never barred: where the alias is at the newest version, it moves to one that has
    had traffic before.

    Args:
        live: The version that the alias is at.
        published: All versions that there are, ``$LATEST`` perhaps among them.
    """
    newest = max((int(version) for version in published if version.isdigit()), default=0)
    return str(newest) if newest > int(live) else None


def prepared(
    function: str,
    example: Mapping[str, Any],
    *,
    callback_keys: Sequence[SigningKey],
    authentication_token: str,
) -> dict[str, Any]:
    """Return an example as the function would accept it, marked for a dry run.

    Examples are signed by nobody; here they are given a signature of ours, or our token.
    """
    event = {**example, MARK: True}
    if not function.startswith(_RECEIVER):
        return event
    kind = function.removeprefix(_RECEIVER)
    if kind == "authentication":
        return event | {"pathParameters": {"token": authentication_token}}
    return event | {"rawQueryString": _signed(CallbackKind(kind), example, callback_keys)}


def problem(function: str, outcome: Outcome) -> str | None:
    """Return what speaks against the version, in a word or two, or None."""
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
