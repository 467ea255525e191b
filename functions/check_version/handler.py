"""Tries new versions before they have traffic."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from functions.check_version.settings import Settings
from xporter_bridge import entrypoints, telemetry
from xporter_bridge.aws.clients import client
from xporter_bridge.callbacks.signing_keys import SigningKeys
from xporter_bridge.deployments.check_version import CheckDependencies, Examples, check_deployment
from xporter_bridge.deployments.hooks import Hooks
from xporter_bridge.deployments.versions import Versions

# A link to the events/ of the repository; a build holds what it leads to.
_EXAMPLES = Path(__file__).parent / "events"


@cache
def examples() -> Examples:
    """Return every example by its function's folder and its own name, but for our own."""
    return {
        folder.name: {
            path.stem: json.loads(path.read_text(encoding="utf-8"))
            for path in sorted(folder.glob("*.json"))
        }
        for folder in sorted(_EXAMPLES.iterdir())
        if folder.name != Path(__file__).parent.name
    }


def dependencies(settings: Settings) -> CheckDependencies:
    """Return what an invocation works with; anew each time, as secrets may have been rotated."""
    secrets = client("secretsmanager")
    return CheckDependencies(
        hooks=Hooks(client("codedeploy")),
        versions=Versions(client("lambda"), settings.stack_name),
        callback_keys=SigningKeys(secrets, settings.callback_key_secret_arn),
        authentication_tokens=SigningKeys(secrets, settings.authentication_token_secret_arn),
    )


def lambda_handler(event: Mapping[str, Any], context: entrypoints.LambdaContext) -> bool:
    """From CodeDeploy, before a version has traffic: it goes on only if the examples went well.

    A fault of ours is raised, after CodeDeploy has been told that the deployment fails.
    """
    telemetry.bind(context.aws_request_id)
    settings = Settings.from_env(os.environ)
    return check_deployment(
        dependencies(settings),
        event["DeploymentId"],
        event["LifecycleEventHookExecutionId"],
        examples(),
    )
