"""Checks new versions before they receive traffic."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from functions.check_version.settings import Settings
from xporter_bridge import entrypoints, telemetry
from xporter_bridge.audit.trail import AuditTrail
from xporter_bridge.aws.clients import client
from xporter_bridge.callbacks.signing_keys import SigningKeys
from xporter_bridge.deployments.check_version import CheckDependencies, Examples, check_deployment
from xporter_bridge.deployments.hooks import Hooks
from xporter_bridge.deployments.versions import Versions

# A link to events/ of the repository; a build contains a copy of the folder.
_EXAMPLES = Path(__file__).parent / "events"


@cache
def examples() -> Examples:
    """Return every example by its function's folder and its name, except those of this function."""
    return {
        folder.name: {
            path.stem: json.loads(path.read_text(encoding="utf-8"))
            for path in sorted(folder.glob("*.json"))
        }
        for folder in sorted(_EXAMPLES.iterdir())
        if folder.name != Path(__file__).parent.name
    }


def dependencies(settings: Settings) -> CheckDependencies:
    """Return the dependencies; new ones for each invocation, as secrets may have been rotated."""
    secrets = client("secretsmanager")
    return CheckDependencies(
        hooks=Hooks(client("codedeploy")),
        versions=Versions(client("lambda"), settings.stack_name),
        callback_keys=SigningKeys(secrets, settings.callback_key_secret_arn),
        authentication_tokens=SigningKeys(secrets, settings.authentication_token_secret_arn),
        audit=AuditTrail(
            client("dynamodb"), settings.audit_table, timedelta(days=settings.audit_days)
        ),
        now=lambda: datetime.now(UTC),
    )


def lambda_handler(event: Mapping[str, Any], context: entrypoints.LambdaContext) -> bool:
    """Called by CodeDeploy before a version receives traffic: run the version on its examples.

    If an example fails, the deployment fails. A fault of our own is reported to CodeDeploy as a
    failed deployment and then raised.
    """
    telemetry.bind(context.aws_request_id)
    settings = Settings.from_env(os.environ)
    return check_deployment(
        dependencies(settings),
        event["DeploymentId"],
        event["LifecycleEventHookExecutionId"],
        examples(),
    )
