"""Rotates a secret at once, for an operator."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid4

from xporter_bridge.aws.secrets_manager import PENDING, VersionedSecret
from xporter_bridge.rotation.dependencies import RotationDependencies
from xporter_bridge.rotation.follow import follow
from xporter_bridge.rotation.model import RotationStep, SecretKind
from xporter_bridge.rotation.take_step import give_value, take_step


def rotate(kind: SecretKind, deps: RotationDependencies) -> Mapping[str, int]:
    """Give the secret a new value, and return where the rotation stands, as ``follow`` does.

    A rotation that ended half-way, also one of Secrets Manager's, is continued.

    Raises:
        RotationRefusedError: The old version is still accepted, so that the last rotation has not
            come to its end.
    """
    follow(kind, deps)
    secret = deps.secrets[kind]
    version = _pending(secret) or str(uuid4())
    give_value(version, secret)
    for step in (RotationStep.TEST, RotationStep.FINISH):
        take_step(step, version, kind, deps)
    return follow(kind, deps)


def _pending(secret: VersionedSecret) -> str:
    """Return the version that waits to become the current one, or an empty text."""
    versions = secret.versions()
    if versions.pending == versions.current:
        if versions.pending:
            secret.remove_label(PENDING, versions.pending)
        return ""
    return versions.pending
