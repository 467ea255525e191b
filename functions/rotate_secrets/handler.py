"""Rotates the key of callback URLs and the token of the authentication URL."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from functions.rotate_secrets.request import perform
from functions.rotate_secrets.settings import Settings
from xporter_bridge import entrypoints
from xporter_bridge.audit.trail import AuditTrail
from xporter_bridge.aws.clients import client
from xporter_bridge.aws.secrets_manager import VersionedSecret
from xporter_bridge.rotation.dependencies import RotationDependencies
from xporter_bridge.rotation.model import SecretKind
from xporter_bridge.schools.repository import SchoolRepository


@cache
def dependencies() -> RotationDependencies:
    """Return the dependencies, made once per environment."""
    settings = Settings.from_env(os.environ)
    longest = max(settings.availability_deadline_seconds, settings.outcome_deadline_seconds)
    ids = {
        SecretKind.KEY: settings.callback_key_secret_arn,
        SecretKind.TOKEN: settings.authentication_token_secret_arn,
    }
    return RotationDependencies(
        {kind: VersionedSecret(client("secretsmanager"), id_) for kind, id_ in ids.items()},
        SchoolRepository(client("dynamodb"), settings.schools_table),
        AuditTrail(client("dynamodb"), settings.audit_table, timedelta(days=settings.audit_days)),
        timedelta(seconds=longest),
        lambda: datetime.now(UTC),
    )


def lambda_handler(event: Mapping[str, Any], context: entrypoints.LambdaContext) -> dict[str, Any]:
    """Hourly: drop the old key when nobody holds it. For Secrets Manager: one step of a rotation.

    An operator may invoke the function with ``{"secret": "key"}`` or ``"token"``, and with
    ``"rotate": true`` or ``"drop": true``. A failed step is repeated by Secrets Manager.
    """
    return entrypoints.run_schedule(
        event,
        context,
        function="rotate_secrets",
        run=lambda: perform(event, dependencies()),
    )
