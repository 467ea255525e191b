"""CodeDeploy's lifecycle hooks."""

from __future__ import annotations

from typing import Any

from xporter_bridge.aws.errors import translate_aws_errors


class Hooks:
    """The lifecycle hooks of deployments."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def group(self, deployment_id: str) -> str:
        """Return the name of the deployment's group, of which there is one per function."""
        with translate_aws_errors("codedeploy:GetDeployment"):
            answer = self._client.get_deployment(deploymentId=deployment_id)
        return str(answer["deploymentInfo"]["deploymentGroupName"])

    def report(self, deployment_id: str, execution_id: str, *, is_good: bool) -> None:
        """Let the deployment go on, or fail."""
        with translate_aws_errors("codedeploy:PutLifecycleEventHookExecutionStatus"):
            self._client.put_lifecycle_event_hook_execution_status(
                deploymentId=deployment_id,
                lifecycleEventHookExecutionId=execution_id,
                status="Succeeded" if is_good else "Failed",
            )
