"""Reads what Secrets Manager, the schedule or an operator asks of the function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from xporter_bridge.audit.model import named
from xporter_bridge.errors import ConfigurationError
from xporter_bridge.rotation.dependencies import RotationDependencies
from xporter_bridge.rotation.follow import follow, follow_all
from xporter_bridge.rotation.model import RotationStep, SecretKind
from xporter_bridge.rotation.rotate import rotate
from xporter_bridge.rotation.take_step import take_step

_SECRETS_MANAGER = "secretsmanager.amazonaws.com"
_FORMS = {
    form: step
    for step in RotationStep
    # AWS's own pages write both "createSecret" and "create_secret".
    for form in (step.value, step.value.replace("Secret", "_secret"))
}


def perform(event: Mapping[str, Any], deps: RotationDependencies) -> Mapping[str, int]:
    """Do what the event asks, and return counts for the log and the operator.

    Secrets Manager names a ``Step``; an operator names a ``secret`` and, unless only its state is
    wanted, one of ``{"rotate": true}`` and ``{"drop": true}``; the schedule names nothing. ``by``
    is the operator's ARN for the audit trail: the operator says so, Lambda tells no function who
    has called it.

    Raises:
        ConfigurationError: The event names a secret or a step that is not known here.
        RotationRefusedError: See ``take_step``.
    """
    if "Step" in event:
        kind, step = _kind_of(event.get("SecretId"), deps), _FORMS.get(event["Step"])
        if step is None:
            raise ConfigurationError("not a step of a rotation")
        by_aws = replace(deps, by=_SECRETS_MANAGER)
        take_step(step, str(event["ClientRequestToken"]), kind, by_aws)
        return {}
    if "secret" not in event:
        return follow_all(deps)
    if event["secret"] not in set(SecretKind):
        raise ConfigurationError("not one of the secrets: key, token")
    kind = SecretKind(event["secret"])
    asked = replace(deps, by=named(event.get("by")))
    if event.get("rotate") is True:
        return rotate(kind, asked)
    return follow(kind, asked, drop=event.get("drop") is True)


def _kind_of(secret_id: object, deps: RotationDependencies) -> SecretKind:
    for kind, secret in deps.secrets.items():
        if secret.id == secret_id:
            return kind
    raise ConfigurationError("not a secret of this stack")
