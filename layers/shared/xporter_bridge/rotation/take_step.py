"""The four steps in which Secrets Manager rotates a secret.

Secrets Manager makes a pending version without a value, calls each step in order, and begins
again if one fails; so every step may come twice, and does nothing the second time.
("Lambda rotation functions", AWS Secrets Manager User Guide.)
"""

from __future__ import annotations

import secrets
import string

from xporter_bridge import telemetry
from xporter_bridge.aws.secrets_manager import PENDING, StagedVersions, VersionedSecret
from xporter_bridge.rotation.dependencies import RotationDependencies
from xporter_bridge.rotation.model import (
    VALUE_LENGTH,
    RotationRefusedError,
    RotationStep,
    SecretKind,
    fault_of,
)

_ALPHABET = string.ascii_letters + string.digits


def take_step(
    step: RotationStep, version: str, kind: SecretKind, deps: RotationDependencies
) -> None:
    """Take one step for the version; nothing is done for the version that is current already.

    No step tells Xporter anything: webhooks are registered anew by the daily check, which signs
    with the current version, and a person enters the token in the Xporter Portal.

    Raises:
        RotationRefusedError: Nobody has begun a rotation to this version, the version before the
            current one is still in use, or the new value must not be used.
    """
    secret = deps.secrets[kind]
    versions = secret.versions()
    if version == versions.current:
        return
    if version != versions.pending:
        raise RotationRefusedError("version_is_not_pending")
    match step:
        case RotationStep.CREATE:
            give_value(version, secret)
        case RotationStep.TEST:
            # Before a schedule is stored, AWS tests this step with a version that has no value.
            if secret.value(version) is not None:
                _refuse_faults(version, versions, secret)
        case RotationStep.FINISH:
            _finish(version, versions, kind, deps)
        case RotationStep.SET:
            pass
    telemetry.record("rotation_step_taken", step=str(step), secret=str(kind), version=version)


def give_value(version: str, secret: VersionedSecret) -> None:
    """Give the version a new value and the label of a pending one, unless the version has both.

    Raises:
        RotationRefusedError: The version before the current one is still accepted.
    """
    _refuse_while_held(secret.versions())
    if secret.value(version) is None:
        secret.put_pending(version, "".join(secrets.choice(_ALPHABET) for _ in range(VALUE_LENGTH)))


def _finish(
    version: str, versions: StagedVersions, kind: SecretKind, deps: RotationDependencies
) -> None:
    secret = deps.secrets[kind]
    # The secret may have been changed by hand since the first step.
    _refuse_while_held(versions)
    _refuse_faults(version, versions, secret)
    deps.note("rotate", kind, version, "asked")
    secret.make_current(version, versions.current)
    secret.remove_label(PENDING, version)
    deps.note("rotate", kind, version, "done")
    telemetry.count("SecretRotated", str(kind))


def _refuse_while_held(versions: StagedVersions) -> None:
    """Refuse a second rotation while URLs of before the first may be called.

    Only two versions are accepted, so the rotation would make the third one invalid.
    """
    if versions.previous:
        raise RotationRefusedError("the_previous_version_is_still_accepted")


def _refuse_faults(version: str, versions: StagedVersions, secret: VersionedSecret) -> None:
    fault = fault_of(
        secret.value(version) or "",
        version,
        current=versions.current,
        current_value=secret.value(versions.current) or "",
    )
    if fault:
        raise RotationRefusedError(fault)
