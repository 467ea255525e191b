"""Runs new versions on examples, and reports to CodeDeploy whether they may receive traffic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from xporter_bridge import telemetry
from xporter_bridge.audit.model import ITSELF, STACK, AuditEntry
from xporter_bridge.audit.trail import AuditTrail
from xporter_bridge.callbacks.signing_keys import SigningKeys
from xporter_bridge.deployments.hooks import Hooks
from xporter_bridge.deployments.model import concerned, prepared, problem
from xporter_bridge.deployments.versions import Versions
from xporter_bridge.errors import XporterBridgeError

# By function, and by the name of the example.
Examples = Mapping[str, Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True)
class CheckDependencies:
    """The dependencies of a check."""

    hooks: Hooks
    versions: Versions
    callback_keys: SigningKeys
    authentication_tokens: SigningKeys
    audit: AuditTrail
    now: Callable[[], datetime]


def check_deployment(
    dependencies: CheckDependencies, deployment_id: str, execution_id: str, examples: Examples
) -> bool:
    """Check the functions of a deployment; return whether the deployment continues.

    Args:
        execution_id: Identifies the hook; CodeDeploy waits an hour for its result.
        examples: The examples of every deployed function.
    """
    is_good = False
    try:
        functions = concerned(dependencies.hooks.group(deployment_id), examples)
        is_good = not failed(dependencies, {each: examples[each] for each in functions})
    finally:
        dependencies.hooks.report(deployment_id, execution_id, is_good=is_good)
    telemetry.record("version_checked", deployment=deployment_id, good=is_good)
    return is_good


def failed(dependencies: CheckDependencies, examples: Examples) -> list[str]:
    """Run each function's new version on its examples; return the failed examples."""
    found = []
    for function, named in examples.items():
        version = dependencies.versions.candidate(function)
        if version is None:
            telemetry.record("version_known", function=function)
            continue
        faulty = _faulty(dependencies, function, version, named)
        note_version(dependencies, function, version, "refused" if faulty else "checked")
        found += faulty
    return found


def _faulty(
    deps: CheckDependencies, function: str, version: str, named: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Run a version on the examples of its function; return those that failed."""
    found = []
    for name, example in named.items():
        event = prepared(
            function,
            example,
            callback_keys=deps.callback_keys.keys(),
            authentication_token=deps.authentication_tokens.keys()[0].secret.decode(),
        )
        reason = problem(function, deps.versions.invoke(function, version, event))
        if reason:
            facts = {"function": function, "version": version, "example": name}
            telemetry.warn("version_failed", **facts, reason=reason)
            found.append(f"{function}/{name}")
    return found


def note_version(deps: CheckDependencies, function: str, version: str, outcome: str) -> None:
    """Note in the audit trail that a new version was checked, and what differs, by name.

    A deployment goes on if that fails: a stack must be repairable while its trail is not.
    """
    try:
        before, changed = deps.versions.differences(function, version)
        about = {
            "function": function,
            "version": version,
            "before": before,
            "changed": ", ".join(changed),
        }
        id_ = f"{function}-{version}"
        deps.audit.add(AuditEntry(STACK, deps.now(), id_, "deployVersion", outcome, ITSELF, about))
    except XporterBridgeError as error:
        telemetry.report("audit_incomplete", error, function=function, version=version)
