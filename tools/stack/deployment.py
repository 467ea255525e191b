"""The real `sam deploy` of the real template, onto the emulator."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from tools.set_up import ROOT
from tools.stack.build import SAM, overrides
from tools.stack.errors import StackError
from tools.stack.processes import running

STACK_NAME = "xporter-bridge"


def deploy(
    template: Path, parameters: dict[str, str], *, environment: Mapping[str, str], log: IO[bytes]
) -> None:
    """Deploy a built template as the stack of the account in ``environment``.

    Raises:
        StackError: The deployment failed; the log has every event.
    """
    settings = {**environment, "SAM_CLI_TELEMETRY": "0", "SAM_CLI_POLL_DELAY": "0.2"}
    config = ["--config-file", str(ROOT / "samconfig.toml"), "--config-env", "local"]
    command = [str(SAM), "deploy", *config, "--template-file", str(template)]
    with running([*command, *overrides(parameters)], environment=settings, log=log) as process:
        if process.wait():
            raise StackError(f"sam deploy failed with status {process.returncode}")


def outputs(cloudformation: Any) -> dict[str, str]:
    """Return the stack's outputs by name."""
    stack = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def physical_ids(cloudformation: Any) -> dict[str, str]:
    """Return the physical id of every resource by its logical id."""
    resources = cloudformation.describe_stack_resources(StackName=STACK_NAME)["StackResources"]
    return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources}


def api_bodies(cloudformation: Any) -> dict[str, dict[str, Any]]:
    """Return what SAM made of each HttpApi's events: an OpenAPI body by logical id."""
    processed = cloudformation.get_template(StackName=STACK_NAME, TemplateStage="Processed")
    resources = processed["TemplateBody"]["Resources"]
    apis = {name: r for name, r in resources.items() if r["Type"] == "AWS::ApiGatewayV2::Api"}
    return {name: api["Properties"]["Body"] for name, api in apis.items()}


def function_behind(operation: Mapping[str, Any]) -> str:
    """Return the logical id of the function, or of its alias, that an operation of an API calls.

    Raises:
        StackError: The operation is not SAM's Lambda proxy.
    """
    uri = str(operation["x-amazon-apigateway-integration"]["uri"])
    found = re.search(r"/functions/\$\{(\w+)(?:\.Arn)?\}/", uri)
    if not found:
        raise StackError(f"an API operation calls no function: {uri}")
    return found[1]
