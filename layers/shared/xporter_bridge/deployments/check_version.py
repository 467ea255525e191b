"""Tries new versions on examples, and tells CodeDeploy whether they may have traffic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xporter_bridge import telemetry
from xporter_bridge.callbacks.signed_urls import SigningKey
from xporter_bridge.deployments.hooks import Hooks
from xporter_bridge.deployments.model import concerned, prepared, problem
from xporter_bridge.deployments.versions import Versions

# By function, and by the name of the example.
Examples = Mapping[str, Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True)
class CheckDesk:
    """What a check works with."""

    hooks: Hooks
    versions: Versions
    callback_keys: Sequence[SigningKey]
    authentication_token: str


def check_deployment(
    desk: CheckDesk,
    deployment_id: str,
    execution_id: str,
    targets: Mapping[str, str],
    examples: Examples,
) -> bool:
    """Try what a deployment is about, and let it go on or fail; return which.

    Args:
        execution_id: What CodeDeploy waits for, for an hour.
        targets: Every function's new version, as an ARN.
    """
    is_good = False
    try:
        group = desk.hooks.group(deployment_id)
        is_good = not failed(desk, concerned(group, targets), examples)
    finally:
        desk.hooks.report(deployment_id, execution_id, is_good=is_good)
    telemetry.record("version_checked", deployment=deployment_id, good=is_good)
    return is_good


def failed(desk: CheckDesk, targets: Mapping[str, str], examples: Examples) -> list[str]:
    """Try each version on each of its examples; return those that failed, by the example's name."""
    found = []
    for function, version in targets.items():
        if not examples.get(function):
            telemetry.warn("version_failed", function=function, reason="there is no example of it")
            found.append(function)
        for name, example in examples.get(function, {}).items():
            event = prepared(
                function,
                example,
                callback_keys=desk.callback_keys,
                authentication_token=desk.authentication_token,
            )
            reason = problem(function, desk.versions.invoke(version, event))
            if reason:
                telemetry.warn("version_failed", function=function, example=name, reason=reason)
                found.append(f"{function}/{name}")
    return found
