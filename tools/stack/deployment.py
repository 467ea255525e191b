"""The real `sam deploy` of the real template, onto the emulator."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from tools.set_up import ROOT
from tools.stack.build import SAM, overrides
from tools.stack.errors import StackError
from tools.stack.processes import LogEnd, running

STACK_NAME = "xporter-bridge"
LOCAL_CONFIG = (str(ROOT / "samconfig.toml"), "--config-env", "local")


def deploy(
    template: Path,
    parameters: dict[str, str],
    *,
    environment: Mapping[str, str],
    log: IO[bytes],
    config: Sequence[str] = LOCAL_CONFIG,
    options: Sequence[str] = (),
) -> None:
    """Deploy a built template into the account that ``environment`` names.

    Args:
        config: The file of settings, and its section if that is not the default.
        options: Further arguments of `sam deploy`.

    Raises:
        StackError: The deployment failed; the log has every event.
    """
    settings = {"SAM_CLI_POLL_DELAY": "0.2", **environment, "SAM_CLI_TELEMETRY": "0"}
    settled = ["--config-file", *config, "--template-file", str(template)]
    command = [str(SAM), "deploy", *settled, *options]
    end = LogEnd(log)
    with running([*command, *overrides(parameters)], environment=settings, log=log) as process:
        if process.wait():
            raise StackError(f"sam deploy failed with status {process.returncode}{end}")


def outputs(cloudformation: Any, stack_name: str = STACK_NAME) -> dict[str, str]:
    """Return the stack's outputs by name."""
    stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def physical_ids(cloudformation: Any, stack_name: str = STACK_NAME) -> dict[str, str]:
    """Return the physical id of every resource by its logical id."""
    return {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for resource in stack_resources(cloudformation, stack_name)
        if "PhysicalResourceId" in resource
    }


def stack_resources(cloudformation: Any, stack: str) -> list[dict[str, Any]]:
    """Return every resource of a stack; by its id they are found after its deletion too.

    ``describe_stack_resources`` ends after a hundred.
    """
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    return [resource for page in pages for resource in page["StackResourceSummaries"]]


def api_bodies(cloudformation: Any, stack_name: str = STACK_NAME) -> dict[str, dict[str, Any]]:
    """Return the OpenAPI body that SAM made for each HttpApi, by logical id."""
    processed = cloudformation.get_template(StackName=stack_name, TemplateStage="Processed")
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
